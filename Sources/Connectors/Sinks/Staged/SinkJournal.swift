import Storage
import Synchronization

/// What a sink has committed to which files, beside them: by it a restore sees whether the files
/// have more than a checkpoint knows of.
///
///     journal = record | record | …
///     record  = length of the body: 4 | CRC-32C of the body: 4 | body
///     body    = epoch: 8 | changes: count, each
///     change  = path | base: 8 | end: 8
///
/// A record is synced before the files of its epoch are changed; a torn one at the end was never
/// acted upon. One that is damaged before others, however, was. Paths stand behind their counts;
/// see `ByteWriter`.
final class SinkJournal: Sendable {
    /// A file that grew from `base` to `end` bytes.
    struct Change: Sendable, Equatable {
        let path: String
        let base: Int
        let end: Int
    }

    struct Record: Sendable, Equatable {
        let epoch: Int
        let changes: [Change]
    }

    private struct State {
        var records: [Record] = []
        var file: (any File)?
        var byteCount = 0
        /// Whether its name is durable: a run before may have been killed before that.
        var hasDurableName = false
    }

    private let path: String
    private let fileSystem: any FileSystem
    /// Where it is damaged, and not by what cut its last writing off.
    let damage: StorageError?
    /// Held open, and locked, while the sink is.
    private let lock: Mutex<(any File)?>
    private let state: Mutex<State>

    /// Records that are kept when a journal is written anew.
    private static let recordsKept = 64
    private static let byteCountMax = 256 << 10
    /// An epoch and a count.
    private static let bodyBytesMin = 9
    /// Far more than what the changes of one epoch take.
    private static let readBytesMax = 1 << 30

    /// Opens the journal at a path, making it where it is absent.
    init(_ path: String, fileSystem: any FileSystem) throws {
        self.path = path
        self.fileSystem = fileSystem
        try fileSystem.makeDirectories(FilePath.directory(of: path))
        let lock = try fileSystem.open(path + ".lock", .write(truncating: false))
        guard try lock.lock() else {
            throw StorageError(
                .alreadyExists, operation: "write", path: path,
                cause: "another run writes to the same output",
                advice: "stop it, or give this sink a path of its own")
        }
        self.lock = Mutex(lock)
        var state = State()
        let file = try fileSystem.open(path, .write(truncating: false))
        damage = try Self.read(file, into: &state)
        state.file = file
        self.state = Mutex(state)
        // A sync that failed in an earlier run leaves what was written as if it were durable.
        if damage == nil && !state.records.isEmpty {
            try self.state.withLock { try rewrite(&$0) }
        }
    }

    /// Reads all records that are whole; gives where another one is not, before the last of them.
    private static func read(_ file: any File, into state: inout State) throws -> StorageError? {
        let size = try file.status().byteCount
        guard size <= readBytesMax else {
            throw StorageError(
                .corrupt, operation: "read", path: file.path, offset: readBytesMax,
                cause: "it has \(size) bytes, which no journal of a sink has")
        }
        let slab = Slab(byteCount: size)
        let count = try file.readAll(into: slab, 0..<size, at: 0)
        var damage: StorageError?
        var place = 0
        while place < count {
            if let (record, end) = record(in: slab, place..<count) {
                state.records.append(record)
                (state.byteCount, place) = (end, end)
                continue
            }
            let torn = place
            place += 1
            while place < count && record(in: slab, place..<count) == nil { place += 1 }
            guard place < count else { break }
            damage =
                damage
                ?? StorageError(
                    .corrupt, operation: "read", path: file.path, offset: torn,
                    cause: "a record is damaged, and whole ones stand behind it",
                    advice: advice)
        }
        return damage
    }

    private static let advice =
        "look at the sink's output, and go on with it as it is with --allow-reset and the sink's "
        + "name; if it has more than the checkpoint, go back with --roll-back-sinks, or on with "
        + "--accept-duplicates"

    /// The error for a journal that has less than a checkpoint knows of.
    func shortened(to epoch: Int) -> StorageError {
        StorageError(
            .corrupt, operation: "read", path: path,
            cause: "it should reach checkpoint \(epoch), and reaches \(lastEpoch)",
            advice: Self.advice)
    }

