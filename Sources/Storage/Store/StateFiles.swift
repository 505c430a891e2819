/// The files of state in a directory, seen from outside of a run: checked, and copied.
package struct StateFiles: Sendable {
    package let path: String
    package let fileSystem: any FileSystem

    package init(_ path: String, fileSystem: any FileSystem) {
        self.path = path
        self.fileSystem = fileSystem
    }

    package func path(of name: String) -> String { FilePath.join(path, name) }

    /// Bytes of a file; nil where there is none.
    package func byteCount(of name: String) throws(StorageError) -> Int? {
        try fileSystem.status(of: path(of: name))?.byteCount
    }

    /// Opens a file and checks what says what is in it; its blocks are checked when they are read.
    package func check(_ name: String) throws(StorageError) {
        try check(name, at: path(of: name), isWhole: false)
    }

    /// Reads all of a file and checks every part of it.
    package func verify(_ name: String) throws(StorageError) {
        try check(name, at: path(of: name), isWhole: true)
    }

    /// Checks the file at `path` as one that is called `name`: its ends, or the whole of it.
    private func check(
        _ name: String, at path: String, isWhole: Bool
    ) throws(StorageError) {
        if name.hasSuffix(StateDirectory.FileKind.bucketed.rawValue) {
            let run = try HashedRun(try fileSystem.open(path, .read), name: name, number: 0)
            if isWhole { try run.verify() }
        } else if name.hasSuffix(StateDirectory.FileKind.keyed.rawValue) {
            // A file that holds nothing has no table.
            let file = try KeyedFile(
                try fileSystem.open(path, .read), name: name, number: 0, clip: .all)
            if isWhole { try file?.table.verify() }
        } else if name.hasSuffix(StateDirectory.FileKind.rows.rawValue) {
            // All of it is read when a run goes on, and nothing reads it later.
            try ExcerptFile(try fileSystem.open(path, .read)).verify()
        } else {
            _ = try ManifestFile.read(path, in: fileSystem)
        }
    }

    /// Opens a bucketed run.
    package func run(_ name: String) throws(StorageError) -> HashedRun {
        try HashedRun(try fileSystem.open(path(of: name), .read), name: name, number: 0)
    }

    /// All that a family held of a bucket, in one table.
    package func load(
        _ bucket: FamilySnapshot.Bucket, of family: FamilySnapshot
    ) throws(StorageError) -> HotTable {
        let table = HotTable(valueWidth: family.valueWidth, references: family.references)
        for file in bucket.files {
            let run = try run(file.name)
            for section in run.sections where section.bucket == bucket.start {
                try run.load(run.index(of: section), into: table, within: file.hashes)
            }
        }
        return table
    }

    private static let copyBytes = 1 << 20
    private static let beginSyncBytes = 8 << 20
    private static let tailBytes = 64

    /// A file that was copied beside its place, and is not durable yet.
    package struct Copied: Sendable {
        package let name: String
        package let byteCount: Int
        fileprivate let file: any File
        fileprivate let target: StateFiles

        private var newPath: String { target.path(of: name) + AtomicFile.newSuffix }

        /// Makes the content durable, and only then gives it its name, which is not synced.
        package func settle() throws(StorageError) {
            try sync()
            try rename()
        }

        /// Reads all of the copy and checks every part of it.
        package func verify() throws(StorageError) {
            try target.check(name, at: newPath, isWhole: true)
        }

        /// Makes the content durable.
        package func sync() throws(StorageError) { try file.sync() }

        /// Gives what is durable its name, in place of what has it.
        package func rename() throws(StorageError) {
            try target.fileSystem.rename(newPath, to: target.path(of: name))
        }

        /// Removes the copy.
        package func discard() throws(StorageError) { try target.fileSystem.unlink(newPath) }
    }

    /// Copies a file to another directory, unless it is there already: then gives nil.
    package func copyMissing(
        _ name: String, to other: StateFiles
    ) throws(StorageError) -> Copied? {
        try isSame(name, in: other) ? nil : try copy(name, to: other)
    }

    /// Copies a file to another directory, to be given the same name there when it is settled: what
    /// has the name is whole. Of several that are copied before they are settled the device writes
    /// one while the next is read.
    package func copy(_ name: String, to other: StateFiles) throws(StorageError) -> Copied {
        let source = try fileSystem.open(path(of: name), .read)
        source.adviseSequential()
        let target = try other.fileSystem.open(
            other.path(of: name) + AtomicFile.newSuffix, .write(truncating: true))
        let slab = Slab(byteCount: Self.copyBytes)
        var offset = 0
        while true {
            let count = try source.readAll(into: slab, 0..<Self.copyBytes, at: offset)
            if count == 0 { break }
            try target.writeAll(SlabSlice(slab, 0..<count), at: offset)
            offset += count
            if offset % Self.beginSyncBytes == 0 { target.beginSync() }
        }
        target.beginSync()
        return Copied(name: name, byteCount: offset, file: target, target: other)
    }

    /// Opens rows of a log.
    package func rows(_ name: String) throws(StorageError) -> ExcerptFile {
        try ExcerptFile(try fileSystem.open(path(of: name), .read))
    }

    /// Whether rows of a log are there under their name, up to an offset: those were checked when
    /// they were written.
    package func hasRows(_ name: String, upTo end: Int64) throws(StorageError) -> Bool {
        do throws(StorageError) {
            return try rows(name).offsets.upperBound == end
        } catch {
            guard error.kind == .notFound || error.kind == .corrupt else { throw error }
            return false
        }
    }

    /// Writes rows of a log beside the place that they are to have.
    package func write(
        _ excerpt: LogExcerpt, as name: String
    ) throws(StorageError) -> Copied {
        let file = try fileSystem.open(
            path(of: name) + AtomicFile.newSuffix, .write(truncating: true))
        let byteCount = try ExcerptFile.write(excerpt, to: file)
        file.beginSync()
        return Copied(name: name, byteCount: byteCount, file: file, target: self)
    }

    /// Whether a file is there under its name, with the same length and the same end, in which the
    /// checksums of its parts come together.
    private func isSame(_ name: String, in other: StateFiles) throws(StorageError) -> Bool {
        guard let byteCount = try other.byteCount(of: name), byteCount > 0,
            try self.byteCount(of: name) == byteCount
        else { return false }
        return try tail(of: name, byteCount) == other.tail(of: name, byteCount)
    }

    private func tail(of name: String, _ byteCount: Int) throws(StorageError) -> [UInt8] {
        let range = 0..<min(byteCount, Self.tailBytes)
        let slab = Slab(byteCount: range.count)
        let file = try fileSystem.open(path(of: name), .read)
        let count = try file.readAll(into: slab, range, at: byteCount - range.count)
        return slab.array(0..<count)
    }
}
