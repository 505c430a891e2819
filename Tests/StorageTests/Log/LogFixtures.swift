import Storage
import TestSupport

/// A record as a model keeps it.
struct ModelRecord: Equatable {
    var offset: Int64
    var timestamp: Int64
    var key: String?
    var value: String?
}

extension LogBatchBuilder {
    /// Adds a record.
    func add(_ value: String, timestamp: Int64 = 0) {
        add(SlabSlice(value), timestamp: timestamp)
    }

    /// Starts anew with these records.
    func fill(_ values: [String], timestamp: Int64 = 0) {
        reset()
        for value in values { add(value, timestamp: timestamp) }
    }
}

extension LogWriter {
    /// Appends records as a batch.
    @discardableResult
    func append(_ values: [String], to partition: Int = 0, timestamp: Int64 = 0) throws
        -> Range<Int64>
    {
        let batch = LogBatchBuilder()
        batch.fill(values, timestamp: timestamp)
        return try append(batch, to: partition)
    }
}

extension LogBatch {
    /// Its records, as a model keeps them.
    func modelRecords() throws -> [ModelRecord] {
        var all: [ModelRecord] = []
        var records = records
        while let record = try records.next() {
            all.append(
                ModelRecord(
                    offset: record.offset, timestamp: record.timestamp,
                    key: record.key.map { slice($0).text },
                    value: record.value.map { slice($0).text }))
        }
        return all
    }
}

/// A log in memory, or on a twin of the disk.
struct LogFixture {
    let fileSystem: any FileSystem
    static let path = "logs/orders"

    init(_ fileSystem: any FileSystem) { self.fileSystem = fileSystem }

    func create(_ options: LogOptions = LogOptions()) throws {
        try LogWriter.create(Self.path, options: options, fileSystem: fileSystem)
    }

    /// A writer of a new log of small segments that has so many batches of 1500 bytes.
    func filledWriter(batches count: Int) throws -> LogWriter {
        var options = LogOptions()
        options.segmentBytes = 4096
        options.sync = .every
        try create(options)
        let writer = try writer()
        for _ in 0..<count { try writer.append([String(repeating: "x", count: 1500)]) }
        return writer
    }

    func writer(_ mode: LogWriter.Mode = .plain) throws -> LogWriter {
        try LogWriter(Self.path, mode: mode, fileSystem: fileSystem, clock: { 0 })
    }

    func reader(_ start: LogStart = .earliest, partition: Int = 0) throws -> LogReader {
        let view = try LogView(Self.path, fileSystem: fileSystem)
        return try LogReader(view, partition: partition, from: start)
    }

    /// All records of a partition from a start on, and what was stepped over.
    func read(
        _ start: LogStart = .earliest, partition: Int = 0
    ) throws -> (records: [ModelRecord], damages: [LogDamage]) {
        let reader = try reader(start, partition: partition)
        var records: [ModelRecord] = []
        while let batch = try reader.next() { records += try batch.modelRecords() }
        return (records, reader.damages)
    }

    /// All values of a partition.
    func values(_ start: LogStart = .earliest, partition: Int = 0) throws -> [String] {
        try read(start, partition: partition).records.map { $0.value ?? "nil" }
    }
}
