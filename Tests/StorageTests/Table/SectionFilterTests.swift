import TestSupport
import Testing

@testable import Storage

/// Filters in parts against the sets of their keys.
struct SectionFilterTests {
    /// A filter of some keys, written and taken over; and where its parts lie.
    struct Made {
        let filter: SectionFilter
        let places: FilterPlaces
        let parts: [(part: Int, filter: BloomFilter?)]

        init(_ hashes: [UInt64], bits: Int, range: ClosedRange<UInt64>, planned: Int) throws {
            let files = MemoryFileSystem()
            let frames = try FrameWriter(files.open("filter", .write(truncating: true)))
            let cut = FilterCut(keyCount: planned, bitsPerKey: bits, hashes: range)
            let made = FilterParts()
            var writer = FilterWriter(cut, bitsPerKey: bits, made: made)
            for hash in hashes.sorted() { try writer.insert(hash, to: frames) }
            let places = try writer.finish(to: frames)
            let footer = SlabSlice(Slab(byteCount: 1), 0..<1)
            let byteCount = try frames.finish(footer: footer)
            self.places = try #require(FilterPlaces(places.encoded, fileByteCount: byteCount))
            #expect(self.places == places)
            parts = made.take()
            #expect(parts.map(\.part) == Array(0..<cut.partCount))
            filter = SectionFilter(cut)
            let reader = try FrameReader(files.open("filter", .read))
            for (part, made) in parts {
                filter.put(part, made)
                let place = places.parts[part]
                #expect((place == nil) == (made == nil))
                if let place {
                    let read = try #require(BloomFilter(try reader.read(place)))
                    #expect(read.encoded.byteCount == made?.encoded.byteCount)
                }
            }
        }
    }

    static func found(_ hashes: [UInt64], _ filter: SectionFilter) -> Set<Int> {
        let words = HotTableTests.words(hashes.map { $0 << 24 })
        let rows = HotTableTests.rows(Array(hashes.indices))
        let maybe = Slab(byteCount: hashes.count * 4)
        let count = filter.probe(words, rows: rows, count: hashes.count, into: maybe)
        return Set((0..<count).map { Int(HotTableTests.word(maybe, $0)) })
    }

    @Test(arguments: Seeds.list(12))
    func keysAreNeverDenied(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let low = UInt64(random.int(0..<1 << 39))
        let high = low + UInt64(random.pick([0, 5, 1000, 1 << 30, 1 << 38]))
        let count = random.pick([1, 50, 40_000, 120_000])
        let hashes = (0..<count).map { _ in
            // Some in a corner, so that parts are of all sizes.
            low + UInt64(random.next() % (high - low + 1)) / (random.chance(0.3) ? 1000 : 1)
        }
        // Plans may be wrong.
        let made = try Made(
            hashes, bits: random.pick([2, 10]), range: low...high,
            planned: random.pick([count, count / 10, count * 3]))
        #expect(Self.found(hashes, made.filter).count == count, "\(Seeds.note(seed))")
        for _ in 0..<made.filter.cut.partCount {
            let part = random.int(0..<made.filter.cut.partCount)
            made.filter.drop(part)
            if random.chance(0.5) { made.filter.put(part, made.parts[part].filter) }
        }
        #expect(Self.found(hashes, made.filter).count == count)
        #expect(hashes.prefix(1000).allSatisfy { made.filter.contains($0) })
        made.filter.drop(upTo: made.filter.byteCount)
        #expect(made.filter.byteCount == 0)
        #expect(Self.found(hashes, made.filter).count == count)
    }

    @Test func fewOthersPass() throws {
        var random = SplitMix64(seed: 5)
        let hashes = (0..<400_000).map { _ in random.next() >> 24 }
        let others = (0..<100_000).map { _ in random.next() >> 24 }
        let made = try Made(
            hashes, bits: 10, range: StateStore.allHashes, planned: hashes.count)
        #expect(made.filter.cut.partCount > 3)
        #expect(made.filter.byteCount < 400_000 * 10 / 8 * 4 / 3)
        #expect(Self.found(others, made.filter).count < 2500)
        // Where parts are gone, everything passes, and nothing else changes.
        let end = made.filter.cut.start(of: 2)
        made.filter.drop(before: end)
        let passed = Self.found(others, made.filter)
        #expect(others.indices.allSatisfy { others[$0] >= end || passed.contains($0) })
        #expect(passed.count { others[$0] >= end } < 2500)
    }

    @Test func startsOfPartsAreTheLeastOfTheirHashes() {
        var random = SplitMix64(seed: 9)
        for _ in 0..<200 {
            let low = UInt64(random.int(0..<1 << 39))
            let width = UInt64(random.int(0..<1 << random.int(1...38)))
            let cut = FilterCut(
                hashes: low...low + width, partCount: random.int(1...5000), hashCount: 6)
            let part = random.int(0..<cut.partCount)
            let start = cut.start(of: part)
            #expect(cut.part(of: start) == part)
            if part > 0 { #expect(cut.part(of: start - 1) == part - 1) }
            #expect(cut.part(of: low + width) == cut.partCount - 1)
        }
    }

    @Test func damagedPlacesAreNone() throws {
        let made = try Made([1, 2, 3], bits: 10, range: StateStore.allHashes, planned: 3)
        let bytes = made.places.encoded.slab.array(0..<made.places.encoded.byteCount)
        for count in bytes.indices {
            let slab = Slab(Array(bytes[..<count]))
            #expect(FilterPlaces(SlabSlice(slab, 0..<count), fileByteCount: 1000) == nil)
        }
        #expect(FilterPlaces(made.places.encoded, fileByteCount: 3) == nil)
    }
}
