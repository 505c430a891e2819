import Storage

extension CheckpointSearch {
    /// Where rows that wait for a sink are not whole in its log, takes those of the second place
    /// into the manifest, as files; gives whether there were any. What is nowhere to be had is left
    /// to the sink, whose target may have it.
    func takeCopies(
        of manifest: inout CheckpointManifest, _ log: (String) -> Void
    ) throws(StorageError) -> Bool {
        var hasCopies = false
        for (index, sink) in manifest.sinks.enumerated() {
            guard let waiting = sink.waiting,
                let path = waiting.log(for: here.path).map({ logs[sink.name] ?? $0 })
            else { continue }
            do throws(StorageError) {
                try waiting.verify(inLog: path, here.fileSystem)
            } catch {
                guard error.isDamage else { throw error }
                log("rows that wait for sink '\(sink.name)' are not whole: \(error)")
                guard let copy = try copy(of: sink.name, manifest.epoch, log) else { continue }
                manifest.sinks[index].waiting = copy
                hasCopies = true
            }
        }
        return hasCopies
    }

    /// What the second place has of the rows that wait for a sink, if all of it can be read.
    private func copy(
        of sink: String, _ epoch: Int, _ log: (String) -> Void
    ) throws(StorageError) -> WaitingPieces? {
        guard let there else { return nil }
        do throws(StorageError) {
            let manifests = CheckpointFiles(path: there.path, fileSystem: there.fileSystem)
            guard let copy = try manifests.read(epoch).sinks.first(where: { $0.name == sink }),
                let waiting = copy.waiting, waiting.place == .files
            else { return nil }
            for name in waiting.files { try there.verify(name) }
            log("they are taken from \(there.path)")
            return waiting
        } catch {
            // What cannot be read now may be whole.
            guard error.isDamage else { throw error }
            log("those in \(there.path) cannot be used: \(error)")
            return nil
        }
    }
}
