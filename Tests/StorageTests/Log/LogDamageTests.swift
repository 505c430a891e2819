import Storage
import TestSupport
import Testing

/// Bytes of a log that changed while nobody looked: told or harmless, and never wrong data.
struct LogDamageTests {
    private static let segment = "logs/orders/0-00000000000000000000.segment"

    /// A small log of several segments and codecs, with all that was appended.
    private func make(
        _ codec: BlockCodec, _ files: MemoryFileSystem
    ) throws -> [String] {
        let fixture = LogFixture(files)
        var options = LogOptions()
        options.codec = codec
        options.segmentBytes = 4096
        options.sync = .every
        try fixture.create(options)
        let writer = try fixture.writer()
        var all: [String] = []
        for round in 0..<8 {
            let values = (0..<3).map { "\(round).\($0) " + String(repeating: "z", count: 230) }
            all += values
            try writer.append(values, timestamp: Int64(round))
            try writer.commit()
        }
        try writer.close()
        return all
    }

    /// Whether something says that the log is damaged, after whatever can be read was compared.
    private func isTold(_ files: MemoryFileSystem, _ all: [String], _ note: String) -> Bool {
        let fixture = LogFixture(files)
        do {
            let read = try fixture.read()
            for record in read.records {
                #expect(record.value == all[Int(record.offset)], "\(note)")
            }
            let lost = read.damages.flatMap { Array($0.offsets) }
            let found = read.records.map(\.offset)
            #expect((lost + found).sorted() == Array(0..<Int64(all.count)), "\(note)")
            var isTold = !read.damages.isEmpty
            // A writer goes on behind it all, and the rest can be read as before.
            let writer = try fixture.writer()
            isTold = isTold || !writer.findings.isClean
            #expect(try writer.append(["new"]).lowerBound == all.count, "\(note)")
            try writer.close()
            let after = try fixture.read()
            #expect(after.records.map(\.value) == read.records.map(\.value) + ["new"], "\(note)")
            return isTold
        } catch {
            #expect((error as? StorageError)?.kind == .corrupt, "\(note): \(error)")
            if "\(error)".contains("log.marks") {
                // Its next writer finds the ends from the segments.
                #expect((try? fixture.writer()) != nil, "\(note)")
                #expect((try? fixture.values()) == all, "\(note)")
                return true
            }
            // The options are needed to read anything.
            #expect("\(error)".contains("log.meta"), "\(note): \(error)")
            return true
        }
    }

    private func copy(_ files: MemoryFileSystem) -> MemoryFileSystem {
        let copy = MemoryFileSystem()
        for path in files.paths {
            copy.put(path, "")
            copy.setBytes(path, files.bytes(path))
        }
        return copy
    }

