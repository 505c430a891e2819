import Storage

/// The manifests of checkpoints in a directory: which there are, and which of them can be read.
///
///     name = checkpoint- | epoch, 16 decimal digits | .manifest
struct CheckpointFiles {
    let path: String
    let fileSystem: any FileSystem

    private static let prefix = "checkpoint-"
    private static let suffix = ".manifest"
    private static let digits = 16

    static func name(of epoch: Int) -> String {
        let number = String(epoch)
        let zeros = String(repeating: "0", count: max(0, digits - number.count))
        return prefix + zeros + number + suffix
    }

    /// The epoch that a file's name carries, if it is a manifest's.
    static func epoch(of name: String) -> Int? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let number = name.dropFirst(prefix.count).dropLast(suffix.count)
        guard number.count == digits else { return nil }
        return Int(number)
    }

    /// Whether a name is that of a manifest that was not written to its end.
    static func isUnfinished(_ name: String) -> Bool {
        name.hasPrefix(prefix) && name.hasSuffix(suffix + ".new")
    }

    func path(of epoch: Int) -> String { path + "/" + Self.name(of: epoch) }

    /// The epochs that have a manifest, ascending.
    func epochs() throws(StorageError) -> [Int] {
        try fileSystem.names(in: path).compactMap { Self.epoch(of: $0) }.sorted()
    }

    func read(_ epoch: Int) throws(StorageError) -> CheckpointManifest {
        let bytes = try ManifestFile.read(path(of: epoch), in: fileSystem)
        do throws(ByteReader.Damage) {
            let manifest = try CheckpointManifest(bytes)
            guard manifest.epoch == epoch else {
                throw ByteReader.Damage(cause: "it is of epoch \(manifest.epoch)")
            }
            return manifest
        } catch {
            throw ManifestFile.corrupt(path(of: epoch), error.cause)
        }
    }

    func write(_ manifest: CheckpointManifest) throws(StorageError) {
        try ManifestFile.write(
            manifest.encoded(), to: path(of: manifest.epoch), in: fileSystem)
    }

    /// Leaves the word that a run has ended. From when it is there, all is well: one that does not
    /// last costs no more than a run that finds nothing to do.
    func writeEnd(
        of manifest: CheckpointManifest, log: (String) -> Void
    ) throws(StorageError) {
        let path = path(of: manifest.epoch)
        try ManifestFile.place(manifest.ended.encoded(), at: path, in: fileSystem)
        do throws(StorageError) {
            try fileSystem.syncDirectory(self.path)
        } catch {
            log("\(error)")
        }
    }

    /// Removes a manifest; one that is gone is fine.
    func remove(_ epoch: Int) throws(StorageError) {
        do throws(StorageError) {
            try fileSystem.unlink(path(of: epoch))
        } catch {
            guard error.kind == .notFound else { throw error }
        }
    }
}
