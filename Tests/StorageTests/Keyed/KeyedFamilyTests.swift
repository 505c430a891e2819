import Dispatch
import Storage
import TestSupport
import Testing

/// The keyed family against dictionaries, under many configurations.
struct KeyedFamilyTests {
    @Test(arguments: Seeds.list(30))
    func isEqualToADictionary(seed: UInt64) throws {
        let world = try KeyedWorld(seed: seed)
        for step in 0..<250 {
            try world.step()
            if step % 60 == 59 { try world.compareAll(seed) }
            if let manual = world.manual, world.random.chance(0.2) {
                manual.runOne(world.random.pick([.flush, .compact]))
            }
        }
        try world.compareAll(seed)
        try world.reopen()
        try world.compareAll(seed)
        for (snapshot, _) in world.snapshots { world.family.release(snapshot) }
    }

    /// Flushes and merges on threads of their own.
    private struct Threads: BackgroundExecutor {
        private let flushes = DispatchQueue(label: "flush")
        private let merges = DispatchQueue(label: "merge")

        func submit(_ kind: BackgroundJob, _ job: @escaping @Sendable () -> Void) {
            (kind == .flush ? flushes : merges).async(execute: job)
        }

        func wait(_ waker: Waker, microseconds: Int) { waker.wait(microseconds: microseconds) }
    }

    @Test(arguments: Seeds.list(6))
    func isEqualToADictionaryWhileThreadsWork(seed: UInt64) throws {
        let world = try KeyedWorld(seed: seed, Threads())
        for _ in 0..<250 { try world.step() }
        try world.reopen()
        try world.compareAll(seed)
        for (snapshot, _) in world.snapshots { world.family.release(snapshot) }
        try world.store.settle()
    }

    @Test func filesGoWithWhatTheyHold() throws {
        let files = MemoryFileSystem()
        let directory = try StateDirectory("state", fileSystem: files)
        let store = StateStore(
            directory: directory, worker: 0, options: StateStore.Options(memoryBytes: 1 << 20),
            executor: InlineExecutor())
        var options = KeyedFamilyOptions()
        options.lifetime = 1_000
        let family = try store.makeKeyedFamily("test", options)
        family.advance(to: 0)
        for number in 0..<20_000 {
            try family.put(Array("key-\(number)".utf8), [UInt8](repeating: 1, count: 50))
        }
        family.freeze()
        try store.settle()
        #expect(family.diskBytes > 50_000)
        family.advance(to: 10_000)
        try family.put([1], [2])
        #expect(family.diskBytes == 0)
        #expect(try files.names(in: "state").count { $0.hasSuffix(".sst") } == 0)
        #expect(try family.get([1]) == [2])
    }

    @Test func mergesGoDownToOneLevel() throws {
        let directory = try StateDirectory("state", fileSystem: MemoryFileSystem())
        let store = StateStore(
            directory: directory, worker: 0, options: StateStore.Options(memoryBytes: 1 << 20),
            executor: InlineExecutor())
        var options = KeyedFamilyOptions()
        options.operation = .add
        let family = try store.makeKeyedFamily("test", options)
        for round in 0..<12 {
            for number in 0..<250 {
                try family.merge(
                    KeyedWorld.bytes(UInt64(number) << 40), KeyedWorld.bytes(UInt64(round)))
            }
            family.freeze()
        }
        try store.settle()
        #expect(family.levelCounts[0] < 4)
        #expect(try family.get(KeyedWorld.bytes(7 << 40)) == KeyedWorld.bytes(66))
    }

    /// A worker that deletes a range beyond its keys does not delete those of others, whoever has
    /// them later.
    @Test func deletedRangeIsTheWorkersOwn() throws {
        let directory = try StateDirectory("state", fileSystem: MemoryFileSystem())
        let middle: [UInt8] = [0x80]
        var states: [KeyedFamilyState] = []
        for (worker, range) in [
            KeyRange(lower: [], upper: middle), KeyRange(lower: middle, upper: nil),
        ].enumerated() {
            let store = StateStore(
                directory: directory, worker: worker,
                options: StateStore.Options(memoryBytes: 1 << 20), executor: InlineExecutor())
            var options = KeyedFamilyOptions()
            options.range = range
            let family = try store.makeKeyedFamily("test", options)
            try family.put([worker == 0 ? 0x10 : 0x90], [1])
            if worker == 0 {
                for _ in 0..<5 { try family.put([0x11], [2]) }
                try family.deleteRange(.all)
            }
            states.append(family.checkpoint())
            try store.settle()
        }
        let store = StateStore(
            directory: directory, worker: 2, options: StateStore.Options(memoryBytes: 1 << 20),
            executor: InlineExecutor())
        let family = try store.makeKeyedFamily("test", restoring: states)
        #expect(try family.get([0x10]) == nil)
        #expect(try family.get([0x90]) == [1])
    }