    /// The record at the front of a range, and where it ends; nil where none is whole.
    private static func record(in slab: Slab, _ range: Range<Int>) -> (Record, end: Int)? {
        var reader = ByteReader(SlabSlice(slab, range))
        guard let record = try? next(&reader) else { return nil }
        return (record, range.lowerBound + reader.position)
    }

    private static func next(_ reader: inout ByteReader) throws(ByteReader.Damage) -> Record {
        let length = Int(try reader.integer(UInt32.self))
        let checksum = try reader.integer(UInt32.self)
        let body = try reader.bytes(length)
        guard length >= bodyBytesMin, CRC32C.checksum(body) == checksum else {
            throw ByteReader.Damage(cause: "a record of the journal is torn")
        }
        var content = ByteReader(body)
        let epoch = Int(try content.integer(Int64.self))
        let changes = try content.list { reader throws(ByteReader.Damage) in
            Change(
                path: try reader.text(), base: Int(try reader.integer(Int64.self)),
                end: Int(try reader.integer(Int64.self)))
        }
        try content.finish()
        return Record(epoch: epoch, changes: changes)
    }

    private static func encode(_ record: Record) -> [UInt8] {
        var body = ByteWriter()
        body.append(Int64(record.epoch))
        body.append(count: record.changes.count)
        for change in record.changes {
            body.append(change.path)
            body.append(Int64(change.base))
            body.append(Int64(change.end))
        }
        var whole = ByteWriter()
        whole.append(UInt32(body.bytes.count))
        whole.append(CRC32C.checksum(SlabSlice(Slab(body.bytes), 0..<body.bytes.count)))
        return whole.bytes + body.bytes
    }

    /// Lets another run have the sink's files.
    func close() {
        state.withLock { $0.file = nil }
        lock.withLock { $0 = nil }
    }

    /// The greatest epoch in it; 0 for none.
    var lastEpoch: Int { state.withLock { $0.records.map(\.epoch).max() ?? 0 } }

    /// What was changed behind an epoch, the oldest first.
    func changes(after epoch: Int) -> [Change] {
        state.withLock { state in
            state.records.filter { $0.epoch > epoch }.flatMap(\.changes)
        }
    }

    /// Adds a record, durably; one that is the last already is not written again.
    func add(_ record: Record) throws {
        try state.withLock { state in
            if state.records.last == record { return }
            if state.byteCount > Self.byteCountMax { try compact(&state) }
            guard let file = state.file else { return }
            let bytes = Self.encode(record)
            try file.writeAll(SlabSlice(Slab(bytes), 0..<bytes.count), at: state.byteCount)
            try file.sync()
            if !state.hasDurableName {
                try fileSystem.syncDirectory(FilePath.directory(of: path))
                state.hasDurableName = true
            }
            state.byteCount += bytes.count
            state.records.append(record)
        }
    }

    /// Forgets that it was damaged.
    func mend() throws {
        if damage != nil { try state.withLock { try rewrite(&$0) } }
    }

    /// Forgets what was changed behind an epoch, when it has been undone.
    func forget(after epoch: Int) throws {
        try state.withLock { state in
            state.records.removeAll { $0.epoch > epoch }
            try rewrite(&state)
        }
    }

    private func compact(_ state: inout State) throws {
        state.records = Array(state.records.suffix(Self.recordsKept))
        try rewrite(&state)
    }

    private func rewrite(_ state: inout State) throws {
        let bytes = state.records.flatMap { Self.encode($0) }
        let new = path + ".new"
        let file = try fileSystem.open(new, .write(truncating: true))
        try file.writeAll(SlabSlice(Slab(bytes), 0..<bytes.count), at: 0)
        try file.sync()
        try fileSystem.rename(new, to: path)
        try fileSystem.syncDirectory(FilePath.directory(of: path))
        state.file = file
        state.byteCount = bytes.count
        state.hasDurableName = true
    }
}