    @Test(arguments: [BlockCodec.none, .lz4])
    func everyFlippedByteIsToldOrHarmless(codec: BlockCodec) throws {
        let files = MemoryFileSystem()
        let all = try make(codec, files)
        for path in files.paths {
            let bytes = files.bytes(path)
            var told = 0
            // Heads and small files whole, bodies here and there.
            let places = bytes.indices.filter { $0 < 250 || $0 % 31 == 0 }
            for place in places {
                let damaged = copy(files)
                var changed = bytes
                changed[place] ^= UInt8(1 << (place % 8))
                damaged.setBytes(path, changed)
                if isTold(damaged, all, "\(path) at \(place)") { told += 1 }
            }
            // All of a batch's bytes count, and those of the description.
            if path.hasSuffix(".meta") { #expect(told == places.count) }
            if path == Self.segment { #expect(told >= places.count - 32) }
        }
    }

    @Test func everyCutIsToldOrHarmless() throws {
        let files = MemoryFileSystem()
        let all = try make(.none, files)
        for path in files.paths where !path.hasSuffix("LOCK") {
            let bytes = files.bytes(path)
            for end in stride(from: 0, to: bytes.count, by: 17) {
                let damaged = copy(files)
                damaged.setBytes(path, Array(bytes.prefix(end)))
                let isTold = isTold(damaged, all, "\(path) cut to \(end)")
                if path.hasSuffix(".segment") { #expect(isTold, "\(path) cut to \(end)") }
            }
        }
    }

    @Test func damagedBatchIsNamedSteppedOverAndKeptAside() throws {
        let files = MemoryFileSystem()
        let all = try make(.none, files)
        let last = files.paths.last { $0.hasSuffix(".segment") } ?? ""
        var bytes = files.bytes(last)
        bytes[200] ^= 1
        files.setBytes(last, bytes)
        let read = try LogFixture(files).read()
        let damage = try #require(read.damages.first)
        #expect(read.damages.count == 1)
        #expect(damage.path == last)
        #expect(damage.bytes.contains(200))
        #expect(read.records.count + damage.offsets.count == all.count)
        #expect("\(damage)".contains("are lost"))
        let writer = try LogFixture(files).writer()
        #expect(writer.findings.damages == [damage])
        #expect(writer.findings.cut.isEmpty)
        let aside = files.paths.filter { $0.hasSuffix(".damaged") }
        #expect(aside.map { files.bytes($0) } == [Array(bytes[damage.bytes])])
    }

    @Test func tornTailAboveTheLastSyncIsCutAndItsOffsetsAreUsedAgain() throws {
        let files = MemoryFileSystem()
        let fixture = LogFixture(files)
        var options = LogOptions()
        options.sync = .os
        try fixture.create(options)
        let writer = try fixture.writer()
        for value in ["a", "b", "c"] { try writer.append([value]) }
        try writer.commit()
        try writer.close()
        let bytes = files.bytes(Self.segment)
        files.setBytes(Self.segment, Array(bytes.dropLast(1)))
        // A reader waits for what the writer makes of it.
        let reader = try fixture.reader()
        var seen: [String] = []
        while let batch = try reader.next() {
            seen += try batch.modelRecords().compactMap(\.value)
        }
        #expect(seen == ["a", "b"])
        let next = try fixture.writer()
        #expect(next.findings.cut == [0: 2..<3])
        #expect(next.findings.damages.isEmpty)
        #expect(try next.append(["d"]) == 2..<3)
        try next.commit()
        #expect(try fixture.values() == ["a", "b", "d"])
    }

    /// A power cut may keep any of the segments that were not durable: what stands behind a hole is
    /// cut too, or its readers would take the hole for damage.
    @Test(arguments: [false, true])
    func holeAboveTheLastSyncCutsAllBehindIt(isGone: Bool) throws {
        let written = MemoryFileSystem()
        let fixture = LogFixture(written)
        var options = LogOptions()
        options.sync = .interval(60_000_000)
        options.segmentBytes = 4096
        try fixture.create(options)
        let writer = try fixture.writer()
        let filler = String(repeating: "x", count: 1000)
        for number in 0..<20 { try writer.append(["\(number) \(filler)"]) }
        try writer.commit()
        let files = written.crashKeepingWritten()
        let left = LogFixture(files)
        let segments = files.paths.filter { $0.hasSuffix(".segment") }
        try #require(segments.count > 3)
        if isGone { files.remove(segments[1]) } else { files.setBytes(segments[1], []) }
        let next = try left.writer()
        let kept = try #require(next.findings.cut[0]).lowerBound
        #expect(kept > 0 && segments[1].contains("\(kept).segment"))
        #expect(next.findings.cut[0]?.upperBound == 20 && next.findings.damages.isEmpty)
        #expect(try next.append(["last"]) == kept..<kept + 1)
        try next.commit()
        let read = try left.read()
        #expect(read.damages.isEmpty && read.records.count == Int(kept) + 1)
    }

    @Test func lostMarkIsFoundAgainFromTheSegments() throws {
        let files = MemoryFileSystem()
        let all = try make(.none, files)
        files.setBytes("logs/orders/log.marks", Array(repeating: 7, count: 8192))
        #expect(throws: StorageError.self) { try LogFixture(files).values() }
        let writer = try LogFixture(files).writer()
        #expect(writer.findings.damagedMarks == 2)
        #expect(try LogFixture(files).values() == all)
    }

    /// Without a mark nothing but the batches themselves says what counts: all that are whole do.
    @Test func lostMarkBesideADamagedBatchCostsThatBatchAlone() throws {
        let files = MemoryFileSystem()
        let fixture = LogFixture(files)
        try fixture.create()
        let writer = try fixture.writer()
        for value in ["a", "b", "c", "d"] { try writer.append([value]) }
        try writer.sync()
        try writer.close()
        var bytes = files.bytes(Self.segment)
        bytes[bytes.count - 150] ^= 1
        files.setBytes(Self.segment, bytes)
        files.setBytes("logs/orders/log.marks", Array(repeating: 7, count: 8192))
        let next = try fixture.writer()
        #expect(next.findings.damagedMarks == 2)
        #expect(next.findings.damages.map(\.offsets) == [2..<3])
        #expect(try fixture.values() == ["a", "b", "d"])
        #expect(try next.append(["e"]) == 4..<5)
    }

    /// Where the last durable batch is damaged the log goes on in another segment; what was
    /// appended behind that batch, and never counted, stays where it is.
    @Test func whatIsLeftBehindADamagedEndIsNoData() throws {
        let files = MemoryFileSystem()
        var options = LogOptions()
        options.sync = .every
        try LogFixture(files).create(options)
        let writer = try LogFixture(files).writer()
        for value in ["a", "b"] {
            try writer.append([value])
            try writer.commit()
        }
        let marked = files.bytes(Self.segment).count
        try writer.append(["left", "behind", "it"])
        let killed = files.crashKeepingWritten()
        var bytes = killed.bytes(Self.segment)
        bytes[marked - 1] ^= 1
        killed.setBytes(Self.segment, bytes)
        let fixture = LogFixture(killed)
        let next = try fixture.writer()
        #expect(try next.append(["c"]) == 2..<3)
        try next.commit()
        var read = try fixture.read()
        #expect(read.records.map(\.value) == ["a", "c"])
        #expect(read.damages.map(\.offsets) == [1..<2])
        try next.append(["d", "e", "f"])
        try next.commit()
        read = try fixture.read()
        #expect(read.records.map(\.value) == ["a", "c", "d", "e", "f"])
        #expect(read.damages.map(\.offsets) == [1..<2])
    }

    @Test func indexesAreMadeOfNothingAndAnythingWithoutHarm() throws {
        let files = MemoryFileSystem()
        let fixture = LogFixture(files)
        try fixture.create()
        let writer = try fixture.writer()
        let value = String(repeating: "v", count: 5000)
        for round in 0..<300 {
            try writer.append(["\(round)" + value], timestamp: Int64(round))
        }
        try writer.close()
        let index = "logs/orders/0-00000000000000000000.index"
        #expect(files.bytes(index).count >= 4 * 32)
        var random = SplitMix64(seed: Seeds.base)
        for attempt in 0..<20 {
            var bytes = files.bytes(index)
            switch attempt % 4 {
            case 0: bytes = []
            case 1: bytes[random.int(0..<bytes.count)] ^= 4
            case 2: bytes.removeLast(random.int(1...40))
            default: bytes.replaceSubrange(0..<32, with: bytes[32..<64])
            }
            let damaged = copy(files)
            damaged.setBytes(index, bytes)
            let place = Int64(random.int(0..<300))
            let read = try LogFixture(damaged).read(.offset(place))
            #expect(read.damages.isEmpty)
            #expect(read.records.first?.offset == place)
            let reader = try LogFixture(damaged).reader(.timestamp(place))
            #expect(reader.nextOffset == place)
        }
    }
}
