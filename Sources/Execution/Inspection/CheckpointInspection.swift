import Dataflow
package import Storage

/// The checkpoints of a directory as a user sees them; reads only, unless a verb says otherwise.
package struct CheckpointInspection {
    /// A checkpoint in a list.
    package struct Summary: Sendable {
        package let epoch: Int
        package let pipeline: String
        /// The wall clock, in microseconds since the epoch.
        package let writtenAt: Int64
        /// Whether the input had ended.
        package let isFinished: Bool
        /// Whether the run had come to its end, too.
        package let hasEnded: Bool
        package let workers: Int
        /// Chunks before it.
        package let chunks: Int
        package let files: Int
        /// Bytes of its files; checkpoints share them.
        package let byteCount: Int
    }

    /// Something that is wrong with a checkpoint.
    package struct Problem: Sendable, CustomStringConvertible {
        package let epoch: Int
        package let description: String
    }

    private let place: StateFiles
    private let manifests: CheckpointFiles

    package init(_ path: String, fileSystem: any FileSystem) {
        place = StateFiles(path, fileSystem: fileSystem)
        manifests = CheckpointFiles(path: path, fileSystem: fileSystem)
    }

    /// All checkpoints that can be read, the oldest first, and what is wrong with the others.
    package func list() throws(StorageError) -> (checkpoints: [Summary], problems: [Problem]) {
        var checkpoints: [Summary] = []
        var problems: [Problem] = []
        for epoch in try manifests.epochs() {
            do throws(StorageError) {
                checkpoints.append(try summary(try manifests.read(epoch)))
            } catch {
                problems.append(Problem(epoch: epoch, description: "\(error)"))
            }
        }
        return (checkpoints, problems)
    }

    /// What the newest checkpoint that can be read keeps of a source's guessed fields: see
    /// `Plan.SourceNode.guess`; none where the next run begins anew.
    package func guess(of source: String) -> [UInt8]? {
        let epochs = (try? manifests.epochs()) ?? []
        for epoch in epochs.reversed() {
            guard let manifest = try? manifests.read(epoch) else { continue }
            if manifest.isFinished { return nil }
            let guess = manifest.sources.first { $0.name == source }?.guess ?? []
            return guess.isEmpty ? nil : guess
        }
        return nil
    }

    private func summary(_ manifest: CheckpointManifest) throws(StorageError) -> Summary {
        var byteCount = 0
        for name in manifest.files { byteCount += try place.byteCount(of: name) ?? 0 }
        return Summary(
            epoch: manifest.epoch, pipeline: manifest.pipeline, writtenAt: manifest.writtenAt,
            isFinished: manifest.isFinished, hasEnded: manifest.hasEnded,
            workers: manifest.workers,
            chunks: manifest.nextChunk, files: manifest.files.count, byteCount: byteCount)
    }

    /// Reads every byte of every checkpoint, or of one; gives what is wrong.
    package func verify(epoch: Int? = nil) throws -> [Problem] {
        var problems: [Problem] = []
        var verified: Set<String> = []
        let chosen = try manifests.choose(epoch)
        for candidate in try manifests.epochs() where epoch == nil || candidate == chosen {
            do throws(StorageError) {
                let manifest = try manifests.read(candidate)
                for name in manifest.files.sorted() where verified.insert(name).inserted {
                    do throws(StorageError) {
                        try place.verify(name)
                    } catch {
                        let owner = manifest.owner(of: name)
                        problems.append(
                            Problem(epoch: candidate, description: "\(error) (\(owner))"))
                    }
                }
                for sink in manifest.sinks {
                    do throws(StorageError) {
                        try sink.waiting?.verify(in: place) { verified.insert($0).inserted }
                    } catch {
                        let owner = "rows that wait for sink \(sink.name)"
                        problems.append(
                            Problem(epoch: candidate, description: "\(error) (\(owner))"))
                    }
                }
            } catch {
                problems.append(Problem(epoch: candidate, description: "\(error)"))
            }
        }
        return problems
    }

    /// Removes all but the newest checkpoints and the files that only those needed. A run may copy
    /// checkpoints to the directory meanwhile, but not keep its state there.
    package func prune(keeping count: Int, log: (String) -> Void) throws(StorageError) {
        try CheckpointCopy.prune(place, to: count, othersCopy: true, log: log)
    }

    /// Copies a checkpoint, or the newest, with everything it needs to another directory, after
    /// every byte of it was checked; gives its epoch and the bytes written. A run may not copy to
    /// that directory meanwhile.
    package func copy(
        epoch: Int? = nil, to path: String
    ) throws -> (epoch: Int, byteCount: Int) {
        let chosen = try manifests.choose(epoch)
        let manifest = try manifests.read(chosen)
        for name in manifest.files.sorted() { try place.verify(name) }
        for sink in manifest.sinks { try sink.waiting?.verify(in: place) }
        let target = StateFiles(path, fileSystem: place.fileSystem)
        try target.fileSystem.makeDirectories(target.path)
        let claim = try CopyClaim(target)
        defer { claim.release() }
        let byteCount = try CheckpointCopy.copy(manifest, from: place, to: target)
        return (chosen, byteCount)
    }
}

extension CheckpointManifest {
    /// What a file belongs to, for messages.
    fileprivate func owner(of file: String) -> String {
        for step in steps {
            for part in step.parts
            where part.snapshot.families.contains(where: { $0.files.contains(file) }) {
                return "step \(step.name), worker \(part.worker)"
            }
        }
        for source in sources where source.table == file { return "table \(source.name)" }
        for sink in sinks where sink.waiting?.files.contains(file) == true {
            return "rows that wait for sink \(sink.name)"
        }
        return "unknown"
    }
}
