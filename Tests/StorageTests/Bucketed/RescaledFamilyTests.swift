import Storage
import TestSupport
import Testing

/// Families that go on from checkpoints of other numbers of workers, again and again.
struct RescaledFamilyTests {
    private static let keys: [[UInt8]] = (0..<64).map { [UInt8($0), 7] }
    private static let hashes = keys.indices.map { UInt64($0) << 58 | UInt64($0) << 40 }

    private static func ranges(_ workers: Int) -> [ClosedRange<UInt64>] {
        let share = (1 << 40) / UInt64(workers)
        return (0..<UInt64(workers)).map { worker in
            worker * share...(worker + 1 == workers ? 1 << 40 : (worker + 1) * share) - 1
        }
    }

    /// Counts some keys up, and checks each against what it was.
    private static func count(
        _ keys: [Int], in family: BucketedFamily, _ counts: inout [UInt64], _ note: String
    ) throws {
        guard !keys.isEmpty else { return }
        let encoded = HotTableTests.encoded(
            keys.map { HotTableTests.Key(bytes: Self.keys[$0], hash: hashes[$0]) })
        let entries = Slab(byteCount: keys.count * 4)
        let table = try family.getOrInsert(
            bucket: 0, encoded, rows: nil, count: keys.count, into: entries)
        for (row, key) in keys.enumerated() {
            let entry = HotTableTests.word(entries, row) & ~HotTable.isNewMark
            let value = table.word(of: entry, at: 0)
            #expect(value == counts[key], "key \(key), \(note)")
            counts[key] += 1
            table.setWord(of: entry, at: 0, to: counts[key])
        }
        try family.balance(0)
    }

    /// What one worker left in a file that others share is older than what another has written
    /// since, whichever of them comes first, and whatever was merged.
    @Test(arguments: Seeds.list(60))
    func everyKeyGoesOnFromItsOwnWorker(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let files = MemoryFileSystem()
        var counts = [UInt64](repeating: 0, count: Self.keys.count)
        var snapshots: [FamilySnapshot] = []
        for life in 0..<8 {
            let directory = try StateDirectory("state", fileSystem: files)
            defer { directory.close() }
            for name in snapshots.reduce(into: Set<String>(), { $0.formUnion($1.files) }) {
                directory.hold(name)
            }
            var options = StateStore.Options(memoryBytes: 1 << 20)
            options.runsMax = random.int(2...4)
            var made: [FamilySnapshot] = []
            for (worker, range) in Self.ranges(random.int(1...4)).enumerated() {
                let store = StateStore(
                    directory: directory, worker: worker, options: options,
                    executor: InlineExecutor(), hashes: range)
                let family = store.makeFamily("test", valueWidth: 8)
                let parts = snapshots.filter { $0.hashes.overlaps(range) }
                if random.chance(0.5) {
                    try family.restore(parts)
                } else {
                    for part in parts.shuffled(using: &random) { try family.restore([part]) }
                }
                let own = Self.keys.indices.filter { range.contains(Self.hashes[$0] >> 24) }
                for _ in 0..<random.int(0...4) {
                    let some = own.filter { _ in random.chance(0.3) }
                    try Self.count(some, in: family, &counts, "life \(life), \(Seeds.note(seed))")
                    if random.chance(0.5) { family.evict([0]) }
                    if random.chance(0.3) { _ = family.checkpoint() }
                    try store.settle()
                }
                made.append(family.checkpoint())
                try store.settle()
                if random.chance(0.3), let table = try family.load(0) {
                    #expect(table.count <= own.count, "\(Seeds.note(seed))")
                }
            }
            snapshots = made
        }
    }

    /// A family that takes its parts over one by one holds a file that they share once.
    @Test func fileThatPartsShareGoesWithItsBucket() throws {
        let files = MemoryFileSystem()
        var snapshot: FamilySnapshot?
        for life in 0..<2 {
            let directory = try StateDirectory("state", fileSystem: files)
            defer { directory.close() }
            let store = StateStore(
                directory: directory, worker: 0,
                options: StateStore.Options(memoryBytes: 1 << 20), executor: InlineExecutor())
            let family = store.makeFamily("test", valueWidth: 8)
            if let snapshot {
                for range in Self.ranges(2) {
                    try family.restore([Self.part(of: snapshot, range)])
                }
            } else {
                var counts = [UInt64](repeating: 0, count: Self.keys.count)
                try Self.count(Array(Self.keys.indices), in: family, &counts, "life \(life)")
                snapshot = family.checkpoint()
                try store.settle()
                continue
            }
            #expect(try family.load(0)?.count == Self.keys.count)
            try family.drop(0)
            #expect(files.paths == ["state/LOCK"])
        }
    }

    private static func part(
        of snapshot: FamilySnapshot, _ range: ClosedRange<UInt64>
    ) -> FamilySnapshot {
        FamilySnapshot(
            name: snapshot.name, valueWidth: snapshot.valueWidth, references: snapshot.references,
            hashes: range,
            buckets: snapshot.buckets.map { bucket in
                FamilySnapshot.Bucket(
                    start: bucket.start,
                    files: bucket.files.map {
                        FamilySnapshot.File(name: $0.name, hashes: $0.hashes.clamped(to: range))
                    })
            })
    }

    @Test func hashesThatNoKeyHasAreRefused() throws {
        let file = FamilySnapshot.File(name: "0-0-1.run", hashes: 0...UInt64.max)
        let snapshot = FamilySnapshot(
            name: "test", valueWidth: 8, references: [], hashes: StateStore.allHashes,
            buckets: [FamilySnapshot.Bucket(start: 0, files: [file])])
        var writer = ByteWriter()
        snapshot.encode(to: &writer)
        var reader = ByteReader(writer.bytes)
        #expect(throws: ByteReader.Damage.self) { try FamilySnapshot(from: &reader) }
    }
}
