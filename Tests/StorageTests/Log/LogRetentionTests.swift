import Storage
import TestSupport
import Testing

/// What a log forgets, and what it keeps for those who need it.
struct LogRetentionTests {
    private func fixture(_ change: (inout LogOptions) -> Void) throws -> LogFixture {
        let fixture = LogFixture(MemoryFileSystem())
        var options = LogOptions()
        options.segmentBytes = 4096
        change(&options)
        try fixture.create(options)
        return fixture
    }

    /// Ten segments of two records each; record n has the timestamp n.
    private func fill(_ writer: LogWriter, partition: Int = 0) throws {
        for round in 0..<10 {
            for half in 0..<2 {
                let value = "\(round * 2 + half) " + String(repeating: "x", count: 2500)
                try writer.append([value], to: partition, timestamp: Int64(round * 2 + half))
            }
        }
        try writer.commit()
    }

    /// A buffer that is full tries again and again; on flash each write counts.
    @Test(arguments: [LogOptions.Sync.every, .os])
    func aCommitOfNothingWritesNothing(_ sync: LogOptions.Sync) throws {
        let fixture = try fixture { $0.sync = sync }
        try fill(try fixture.writer())
        guard let files = fixture.fileSystem as? MemoryFileSystem else { return }
        let writer = try fixture.writer()
        // What an earlier run left is made durable once.
        try writer.commit()
        try writer.sync()
        let operations = files.operationCount
        try writer.commit()
        try writer.sync()
        try writer.tick()
        #expect(files.operationCount == operations)
    }

    @Test func ageTakesWholeSegments() throws {
        let fixture = try fixture { $0.ageKept = 10 }
        let writer = try fixture.writer()
        try fill(writer)
        #expect(try writer.retain(now: 10) == 0)
        #expect(try writer.retain(now: 16) == 3)
        #expect(try fixture.read().records.first?.offset == 6)
        // The segment that grows stays, however old it is.
        #expect(try writer.retain(now: 1000) == 6)
        #expect(try fixture.read().records.map(\.offset) == [18, 19])
    }

    @Test func sizeTakesTheOldestSegmentsOfAllPartitions() throws {
        let fixture = try fixture {
            $0.bytesKept = 40_000
            $0.partitionCount = 2
        }
        let writer = try fixture.writer()
        try fill(writer, partition: 1)
        try fill(writer, partition: 0)
        try writer.retain(now: 0)
        #expect(writer.byteCount <= 40_000)
        #expect(writer.byteCount > 34_000)
        let starts = writer.mark.partitions.map(\.start)
        #expect(abs(starts[0] - starts[1]) <= 2)
    }

    @Test func nothingThatIsHeldGoes() throws {
        let fixture = try fixture {
            $0.bytesKept = 1
            $0.ageKept = 1
        }
        let writer = try fixture.writer()
        try fill(writer)
        let files = fixture.fileSystem
        try LogHold(name: "orders-7", offsets: [5]).set(on: LogFixture.path, fileSystem: files)
        try LogHold(name: "other", offsets: [9]).set(on: LogFixture.path, fileSystem: files)
        #expect(try writer.retain(now: 1000) == 2)
        #expect(try writer.trim(0, to: 12) == 5)
        #expect(try fixture.read(.offset(5)).records.first?.offset == 5)
        try LogHold.release("orders-7", on: LogFixture.path, fileSystem: files)
        #expect(try writer.trim(0, to: 12) == 9)
        try LogHold.release("other", on: LogFixture.path, fileSystem: files)
        #expect(try writer.trim(0, to: 12) == 12)
        #expect(throws: StorageError.self) {
            try LogHold(name: "../x", offsets: [0]).set(on: LogFixture.path, fileSystem: files)
        }
    }

    @Test func damagedHoldStopsTrims() throws {
        let fixture = try fixture { _ in }
        let writer = try fixture.writer()
        try fill(writer)
        let files = try #require(fixture.fileSystem as? MemoryFileSystem)
        try LogHold(name: "h", offsets: [5]).set(on: LogFixture.path, fileSystem: files)
        let path = "logs/orders/h.hold"
        for place in files.bytes(path).indices {
            let bytes = files.bytes(path)
            var changed = bytes
            changed[place] ^= 8
            files.setBytes(path, changed)
            #expect(throws: StorageError.self) { try writer.trim(0, to: 12) }
            files.setBytes(path, bytes)
        }
    }

    @Test func trimDoesNotPassWhatIsCommitted() throws {
        let fixture = try fixture { _ in }
        let writer = try fixture.writer()
        try writer.append(["a", "b"])
        try writer.commit()
        try writer.append(["c"])
        #expect(try writer.trim(0, to: 100) == 2)
        try writer.commit()
        #expect(try fixture.values() == ["c"])
    }

    @Test(arguments: Seeds.list(20))
    func compactionKeepsTheNewestRecordOfEachKey(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let codec = random.pick([BlockCodec.none, .lz4])
        let fixture = try fixture {
            $0.isCompacted = true
            $0.codec = codec
        }
        let writer = try fixture.writer()
        var model: [ModelRecord] = []
        for round in 0..<80 {
            let batch = LogBatchBuilder()
            for _ in 0..<random.int(1...6) {
                let key = "k\(random.int(0..<12))"
                let value =
                    random.chance(0.1) ? nil : String(repeating: "v", count: random.int(0...400))
                let offset = Int64(model.count)
                batch.add(
                    key: SlabSlice(key), value: value.map { SlabSlice($0) }, timestamp: offset)
                model.append(
                    ModelRecord(offset: offset, timestamp: offset, key: key, value: value))
            }
            _ = try writer.append(batch, to: 0)
            try writer.commit()
            if random.chance(0.05) {
                try writer.compact(0)
                if random.chance(0.5) { #expect(try writer.compact(0) == 0) }
            }
            if round == 40 { try writer.close() }
            if round == 40 { return try finish(fixture, model, seed) }
        }
    }

    private func finish(_ fixture: LogFixture, _ model: [ModelRecord], _ seed: UInt64) throws {
        let writer = try fixture.writer()
        let before = try fixture.read()
        try writer.compact(0)
        let after = try fixture.read()
        #expect(before.damages.isEmpty && after.damages.isEmpty, "\(Seeds.note(seed))")
        var newest: [String: ModelRecord] = [:]
        for record in model { newest[record.key ?? ""] = record }
        // The segment that grows is as it was; of the others each key's newest record is left.
        let open = writer.mark.partitions[0].end.segment
        let wanted = model.filter { $0.offset >= open || newest[$0.key ?? ""] == $0 }
        #expect(after.records == wanted, "\(Seeds.note(seed))")
        #expect(try fixture.writerIsClean(after: writer))
    }
}

extension LogFixture {
    /// Whether the log opens without findings.
    func writerIsClean(after writer: LogWriter) throws -> Bool {
        try writer.close()
        return try self.writer().findings.isClean
    }
}
