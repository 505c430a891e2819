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
        if name.hasSuffix(StateDirectory.FileKind.bucketed.rawValue) {
            _ = try run(name)
        } else if name.hasSuffix(StateDirectory.FileKind.keyed.rawValue) {
            _ = try keyedFile(name)
        } else {
            _ = try ManifestFile.read(path(of: name), in: fileSystem)
        }
    }

    /// Reads all of a file and checks every part of it.
    package func verify(_ name: String) throws(StorageError) {
        if name.hasSuffix(StateDirectory.FileKind.bucketed.rawValue) {
            try run(name).verify()
        } else if name.hasSuffix(StateDirectory.FileKind.keyed.rawValue) {
            try keyedFile(name)?.table.verify()
        } else {
            _ = try ManifestFile.read(path(of: name), in: fileSystem)
        }
    }

    /// Opens a bucketed run.
    package func run(_ name: String) throws(StorageError) -> HashedRun {
        try HashedRun(try fileSystem.open(path(of: name), .read), name: name, number: 0)
    }

    /// Opens a file of a keyed family; nil where it holds nothing.
    private func keyedFile(_ name: String) throws(StorageError) -> KeyedFile? {
        try KeyedFile(
            try fileSystem.open(path(of: name), .read), name: name, number: 0, clip: .all)
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
    private static let tailBytes = 64

    /// Copies a file to another directory under the same name, unless it is there: it is written
    /// beside its place, synced and renamed, so that what has the name is whole. Gives the bytes
    /// written; names are not synced.
    package func copy(_ name: String, to other: StateFiles) throws(StorageError) -> Int {
        if try isSame(name, in: other) { return 0 }
        let source = try fileSystem.open(path(of: name), .read)
        let place = other.path(of: name)
        let target = try other.fileSystem.open(place + ".new", .write(truncating: true))
        let slab = Slab(byteCount: Self.copyBytes)
        var offset = 0
        while true {
            let count = try source.readAll(into: slab, 0..<Self.copyBytes, at: offset)
            if count == 0 { break }
            try target.writeAll(SlabSlice(slab, 0..<count), at: offset)
            offset += count
        }
        try target.sync()
        try other.fileSystem.rename(place + ".new", to: place)
        return offset
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
