import Storage

/// Looks for the newest checkpoint that can be used, here and in a second place.
struct CheckpointSearch {
    /// What was found.
    struct Found {
        var manifest: CheckpointManifest?
        /// The greatest epoch of any manifest, damaged ones too.
        var lastEpoch = 0
        /// What could not be used.
        var damage: [any Error] = []
    }

    let here: StateFiles
    let there: StateFiles?

    private static let damagedSuffix = ".damaged"

    private var manifestsHere: CheckpointFiles {
        CheckpointFiles(path: here.path, fileSystem: here.fileSystem)
    }

    private var manifestsThere: CheckpointFiles? {
        there.map { CheckpointFiles(path: $0.path, fileSystem: $0.fileSystem) }
    }

    /// The newest checkpoint that can be used; afterwards all of it is here. What stands in its way
    /// is set aside under another name.
    func newest(log: (String) -> Void) throws -> Found {
        var found = Found()
        let local = try manifestsHere.epochs()
        let remote = try epochsThere(log)
        let epochs = Set(local + remote).sorted(by: >)
        found.lastEpoch = epochs.first ?? 0
        for epoch in epochs {
            do {
                let manifest = try complete(epoch, isHere: local.contains(epoch), log)
                // Behind the end of a run another one began, which is not to begin again.
                if manifest.isFinished && !found.damage.isEmpty { break }
                found.manifest = manifest
                break
            } catch {
                log("checkpoint \(epoch) cannot be used: \(error)")
                // What cannot be read now may be whole: nothing older is to take its place.
                if let error = error as? StorageError, !error.isDamage { throw error }
                found.damage.append(error)
            }
        }
        guard let chosen = found.manifest?.epoch else { return found }
        for epoch in local where epoch > chosen {
            let path = manifestsHere.path(of: epoch)
            if try here.fileSystem.status(of: path) != nil {
                try here.fileSystem.rename(path, to: path + Self.damagedSuffix)
            }
        }
        return found
    }

    private func epochsThere(_ log: (String) -> Void) throws -> [Int] {
        guard let there, let manifests = manifestsThere else { return [] }
        do {
            guard try there.fileSystem.status(of: there.path) != nil else { return [] }
            return try manifests.epochs()
        } catch {
            log("the second place cannot be read: \(error)")
            return []
        }
    }

    /// A checkpoint of which everything is here, or was brought here.
    private func complete(
        _ epoch: Int, isHere: Bool, _ log: (String) -> Void
    ) throws -> CheckpointManifest {
        let manifest: CheckpointManifest
        do {
            manifest = try manifestsHere.read(epoch)
        } catch {
            guard let manifestsThere else { throw error }
            do {
                manifest = try manifestsThere.read(epoch)
            } catch let other {
                throw isHere ? error : other
            }
            if isHere { log("\(error)") }
        }
        var brought: [(name: String, copy: StateFiles.Copied)] = []
        for name in manifest.files.sorted() {
            if let copy = try bring(name, log) { brought.append((name, copy)) }
        }
        for (name, copy) in brought {
            try copy.settle()
            try here.check(name)
        }
        try here.fileSystem.syncDirectory(here.path)
        if (try? manifestsHere.read(epoch)) == nil { try manifestsHere.write(manifest) }
        return manifest
    }

    /// Makes sure that a file is here, by getting it from the second place if need be: there all of
    /// it is checked. Gives what was copied.
    private func bring(
        _ name: String, _ log: (String) -> Void
    ) throws -> StateFiles.Copied? {
        do {
            try here.check(name)
            return nil
        } catch {
            guard let there else { throw error }
            do {
                try there.verify(name)
            } catch let other {
                log("\(other)")
                // A copy that cannot be read now may be whole.
                throw other.isDamage ? error : other
            }
            if error.kind != .notFound {
                log("\(error); it is replaced by its copy in \(there.path)")
                try here.fileSystem.unlink(here.path(of: name))
            }
            return try there.copy(name, to: here)
        }
    }

    /// The checkpoints here that are older and whose manifests can be read, the oldest first.
    func older(than epoch: Int) throws -> [CheckpointManifest] {
        try manifestsHere.epochs().filter { $0 < epoch }.compactMap { older in
            do throws(StorageError) {
                return try manifestsHere.read(older)
            } catch {
                guard error.kind == .corrupt else { throw error }
                return nil
            }
        }
    }
}

extension StorageError {
    /// Whether something is not what it was, rather than out of reach for now.
    fileprivate var isDamage: Bool { kind == .corrupt || kind == .notFound }
}
