import Dataflow
import Storage

/// A file of state of which a part was found damaged when it was read.
enum DamagedFile {
    private static let suffix = ".damaged"

    /// Sets the file that a run failed of aside, if the next run can do without it: the second
    /// place has a whole copy, or there is a checkpoint that does not need it. Nothing else is
    /// changed.
    static func setAside(_ failure: any Error, of plan: Plan, log: (String) -> Void) {
        guard let error = failure as? StorageError, error.kind == .corrupt,
            let state = plan.state, FilePath.directory(of: error.path) == state.path
        else { return }
        let name = FilePath.name(of: error.path)
        guard StateDirectory.incarnation(of: name) != nil else { return }
        let here = StateFiles(state.path, fileSystem: state.fileSystem)
        let there = plan.checkpoint?.secondPlace.map {
            StateFiles($0.path, fileSystem: state.fileSystem)
        }
        do {
            if let there {
                guard let problem = damage(of: name, in: there) else {
                    return try rename(name, in: here, "its copy in \(there.path)", log)
                }
                log("the copy of \(error.path) in \(there.path) is of no use: \(problem)")
                // What cannot be read now may be whole.
                guard problem.isDamage else { return }
            }
            guard damage(of: name, in: here)?.kind == .corrupt else { return }
            for place in [here, there].compactMap({ $0 }) {
                guard let epoch = try epoch(without: name, in: place) else { continue }
                return try rename(name, in: here, "checkpoint \(epoch) in \(place.path)", log)
            }
        } catch {
            log("\(error.path) stays where it is: \(error)")
        }
    }

    private static func rename(
        _ name: String, in place: StateFiles, _ rest: String, _ log: (String) -> Void
    ) throws(StorageError) {
        let path = place.path(of: name)
        try place.fileSystem.rename(path, to: path + suffix)
        try place.fileSystem.syncDirectory(place.path)
        log(
            "\(path) is damaged, and was renamed to \(name)\(suffix); the next run goes on with "
                + rest)
    }

    /// What is wrong with a file when all of it is read; nil for nothing.
    private static func damage(of name: String, in place: StateFiles) -> StorageError? {
        do throws(StorageError) {
            try place.verify(name)
            return nil
        } catch {
            return error
        }
    }

    /// The newest checkpoint of a place that a run can go on from without a file; nil for none.
    private static func epoch(
        without name: String, in place: StateFiles
    ) throws(StorageError) -> Int? {
        guard try place.fileSystem.status(of: place.path) != nil else { return nil }
        let manifests = CheckpointFiles(path: place.path, fileSystem: place.fileSystem)
        return try manifests.epochs().last { epoch in
            guard let manifest = try? manifests.read(epoch), !manifest.isFinished else {
                return false
            }
            return !manifest.files.contains(name)
        }
    }
}
