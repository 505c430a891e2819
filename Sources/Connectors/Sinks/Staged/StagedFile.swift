import Storage
import Synchronization

/// Output for one file that becomes visible with a checkpoint: a file of its own, in the same
/// directory, whose name begins with a dot.
///
///     name = "." | name of the target | ".weir-" | owner: 8 hexadecimal digits | "-" | number
///
/// Several sinks, and several pipelines, may write to one directory: by the owner each knows what
/// is its own.
struct StagedFile: Sendable, Equatable {
    /// The file that it is for.
    let target: String
    let path: String
    /// Where in the target it begins, and how many bytes it has.
    let base: Int
    let byteCount: Int

    var end: Int { base + byteCount }

    private static let mark = ".weir-"

    /// The owner that stands in names, of a sink with a journal at a path.
    static func owner(journal path: String) -> String {
        let bytes = Array(FilePath.name(of: path).utf8)
        let digits = String(Slab(bytes).hash(0..<bytes.count) & 0xffff_ffff, radix: 16)
        return String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }

    /// The name of an owner's staged file `number` for a target.
    static func path(for target: String, owner: String, number: Int) -> String {
        let name = ".\(FilePath.name(of: target))\(mark)\(owner)-\(number)"
        return FilePath.join(FilePath.directory(of: target), name)
    }

    /// Whether a name is that of a staged file of an owner.
    static func isStaged(_ name: String, by owner: String) -> Bool {
        target(of: name, by: owner) != nil
    }

    /// The name of the file that an owner's staged file is for; nil where a name is none.
    static func target(of name: String, by owner: String) -> String? {
        let digits = name.reversed().prefix { $0 >= "0" && $0 <= "9" }.count
        let ending = "\(mark)\(owner)-"
        guard digits > 0, name.hasPrefix("."), name.dropLast(digits).hasSuffix(ending) else {
            return nil
        }
        return String(name.dropFirst().dropLast(digits + ending.count))
    }

    func encode(to writer: inout ByteWriter) {
        writer.append(target)
        writer.append(path)
        writer.append(Int64(base))
        writer.append(Int64(byteCount))
    }

    init(target: String, path: String, base: Int, byteCount: Int) {
        self.target = target
        self.path = path
        self.base = base
        self.byteCount = byteCount
    }

    init(from reader: inout ByteReader) throws(ByteReader.Damage) {
        target = try reader.text()
        path = try reader.text()
        base = Int(try reader.integer(Int64.self))
        byteCount = Int(try reader.integer(Int64.self))
    }
}

extension StagedFile {
    private static let copyBytes = 1 << 20

    /// Moves it into its target; once that is done, doing it again changes nothing.
    func commit(in fileSystem: any FileSystem) throws {
        let directory = FilePath.directory(of: target)
        guard try fileSystem.status(of: path) != nil else {
            // It is there already, and what stands behind it is no business of ours.
            let there = try fileSystem.status(of: target)?.byteCount ?? -1
            guard there >= end else { throw shortened(there) }
            // Where that failed before, the name may not be durable yet.
            try fileSystem.syncDirectory(directory)
            return
        }
        let status = try fileSystem.status(of: target)
        if base == 0 && status == nil {
            try fileSystem.rename(path, to: target)
            try fileSystem.syncDirectory(directory)
            return
        }
        let there = status?.byteCount ?? 0
        guard there >= base else { throw shortened(there) }
        let file = try fileSystem.open(target, .write(truncating: false))
        if there > base { try file.truncate(to: base) }
        try copy(to: file, in: fileSystem)
        try file.sync()
        // Its name may be new, where it was made by somebody else.
        try fileSystem.syncDirectory(directory)
        try fileSystem.unlink(path)
    }

    /// Whether it can be committed, or has been: its target has all that stands before it.
    func isWhole(in fileSystem: any FileSystem) throws -> Bool {
        let there = try fileSystem.status(of: target)?.byteCount ?? 0
        guard let staged = try fileSystem.status(of: path) else { return there >= end }
        return there >= base && staged.byteCount >= byteCount
    }

    private func copy(to file: any File, in fileSystem: any FileSystem) throws {
        let staged = try fileSystem.open(path, .read)
        let slab = Slab(byteCount: Self.copyBytes)
        var done = 0
        while done < byteCount {
            let wanted = 0..<min(byteCount - done, Self.copyBytes)
            let count = try staged.readAll(into: slab, wanted, at: done)
            guard count > 0 else { throw shortened(done) }
            try file.writeAll(SlabSlice(slab, 0..<count), at: base + done)
            done += count
        }
    }

    func shortened(_ byteCount: Int) -> StorageError {
        StorageError(
            .corrupt, operation: "commit to", path: target, offset: base,
            cause: "the output should have \(end) bytes, or \(base) and its staged part, "
                + "and has \(max(byteCount, 0))",
            advice: "put the output back, or begin it anew with --allow-reset and the sink's name")
    }
}

/// Syncs of staged output, of which none may fail.
///
/// The system forgets what it could not write: a later sync of the same file finds nothing to do,
/// and says that all is well. What was staged by then is not sure to be there, so the sink fails,
/// and the run goes on from its last checkpoint.
final class StagedSyncs: Sendable {
    private let failure = Mutex<(any Error)?>(nil)

    /// Throws what a sync failed with.
    func check() throws {
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// Does syncs, on any thread.
    func perform(_ body: () throws -> Void) throws {
        try check()
        do {
            try body()
        } catch {
            failure.withLock { $0 = error }
            throw error
        }
    }
}
