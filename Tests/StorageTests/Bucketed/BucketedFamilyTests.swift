import TestSupport
import Testing

@testable import Storage

/// The bucketed family against dictionaries, under many configurations.
struct BucketedFamilyTests {
    /// What a key should have.
    struct Value: Equatable {
        var number: UInt64 = 0
        var text: [UInt8]?
    }

    /// One run of random operations.
    final class World {
        var random: SplitMix64
        let files = MemoryFileSystem()
        let executor = ManualExecutor()
        let store: StateStore
        let family: BucketedFamily
        let hasValues: Bool
        var twin: [Int64: [[UInt8]: Value]] = [:]
        var checkpoints: [(snapshot: FamilySnapshot, twin: [Int64: [[UInt8]: Value]])] = []
        let directory: StateDirectory
        let isDelayed: Bool

        init(seed: UInt64) throws {
            var random = SplitMix64(seed: seed)
            hasValues = seed % 2 == 0
            isDelayed = random.chance(0.7)
            var options = StateStore.Options(
                memoryBytes: random.pick([64 << 10, 256 << 10, 1 << 20, 64 << 20]))
            options.blockBytes = random.pick([64, 256, 4096])
            options.codec = random.pick([.none, .lz4, .zstd(level: 1)])
            options.filterBitsPerKey = random.pick([1, 4, 10])
            options.runsMax = random.pick([2, 3, 8])
            directory = try StateDirectory("state", fileSystem: files)
            store = StateStore(
                directory: directory, worker: 0, options: options, executor: executor)
            family = store.makeFamily(
                "test", valueWidth: hasValues ? 16 : 0, references: hasValues ? [8] : [])
            self.random = random
        }

        func randomKey() -> [UInt8] {
            let number = random.chance(0.5) ? random.int(0..<200) : random.int(0..<5000)
            let length = number % 3 == 0 ? 24 : 3 + number % 40
            var key = [UInt8](repeating: UInt8(number % 7), count: length)
            key[length - 1] = UInt8(number & 0xff)
            key[length - 2] = UInt8(number >> 8)
            // Keys carry the group that their hash says, or not.
            let hash = Self.hash(key)
            if number % 5 != 0 {
                key[0] = UInt8(hash >> 57)
                key[1] = UInt8(hash >> 49 & 0xff)
            }
            return key
        }

        static func hash(_ key: [UInt8]) -> UInt64 {
            let number = UInt64(key[key.count - 1]) | UInt64(key[key.count - 2]) << 8
            // Some keys have the same hash, or the same upper half.
            let spread = number % 11 == 0 ? 5 : number
            return (spread &* 0x9e37_79b9_7f4a_7c15) ^ (number % 13 == 0 ? number << 24 : 0)
        }

        func write() throws {
            let bucket = Int64(random.int(0..<6))
            let keys = (0..<random.int(1...120)).map { _ in randomKey() }
            let encoded = HotTableTests.encoded(
                keys.map { HotTableTests.Key(bytes: $0, hash: Self.hash($0)) })
            let chosen =
                random.chance(0.5)
                ? nil : keys.indices.filter { _ in random.chance(0.6) }
            let rows = chosen ?? Array(keys.indices)
            let entries = Slab(byteCount: keys.count * 4)
            let table = try family.getOrInsert(
                bucket: bucket, encoded, rows: chosen.map(HotTableTests.rows), count: rows.count,
                into: entries)
            for row in rows {
                let word = HotTableTests.word(entries, row)
                let isNew = word & HotTable.isNewMark != 0
                let before = twin[bucket]?[keys[row]]
                #expect(isNew == (before == nil))
                var value = before ?? Value()
                if hasValues {
                    let entry = word & ~HotTable.isNewMark
                    check(value, entry, table)
                    change(&value, entry, table)
                }
                twin[bucket, default: [:]][keys[row]] = value
            }
            try family.balance(bucket)
        }

        func check(_ value: Value, _ entry: UInt32, _ table: HotTable) {
            #expect(table.word(of: entry, at: 0) == value.number)
            let reference = UInt32(truncatingIfNeeded: table.word(of: entry, at: 8))
            let text = reference == 0 ? nil : unsafe Array(table.stored(reference))
            #expect(text == value.text)
        }

        func change(_ value: inout Value, _ entry: UInt32, _ table: HotTable) {
            value.number &+= UInt64(random.int(0..<1000))
            table.setWord(of: entry, at: 0, to: value.number)
            guard random.chance(0.3) else { return }
            let text = [UInt8](
                repeating: UInt8(random.int(0..<256)), count: random.int(0..<60))
            let old = UInt32(truncatingIfNeeded: table.word(of: entry, at: 8))
            table.setWord(of: entry, at: 8, to: UInt64(table.store(text, replacing: old)))
            value.text = text
        }