    @Test func workersTakeTheirKeysFromSharedFiles() throws {
        let directory = try StateDirectory("state", fileSystem: MemoryFileSystem())
        func store(_ worker: Int) -> StateStore {
            StateStore(
                directory: directory, worker: worker,
                options: StateStore.Options(memoryBytes: 1 << 20), executor: InlineExecutor())
        }
        let one = store(0)
        var options = KeyedFamilyOptions()
        options.tableBytes = 8 << 10
        let family = try one.makeKeyedFamily("test", options)
        for number in 0..<4_000 {
            let key = [UInt8(number & 0xff), UInt8(number >> 8)]
            try family.put(key, KeyedWorld.bytes(UInt64(number)))
        }
        try family.deleteRange(KeyRange(lower: [0x60], upper: [0xa0]))
        let state = family.checkpoint()
        try one.settle()
        var parts: [KeyedFamilyState] = []
        let middle: [UInt8] = [0x80]
        for range in [KeyRange(lower: [], upper: middle), KeyRange(lower: middle, upper: nil)] {
            let part = store(parts.count + 1)
            options.range = range
            let half = try part.makeKeyedFamily("test", options, restoring: [state])
            let key: [UInt8] = range.upper == nil ? [0xf0, 1] : [0x10, 1]
            try half.put(key, [9])
            let iterator = half.iterator()
            try iterator.seekToFirst()
            var count = 0
            while iterator.isValid {
                #expect(iterator.keyArray.lexicographicallyPrecedes(middle) == (parts.isEmpty))
                count += 1
                try iterator.next()
            }
            #expect(count == 4_000 / 256 * 96 + (parts.isEmpty ? 96 : 4_000 % 256 - 160))
            parts.append(half.checkpoint())
            try part.settle()
        }
        options.range = .all
        let last = store(3)
        let whole = try last.makeKeyedFamily("test", options, restoring: parts)
        #expect(try whole.get([0xf0, 1]) == [9])
        #expect(try whole.get([0x10, 1]) == [9])
        #expect(try whole.get([0x70, 1]) == nil)
        #expect(try whole.get([0xf0, 2]) == KeyedWorld.bytes(0x2f0))
    }
}

extension KeyedWorld {
    /// One random operation on both.
    func step() throws {
        if random.chance(0.05) {
            let isFirst = family.watermark == .min
            watermark += Int64(random.int(0..<40))
            family.advance(to: watermark)
            if isFirst { countFromNow() }
        }
        switch random.int(0..<100) {
        case 0..<25: try changeColumn()
        case 25..<50: try changeAlone()
        case 50..<65: try readColumn()
        case 65..<72: try applyBatch()
        case 72..<77: try getOrInsert()
        case 77..<80:
            let range = randomRange()
            try family.deleteRange(range)
            twinDelete(range)
        case 80..<84 where snapshots.count < 4:
            snapshots.append((family.makeSnapshot(), twin))
        case 84..<87 where !snapshots.isEmpty:
            let (snapshot, _) = snapshots.remove(at: random.int(0..<snapshots.count))
            family.release(snapshot)
        case 87..<94: try scan()
        case 94: family.freeze()
        case 95: if random.chance(0.3) { try reopen() }
        default: try #require(try family.get(randomKeyForRead()) == expected(lastRead))
        }
    }

    /// What was written before any watermark was known lives from the first one on.
    private func countFromNow() {
        for key in Array(twin.keys) { twin[key]?.written = watermark }
        for index in snapshots.indices {
            for key in Array(snapshots[index].twin.keys) {
                snapshots[index].twin[key]?.written = watermark
            }
        }
    }

    private func randomKeyForRead() -> [UInt8] {
        lastRead = randomKey()
        return lastRead
    }

    private func expected(_ key: [UInt8]) -> [UInt8]? { living(twin)[key]?.bytes }

    private func changeColumn() throws {
        let count = random.int(1..<200)
        let keys = (0..<count).map { _ in randomKey() }
        let values = (0..<count).map { _ in randomValue() }
        let (encoded, rows) = encoded(keys)
        let areWords = values.allSatisfy { $0.count == 8 } && random.chance(0.5)
        switch random.int(0..<(options.operation == nil ? 2 : 4)) {
        case 0:
            if areWords {
                try family.put(encoded, rows: rows, count: count, words: words(values))
            } else {
                try family.put(encoded, rows: rows, count: count, values: self.values(values))
            }
            for (key, value) in zip(keys, values) { twinPut(key, value) }
        case 1:
            try family.delete(encoded, rows: rows, count: count)
            for key in keys { twin[key] = nil }
        default:
            if areWords {
                try family.merge(encoded, rows: rows, count: count, words: words(values))
            } else {
                try family.merge(encoded, rows: rows, count: count, values: self.values(values))
            }
            for (key, value) in zip(keys, values) { twinMerge(key, value) }
        }
    }

