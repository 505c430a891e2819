import Storage
import TestSupport
import Testing

/// The log against an array of records, through every kind of use.
struct LogModelTests {
    /// What the log should hold.
    private struct Model {
        var records: [[ModelRecord]]
        var starts: [Int64]
        var ends: [Int64]
        /// Appended, and not committed.
        var pending: [[ModelRecord]]

        init(_ partitionCount: Int) {
            records = Array(repeating: [], count: partitionCount)
            pending = records
            starts = Array(repeating: 0, count: partitionCount)
            ends = starts
        }

        mutating func commit() {
            for index in records.indices {
                records[index] += pending[index]
                ends[index] += Int64(pending[index].count)
                pending[index] = []
            }
        }
    }

    private func options(_ random: inout SplitMix64) -> LogOptions {
        var options = LogOptions()
        options.partitionCount = random.int(1...3)
        options.segmentBytes = random.pick([4096, 10_000, 1 << 20])
        options.codec = random.pick([.none, .lz4, .zstd(level: 3)])
        options.sync = random.pick([.every, .os, .interval(1000)])
        return options
    }

    private func append(
        _ random: inout SplitMix64, _ writer: LogWriter, _ model: inout Model,
        _ time: inout Int64
    ) throws {
        let partition = random.int(0..<model.records.count)
        let batch = LogBatchBuilder()
        let isKeyed = random.chance(0.3)
        let end = model.ends[partition] + Int64(model.pending[partition].count)
        var added: [ModelRecord] = []
        for index in 0..<random.int(1...40) {
            time += Int64(random.int(-20...100))
            let length = random.chance(0.02) ? random.int(0...5000) : random.int(0...60)
            let value = String(repeating: random.pick(["a", "bc", "é"]), count: length)
            let key = isKeyed ? "k\(random.int(0..<5))" : nil
            let isGone = isKeyed && random.chance(0.1)
            if let key {
                batch.add(
                    key: SlabSlice(key), value: isGone ? nil : SlabSlice(value), timestamp: time)
            } else {
                batch.add(value, timestamp: time)
            }
            added.append(
                ModelRecord(
                    offset: end + Int64(index), timestamp: time, key: key,
                    value: isGone ? nil : value))
        }
        let offsets = try writer.append(batch, to: partition)
        #expect(offsets == end..<end + Int64(added.count))
        model.pending[partition] += added
    }

    private func compare(
        _ random: inout SplitMix64, _ fixture: LogFixture, _ model: Model
    ) throws {
        let partition = random.int(0..<model.records.count)
        let from = random.int(Int(model.starts[partition])...Int(model.ends[partition]))
        let read = try fixture.read(.offset(Int64(from)), partition: partition)
        #expect(read.damages.isEmpty)
        let wanted = model.records[partition].filter { $0.offset >= from }
        #expect(read.records == wanted)
        let records = model.records[partition].filter { $0.offset >= model.starts[partition] }
        let timestamp = random.pick(records.map(\.timestamp) + [0, .max - 1]) + 1
        let reader = try fixture.reader(.timestamp(timestamp), partition: partition)
        let first = records.first { $0.timestamp >= timestamp }?.offset
        #expect(reader.nextOffset == first ?? model.ends[partition])
    }

    @Test(arguments: Seeds.list(40))
    func logHoldsWhatAnArrayHolds(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let fixture = LogFixture(MemoryFileSystem())
        let options = options(&random)
        try fixture.create(options)
        var model = Model(options.partitionCount)
        var writer = try fixture.writer()
        var time: Int64 = 1_000_000
        for _ in 0..<120 {
            switch random.int(0..<20) {
            case 0..<10: try append(&random, writer, &model, &time)
            case 10..<14:
                try writer.commit()
                model.commit()
            case 14..<18: try compare(&random, fixture, model)
            case 18:
                let partition = random.int(0..<options.partitionCount)
                let limit = Int(model.ends[partition])
                let offset = Int64(random.int(Int(model.starts[partition])...limit))
                try writer.trim(partition, to: offset)
                model.starts[partition] = offset
            default:
                try writer.close()
                model.commit()
                writer = try fixture.writer()
                #expect(writer.findings.isClean)
            }
            if random.chance(0.1) { try compare(&random, fixture, model) }
        }
        try writer.close()
        model.commit()
        for partition in 0..<options.partitionCount {
            let wanted = model.records[partition].filter { $0.offset >= model.starts[partition] }
            let read = try fixture.read(partition: partition).records
            #expect(read == wanted, "\(Seeds.note(seed))")
        }
    }

    @Test func readerFollowsItsWriterAcrossSegments() throws {
        let fixture = LogFixture(MemoryFileSystem())
        var options = LogOptions()
        options.segmentBytes = 4096
        try fixture.create(options)
        let writer = try fixture.writer()
        let reader = try fixture.reader()
        #expect(try reader.next() == nil)
        var seen: [String] = []
        for round in 0..<300 {
            try writer.append(["record \(round)", String(repeating: "x", count: 50)])
            if round % 3 != 0 { try writer.commit() }
            while let batch = try reader.next() {
                seen += try batch.modelRecords().compactMap(\.value)
            }
            #expect(seen.count == (round % 3 == 0 ? round : round + 1) * 2)
        }
        #expect(reader.damages.isEmpty)
        #expect(seen[598] == "record 299")
    }

    @Test func readerThatFallsBehindATrimSaysSo() throws {
        let fixture = LogFixture(MemoryFileSystem())
        var options = LogOptions()
        options.segmentBytes = 4096
        try fixture.create(options)
        let writer = try fixture.writer()
        try writer.append(["a"])
        try writer.commit()
        let reader = try fixture.reader()
        _ = try reader.next()
        for _ in 0..<10 { try writer.append([String(repeating: "x", count: 2000)]) }
        try writer.commit()
        try writer.trim(0, to: 5)
        #expect(throws: StorageError.self) { try reader.next() }
        #expect(throws: StorageError.self) { try fixture.reader(.offset(3)) }
        #expect(throws: StorageError.self) { try fixture.reader(.offset(12)) }
        #expect(try fixture.values(.offset(10)).count == 1)
    }
}
