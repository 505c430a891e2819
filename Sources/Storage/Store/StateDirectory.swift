import Glibc
import Synchronization

/// The directory of a pipeline's state: immutable files whose names are never used twice.
///
///     name = incarnation, 16 hexadecimal digits | - | worker | - | number
///          | .run, .sst, .tab or .row
///
/// An incarnation is one run of the pipeline: a number one greater than any found in the names and
/// in `LOCK`, which says who uses the directory:
///
///     LOCK = incarnation, decimal | space | process | line feed
package final class StateDirectory: Sendable {
    package let path: String
    package let fileSystem: any FileSystem
    package let incarnation: UInt64
    /// Held open, and locked, as long as the directory is in use.
    private let lock: Mutex<(any File)?>
    private static let lockName = "LOCK"
    /// Bucketed runs, and contents of tables.
    private let nextNumber = Atomic<Int>(1)
    /// By name of a file: how many need it. A file goes when the last one lets go of it.
    private let holders = Mutex<[String: Int]>([:])

    /// Takes a directory over, making it where it is absent. `copies` are directories that may have
    /// files of earlier runs which this one has lost: their names are not used again, either.
    package init(
        _ path: String, fileSystem: any FileSystem, copies: [String] = []
    ) throws(StorageError) {
        self.path = path
        self.fileSystem = fileSystem
        try fileSystem.makeDirectories(path)
        let lock = try fileSystem.open(path + "/" + Self.lockName, .write(truncating: false))
        guard try lock.lock() else {
            throw StorageError(
                .alreadyExists, operation: "use", path: path,
                cause: "another run keeps its state there",
                advice: "stop it, or give this pipeline a state path of its own")
        }
        self.lock = Mutex(lock)
        var names = try fileSystem.names(in: path)
        // A copy that cannot be read is told of by whoever looks for checkpoints in it.
        for copy in copies { names += (try? fileSystem.names(in: copy)) ?? [] }
        let greatest = names.compactMap { Self.incarnation(of: $0) }.max() ?? 0
        incarnation = max(greatest, Self.owner(lock)?.incarnation ?? 0) + 1
        let text = "\(incarnation) \(getpid())\n"
        let bytes = Slab(Array(text.utf8))
        // It is never without an incarnation, whenever the power goes.
        try lock.writeAll(SlabSlice(bytes, 0..<text.utf8.count), at: 0)
        try lock.truncate(to: text.utf8.count)
        try lock.sync()
        try fileSystem.syncDirectory(path)
    }

    /// What the lock says of its last owner: the incarnation and the process.
    private static func owner(_ lock: any File) -> (incarnation: UInt64, process: Int32)? {
        let slab = Slab(byteCount: 64)
        guard let count = try? lock.readAll(into: slab, 0..<64, at: 0) else { return nil }
        let words = String(decoding: slab.array(0..<count), as: UTF8.self)
            .prefix { $0 != "\n" }.split(separator: " ")
        guard words.count == 2, let incarnation = UInt64(words[0]), let process = Int32(words[1])
        else { return nil }
        return (incarnation, process)
    }

    /// The process whose run uses a directory now; nil where there is none.
    package static func process(
        using path: String, in fileSystem: any FileSystem
    ) throws(StorageError) -> Int32? {
        let place = path + "/" + lockName
        guard try fileSystem.status(of: place) != nil else { return nil }
        let file = try fileSystem.open(place, .write(truncating: false))
        if try file.lock() { return nil }
        return owner(file)?.process
    }

    /// Lets another run have the directory.
    package func close() { lock.withLock { $0 = nil } }

    /// The incarnation that a name carries, if it is one of ours: of a file that was not copied or
    /// written to its end, too.
    package static func incarnation(of name: String) -> UInt64? {
        let isNew = name.hasSuffix(AtomicFile.newSuffix)
        let whole = name.dropLast(isNew ? AtomicFile.newSuffix.count : 0)
        let parts = whole.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 16, UInt64(parts[1]) != nil,
            FileKind.allCases.contains(where: { kind in
                parts[2].hasSuffix(kind.rawValue) && UInt64(parts[2].dropLast(4)) != nil
            })
        else { return nil }
        return UInt64(parts[0], radix: 16)
    }

    /// What families a file belongs to.
    enum FileKind: String, CaseIterable {
        case bucketed = ".run"
        case keyed = ".sst"
        case table = ".tab"
        /// Rows of a log, for a sink that may lose it.
        case rows = ".row"
    }

    /// A name for a new file of a worker, and its number.
    func makeName(
        worker: Int, kind: FileKind = .bucketed
    ) -> (name: String, number: UInt64) {
        let number = nextNumber.add(1, ordering: .relaxed).oldValue
        return ("\(incarnationDigits)-\(worker)-\(number)\(kind.rawValue)", UInt64(number))
    }

    /// A name for a file that belongs to no worker: the content of a table.
    package func makeBlobName() -> String { makeName(worker: 0, kind: .table).name }

    /// A name for a copy of rows that wait in a log.
    package func makeRowsName() -> String { makeName(worker: 0, kind: .rows).name }

    private var incarnationDigits: String {
        let digits = String(incarnation, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// A number for a file of an earlier incarnation, by which the block cache knows it.
    func makeNumber() -> UInt64 {
        UInt64(nextNumber.add(1, ordering: .relaxed).oldValue)
    }

    package func path(of name: String) -> String { path + "/" + name }

    /// Notes that a family or a checkpoint needs a file, which may not be written yet.
    package func hold(_ name: String) {
        holders.withLock { $0[name, default: 0] += 1 }
    }

    /// Lets go of a file; it is removed if nobody else needs it. Gives whether it was.
    @discardableResult
    package func release(_ name: String) throws(StorageError) -> Bool {
        let isLast = holders.withLock { holders in
            guard let count = holders[name], count > 1 else {
                holders[name] = nil
                return true
            }
            holders[name] = count - 1
            return false
        }
        guard isLast else { return false }
        do throws(StorageError) {
            try fileSystem.unlink(path(of: name))
        } catch {
            // Its writing may have failed.
            guard error.kind == .notFound else { throw error }
        }
        return true
    }

    /// Removes the files of earlier incarnations that nobody holds, and those that were being
    /// written when a run was cut off.
    package func removeOrphans() throws(StorageError) {
        try remove { incarnation, isHeld in incarnation < self.incarnation && !isHeld }
        for name in try fileSystem.names(in: path) where ManifestFile.isUnfinished(name) {
            try fileSystem.unlink(path(of: name))
        }
    }

    /// Removes all files of state, when nobody uses them any more.
    package func removeFiles() throws(StorageError) {
        try remove { incarnation, _ in incarnation <= self.incarnation }
    }

    private func remove(
        _ isChosen: (_ incarnation: UInt64, _ isHeld: Bool) -> Bool
    ) throws(StorageError) {
        for name in try fileSystem.names(in: path) {
            guard let other = Self.incarnation(of: name) else { continue }
            let isHeld = holders.withLock { $0[name] != nil }
            if isChosen(other, isHeld) { try fileSystem.unlink(path(of: name)) }
        }
    }
}