    private func changeAlone() throws {
        let (key, value) = (randomKey(), randomValue())
        switch random.int(0..<(options.operation == nil ? 2 : 4)) {
        case 0:
            try family.put(key, value)
            twinPut(key, value)
        case 1:
            try family.delete(key)
            twin[key] = nil
        default:
            try family.merge(key, value)
            twinMerge(key, value)
        }
    }

    private func applyBatch() throws {
        var batch = KeyedBatch()
        for _ in 0..<random.int(1..<12) {
            let (key, value) = (randomKey(), randomValue())
            switch random.int(0..<(options.operation == nil ? 4 : 6)) {
            case 0, 1:
                batch.put(key, value)
                twinPut(key, value)
            case 2:
                batch.delete(key)
                twin[key] = nil
            case 3:
                let range = randomRange()
                batch.deleteRange(range)
                twinDelete(range)
            default:
                batch.merge(key, value)
                twinMerge(key, value)
            }
        }
        try family.apply(batch)
    }

    private func readColumn() throws {
        let keys = (0..<random.int(1..<200)).map { _ in randomKey() }
        let (encoded, rows) = encoded(keys)
        let found = FoundValues()
        let pinned = random.chance(0.3) ? snapshots.indices.randomElement(using: &random) : nil
        try family.get(
            encoded, rows: rows, count: keys.count,
            snapshot: pinned.map { snapshots[$0].snapshot }, into: found)
        let contents = living(pinned.map { snapshots[$0].twin } ?? twin)
        for (index, key) in keys.enumerated() {
            let row = index * 2 + 1
            var value: [UInt8]?
            if found.isFound(row) {
                let span = found.value(row)
                value = span.byteCount == 0 ? [] : unsafe span.withUnsafeBytes { unsafe Array($0) }
            }
            try #require(value == contents[key]?.bytes, "key \(key)")
        }
    }

    private func getOrInsert() throws {
        let keys = (0..<random.int(1..<60)).map { _ in randomKey() }
        let values = keys.map { _ in randomValue() }
        let (encoded, rows) = encoded(keys)
        let found = FoundValues()
        let isNew = Slab(byteCount: keys.count * 2)
        let made = try family.getOrInsert(
            encoded, rows: rows, count: keys.count, values: self.values(values), into: found,
            isNew: isNew)
        var expectedNew = 0
        for (index, key) in keys.enumerated() {
            let isThere = living(twin)[key] != nil
            if !isThere {
                expectedNew += 1
                twinPut(key, values[index])
            }
            let row = index * 2 + 1
            let mark = unsafe isNew.base.load(fromByteOffset: row, as: UInt8.self)
            try #require((mark == 1) == !isThere)
            let value = found.value(row)
            let bytes =
                value.byteCount == 0 ? [] : unsafe value.withUnsafeBytes { unsafe Array($0) }
            try #require(bytes == twin[key]?.bytes)
        }
        try #require(made == expectedNew)
    }

    /// Walks through a part, sometimes with changes meanwhile.
    private func scan() throws {
        let range = random.chance(0.3) ? KeyRange.all : randomRange()
        let pinned = random.chance(0.3) ? snapshots.indices.randomElement(using: &random) : nil
        let iterator = family.iterator(range, snapshot: pinned.map { snapshots[$0].snapshot })
        let contents = living(pinned.map { snapshots[$0].twin } ?? twin)
        let start = random.chance(0.5) ? [] : randomKey()
        let isChanged = random.chance(0.3)
        var expected = contents.filter { entry in
            !entry.key.lexicographicallyPrecedes(range.lower)
                && (range.upper.map { entry.key.lexicographicallyPrecedes($0) } ?? true)
                && !entry.key.lexicographicallyPrecedes(start)
        }.sorted { $0.key.lexicographicallyPrecedes($1.key) }[...]
        try iterator.seek(start)
        while iterator.isValid {
            let next = expected.popFirst()
            try #require(iterator.keyArray == next?.key)
            try #require(iterator.valueArray == next?.value.bytes)
            if isChanged, random.chance(0.1) { try changeAlone() }
            try iterator.next()
        }
        try #require(expected.isEmpty)
    }

    func compareAll(_ seed: UInt64) throws {
        let views = [(nil, twin)] + snapshots.map { (Optional($0.snapshot), $0.twin) }
        for (snapshot, twin) in views {
            let iterator = family.iterator(snapshot: snapshot)
            var found: [[UInt8]: [UInt8]] = [:]
            try iterator.seekToFirst()
            while iterator.isValid {
                found[iterator.keyArray] = iterator.valueArray
                try iterator.next()
            }
            try #require(found == living(twin).mapValues(\.bytes), "\(Seeds.note(seed))")
        }
    }
}
