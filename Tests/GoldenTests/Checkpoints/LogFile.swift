import Storage
import TestSupport

/// An embedded log as tests write and read it.
struct LogFile {
    let path: String
    let files: any FileSystem

    init(_ path: String, on files: any FileSystem) {
        self.path = path
        self.files = files
    }

    /// Makes the log and appends lines to it, in batches, to its partitions in turn; the record
    /// with number `n` has the timestamp `n` seconds.
    func make(_ lines: [Substring], partitions: Int, perBatch: Int) throws {
        var options = LogOptions()
        options.partitionCount = partitions
        options.segmentBytes = 64 << 10
        options.sync = .os
        try LogWriter.create(path, options: options, fileSystem: files)
        try append(lines, perBatch: perBatch)
    }

    func append(_ lines: [Substring], perBatch: Int = 1) throws {
        let writer = try LogWriter(path, fileSystem: files, clock: { 0 })
        var number: Int64 = 0
        for (round, start) in stride(from: 0, to: lines.count, by: perBatch).enumerated() {
            let batch = LogBatchBuilder()
            for line in lines[start..<min(start + perBatch, lines.count)] {
                batch.add(SlabSlice(String(line)), timestamp: number * 1_000_000)
                number += 1
            }
            _ = try writer.append(batch, to: round % writer.options.partitionCount)
        }
        try writer.sync()
        try writer.close()
    }

    /// What counts of the log, partition by partition.
    func lines() throws -> [String] {
        guard try files.status(of: path) != nil else { return [] }
        let view = try LogView(path, fileSystem: files)
        var all: [String] = []
        for partition in 0..<view.options.partitionCount {
            let reader = try LogReader(view, partition: partition, from: .earliest)
            while let batch = try reader.next() {
                var records = batch.records
                while let record = try records.next() {
                    all.append(record.value.map { batch.slice($0).text } ?? "")
                }
            }
        }
        return all
    }
}
