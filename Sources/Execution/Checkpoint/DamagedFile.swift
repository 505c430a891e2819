import Dataflow
import Storage

/// A file of state of which a part was found damaged when it was read.
enum DamagedFile {
    private static let suffix = ".damaged"

    /// Sets the file that a run failed of aside, if the second place has a whole copy: the next run
    /// goes on with that. Nothing else is changed.
    static func setAside(_ failure: any Error, of plan: Plan, log: (String) -> Void) {
        guard let error = failure as? StorageError, error.kind == .corrupt,
            let state = plan.state, let second = plan.checkpoint?.secondPlace,
            FilePath.directory(of: error.path) == state.path
        else { return }
        let (path, name) = (error.path, FilePath.name(of: error.path))
        guard StateDirectory.incarnation(of: name) != nil else { return }
        do {
            try StateFiles(second.path, fileSystem: state.fileSystem).verify(name)
            try state.fileSystem.rename(path, to: path + suffix)
            try state.fileSystem.syncDirectory(state.path)
            log(
                "\(path) is damaged, and was renamed to \(name)\(suffix); the next run goes on "
                    + "with its copy in \(second.path)")
        } catch {
            log("the copy of \(path) in \(second.path) is of no use: \(error)")
        }
    }
}
