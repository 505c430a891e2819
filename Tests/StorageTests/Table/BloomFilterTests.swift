import TestSupport
import Testing

@testable import Storage

/// The filter against the set of what was inserted.
struct BloomFilterTests {
    /// A filter of random hashes, and the hashes.
    static func filled(_ count: Int, bitsPerKey: Int, seed: UInt64) -> (BloomFilter, [UInt64]) {
        var random = SplitMix64(seed: seed)
        let filter = BloomFilter(keyCount: count, bitsPerKey: bitsPerKey)
        let hashes = (0..<count).map { _ in random.next() }
        for hash in hashes { filter.insert(hash >> 24) }
        return (filter, hashes)
    }

    static func slab(_ words: [UInt64]) -> Slab {
        Slab(words.flatMap { word in (0..<8).map { UInt8(word >> ($0 * 8) & 0xff) } })
    }

    static func slab(_ words: [UInt32]) -> Slab {
        Slab(words.flatMap { word in (0..<4).map { UInt8(word >> ($0 * 8) & 0xff) } })
    }

    static func rows(_ slab: Slab, _ count: Int) -> [UInt32] {
        (0..<count).map { row in
            slab.array(row * 4..<row * 4 + 4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    @Test(arguments: Seeds.list(3))
    func fewStrangersPassAtTenBitsAKey(seed: UInt64) {
        let count = 20_000
        let (filter, hashes) = Self.filled(count, bitsPerKey: 10, seed: seed)
        #expect(hashes.allSatisfy { filter.contains($0 >> 24) })
        var random = SplitMix64(seed: ~seed)
        let passed = (0..<50_000).count { _ in filter.contains(random.next() >> 24) }
        #expect(passed <= 750, "\(Seeds.note(seed))")
        #expect(passed > 100, "a filter as full as this lets some pass")
        #expect(filter.encoded.byteCount * 8 <= count * 10 + 2048)
    }

    @Test(arguments: [1, 2, 5, 10, 16, 40])
    func whatWasInsertedIsFoundAgainInWhatWasStored(bitsPerKey: Int) throws {
        let (filter, hashes) = Self.filled(777, bitsPerKey: bitsPerKey, seed: Seeds.base)
        // Wherever the bytes happen to lie.
        for shift in [0, 1, 16, 64] {
            let slab = Slab(byteCount: filter.encoded.byteCount + shift)
            slab.copy(filter.encoded, to: shift)
            let slice = SlabSlice(slab, shift..<shift + filter.encoded.byteCount)
            let again = try #require(BloomFilter(slice))
            #expect(hashes.allSatisfy { again.contains($0 >> 24) })
            var random = SplitMix64(seed: 5)
            for _ in 0..<2000 {
                let hash = random.next() >> 24
                #expect(filter.contains(hash) == again.contains(hash))
            }
        }
    }

    @Test(arguments: Seeds.list(8))
    func askingForManyIsAskingForEach(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bitsPerKey = random.pick([1, 3, 10, 20])
        let (filter, inserted) = Self.filled(3000, bitsPerKey: bitsPerKey, seed: seed)
        let hashes = inserted.map { random.chance(0.3) ? $0 : random.next() }
        let rows = hashes.indices.filter { _ in random.chance(0.7) }.map { UInt32($0) }
        let expected = rows.filter { filter.contains(hashes[Int($0)] >> 24) }
        let out = Slab(byteCount: rows.count * 4)
        let count = filter.probe(
            Self.slab(hashes), rows: Self.slab(rows), count: rows.count, into: out)
        #expect(Self.rows(out, count) == expected, "\(Seeds.note(seed))")
        // In place as well.
        let same = Self.slab(rows)
        let again = filter.probe(Self.slab(hashes), rows: same, count: rows.count, into: same)
        #expect(Self.rows(same, again) == expected, "\(Seeds.note(seed))")
    }

    @Test func bytesThatAreNoFilterAreRefused() {
        let (filter, _) = Self.filled(100, bitsPerKey: 10, seed: 1)
        let bytes = filter.encoded.slab.array(filter.encoded.range)
        for count in 0..<bytes.count where count % 64 != 0 || count <= 64 {
            #expect(BloomFilter(SlabSlice(Slab(bytes), 0..<count)) == nil)
        }
        for wrong: UInt8 in [0, 13, 255] {
            var other = bytes
            other[0] = wrong
            #expect(BloomFilter(SlabSlice(Slab(other), 0..<other.count)) == nil)
        }
    }

    @Test func filterForNoKeysIsReadAsItWasWritten() throws {
        let filter = BloomFilter(keyCount: 0, bitsPerKey: 10)
        let read = try #require(BloomFilter(filter.encoded))
        #expect(read.blockCount == filter.blockCount)
        #expect(!read.contains(7))
    }
}