        func read() throws {
            let bucket = Int64(random.int(0..<6))
            let keys = (0..<random.int(1...50)).map { _ in randomKey() }
            let encoded = HotTableTests.encoded(
                keys.map { HotTableTests.Key(bytes: $0, hash: Self.hash($0)) })
            let entries = Slab(byteCount: keys.count * 4)
            try family.find(
                bucket: bucket, encoded, rows: nil, count: keys.count, into: entries)
            for (row, key) in keys.enumerated() {
                let entry = HotTableTests.word(entries, row)
                let value = twin[bucket]?[key]
                #expect((entry != HotTable.absent) == (value != nil))
                if hasValues, let value, let table = family.existing(bucket) {
                    check(value, entry, table)
                }
            }
            try family.balance(bucket)
        }

        /// Everything of a bucket, as it comes back at its end.
        func close() throws {
            let bucket = Int64(random.int(0..<6))
            let expected = twin.removeValue(forKey: bucket) ?? [:]
            let table = try family.load(bucket)
            let entries = table?.sortedEntries() ?? []
            #expect(entries.count == expected.count)
            for entry in entries {
                guard let table, let value = unsafe expected[Array(table.key(of: entry))] else {
                    Issue.record("a key that nobody wrote")
                    continue
                }
                if hasValues { check(value, entry, table) }
            }
            try family.drop(bucket)
        }

        /// Opens a checkpoint with two workers, who have half of the hashes each.
        func restore(
            _ snapshot: FamilySnapshot, expecting twin: [Int64: [[UInt8]: Value]]
        ) throws {
            var encoded = ByteWriter()
            snapshot.encode(to: &encoded)
            var reader = ByteReader(encoded.bytes)
            #expect(try FamilySnapshot(from: &reader) == snapshot)
            var found: [Int64: [[UInt8]: Value]] = [:]
            let middle = UInt64(random.int(0..<1 << 40))
            for (worker, hashes) in [0...middle, middle + 1...1 << 40 - 1].enumerated() {
                let other = StateStore(
                    directory: directory, worker: worker, options: store.options,
                    executor: executor, hashes: hashes)
                let family = other.makeFamily(
                    "test", valueWidth: self.family.valueWidth, references: self.family.references)
                try family.restore([snapshot])
                for start in family.starts {
                    // What is written on the way must not matter.
                    if random.chance(0.5) { family.evict([start]) }
                    guard let table = try family.load(start) else { continue }
                    for entry in table.sortedEntries() {
                        let key = unsafe Array(table.key(of: entry))
                        #expect(hashes.contains(Self.hash(key) >> 24))
                        #expect(found[start]?[key] == nil)
                        found[start, default: [:]][key] = value(entry, table)
                    }
                    if random.chance(0.5) {
                        let further = family.checkpoint()
                        try other.settle()
                        for file in further.files { try directory.release(file) }
                    }
                    try family.drop(start)
                }
                try other.settle()
            }
            #expect(found == twin.filter { !$0.value.isEmpty })
        }

        func value(_ entry: UInt32, _ table: HotTable) -> Value {
            guard hasValues else { return Value() }
            let reference = UInt32(truncatingIfNeeded: table.word(of: entry, at: 8))
            return Value(
                number: table.word(of: entry, at: 0),
                text: reference == 0 ? nil : unsafe Array(table.stored(reference)))
        }

        func step() throws {
            switch random.int(0..<20) {
            case 0..<12: try write()
            case 12..<15: try read()
            case 15: try close()
            case 16: family.evict(family.starts.filter { _ in random.chance(0.4) })
            case 17: try store.settle()
            case 18: checkpoints.append((family.checkpoint(), twin))
            default: executor.runOne(random.pick([.flush, .merge]))
            }
            if !isDelayed {
                while executor.runOne(.flush) || executor.runOne(.merge) {}
            }
        }
    }

    /// Two workers go on from one checkpoint, and one goes on from theirs: the file that both had
    /// must not hide what either of them wrote.
    @Test func sharedFilesAreOlderThanOwnOnes() throws {
        let files = MemoryFileSystem()
        let directory = try StateDirectory("state", fileSystem: files)
        let keys: [[UInt8]] = (0..<40).map { [UInt8($0), 7] }
        let hashes = keys.indices.map { UInt64($0) << 58 | UInt64($0) << 40 }
        var sum: UInt64 = 0
        var snapshots: [FamilySnapshot] = []
        let half: UInt64 = 1 << 39
        for ranges in [
            [StateStore.allHashes], [0...half - 1, half...1 << 40 - 1], [StateStore.allHashes],
        ] {
            sum += 1
            var made: [FamilySnapshot] = []
            for (worker, range) in ranges.enumerated() {
                let store = StateStore(
                    directory: directory, worker: worker, options: .init(memoryBytes: 1 << 20),
                    executor: InlineExecutor(), hashes: range)
                let family = store.makeFamily("test", valueWidth: 8, references: [])
                try family.restore(snapshots)
                let own = keys.indices.filter { range.contains(hashes[$0] >> 24) }
                let encoded = HotTableTests.encoded(
                    own.map { HotTableTests.Key(bytes: keys[$0], hash: hashes[$0]) })
                let entries = Slab(byteCount: own.count * 4)
                let table = try family.getOrInsert(
                    bucket: 0, encoded, rows: nil, count: own.count, into: entries)
                for row in own.indices {
                    let entry = HotTableTests.word(entries, row) & ~HotTable.isNewMark
                    let value = table.word(of: entry, at: 0) + 1
                    #expect(value == sum)
                    table.setWord(of: entry, at: 0, to: value)
                }
                made.append(family.checkpoint())
                try store.settle()
            }
            snapshots = made
        }
    }

    @Test func bucketThatStaysInMemoryHasFewRuns() throws {
        let directory = try StateDirectory("state", fileSystem: MemoryFileSystem())
        let store = StateStore(
            directory: directory, worker: 0, options: .init(memoryBytes: 1 << 20),
            executor: InlineExecutor())
        let family = store.makeFamily("test", valueWidth: 0, references: [])
        var last: FamilySnapshot?
        for round in 0..<100 {
            let keys = (0..<10).map { key in
                let number = UInt8(truncatingIfNeeded: round * 10 + key)
                return HotTableTests.Key(
                    bytes: [UInt8(round), number, 0, 1], hash: World.hash([UInt8(round), number]))
            }
            _ = try family.getOrInsert(
                bucket: 0, HotTableTests.encoded(keys), rows: nil, count: keys.count,
                into: Slab(byteCount: keys.count * 4))
            let snapshot = family.checkpoint()
            for file in last?.files ?? [] { try directory.release(file) }
            last = snapshot
            try store.settle()
            // The run of a checkpoint under way comes on top.
            #expect(snapshot.files.count <= StateStore.Options(memoryBytes: 0).runsMax + 1)
        }
        #expect(store.writtenBytes.merged > 0)
    }

    /// At the end of a run nobody needs what a merge makes: one that is under way leaves nothing,
    /// one that waits does not begin.
    @Test(arguments: [false, true])
    func mergesStopWithTheRun(isUnderWay: Bool) throws {
        let files = MemoryFileSystem()
        let executor = ManualExecutor()
        let store = StateStore(
            directory: try StateDirectory("state", fileSystem: files), worker: 0,
            options: .init(memoryBytes: 1 << 20), executor: executor)
        let family = store.makeFamily("test", valueWidth: 0, references: [])
        for round in UInt8(0)..<9 {
            let keys = (UInt8(0)..<10).map { key in
                HotTableTests.Key(bytes: [round, key, 0, 1], hash: World.hash([round, key]))
            }
            _ = try family.getOrInsert(
                bucket: 0, HotTableTests.encoded(keys), rows: nil, count: keys.count,
                into: Slab(byteCount: keys.count * 4))
            _ = family.checkpoint()
            while executor.runOne(.flush) {}
            try store.takeCompletions()
        }
        let before = files.paths
        let operations = files.operationCount
        if isUnderWay {
            files.observe { [completions = store.completions] _ in completions.stopMerges() }
        } else {
            store.stopMerges()
        }
        #expect(executor.runOne(.merge))
        #expect(files.paths == before)
        #expect(store.writtenBytes.merged == 0)
        // The file of one that is under way is made and removed.
        #expect(files.operationCount - operations == (isUnderWay ? 2 : 0))
    }

    @Test(arguments: Seeds.list(24))
    func agreesWithDictionaries(seed: UInt64) throws {
        let world = try World(seed: seed)
        for _ in 0..<60 { try world.step() }
        for bucket in world.family.starts { try world.family.drop(bucket) }
        try world.store.settle()
        for (snapshot, twin) in world.checkpoints {
            try world.restore(snapshot, expecting: twin)
            for file in snapshot.files { try world.directory.release(file) }
        }
        // After the last bucket no file is left, and nothing is counted.
        #expect(world.files.paths == ["state/LOCK"], "\(Seeds.note(seed)): \(world.files.paths)")
        #expect(world.store.memory.tables == 0)
        #expect(world.store.memory.filters == 0)
        #expect(world.store.diskBytes == 0)
    }
}
