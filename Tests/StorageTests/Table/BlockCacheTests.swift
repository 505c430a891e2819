import TestSupport
import Testing

@testable import Storage

/// What the cache gives is what it was given, and never more than its budget.
struct BlockCacheTests {
    /// A block that knows its name.
    static func block(_ file: UInt64, _ offset: Int, byteCount: Int = 256) -> SlabSlice {
        let slab = Slab(byteCount: byteCount)
        slab.copy("\(file)/\(offset)    ", to: 0)
        return SlabSlice(slab, 0..<16)
    }

    static func name(_ slice: SlabSlice) -> String {
        let text = String(decoding: slice.slab.array(slice.range), as: UTF8.self)
        return String(text.prefix { $0 != " " })
    }

    @Test(arguments: Seeds.list(12))
    func blocksAreThoseThatWereGivenAndStayInTheBudget(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let cache = BlockCache(budget: random.int(0...200_000))
        var files: Set<UInt64> = []
        for step in 0..<20_000 {
            let file = random.next() % 6
            let offset = random.int(0..<200) * 4096
            switch random.int(0..<1000) {
            case 0: cache.budget = random.int(0...200_000)
            case 1..<4:
                cache.remove(file: file)
                files.remove(file)
            case 4..<500:
                if let found = cache.find(file: file, offset: offset) {
                    #expect(Self.name(found) == "\(file)/\(offset)", "\(Seeds.note(seed))")
                    #expect(files.contains(file), "\(Seeds.note(seed))")
                }
            default:
                let size = random.pick([256, 256, 1024, 8192])
                cache.insert(
                    Self.block(file, offset, byteCount: size), file: file, offset: offset)
                files.insert(file)
            }
            if cache.byteCount > cache.budget { Issue.record("above the budget at \(step)") }
        }
        // All that is held can be found, and costs what is counted.
        var bytes = 0
        var count = 0
        for file in UInt64(0)..<6 {
            for offset in 0..<200 {
                guard let found = cache.find(file: file, offset: offset * 4096) else { continue }
                bytes += found.slab.byteCount + 128
                count += 1
            }
        }
        #expect(bytes == cache.byteCount, "\(Seeds.note(seed))")
        #expect(count == cache.count, "\(Seeds.note(seed))")
        for file in UInt64(0)..<6 { cache.remove(file: file) }
        #expect(cache.byteCount == 0 && cache.count == 0)
    }

    @Test func aLongScanLeavesWhatIsAskedForOften() {
        let cache = BlockCache(budget: 1000 * (256 + 128))
        func read(_ file: UInt64, _ offset: Int) {
            if cache.find(file: file, offset: offset) == nil {
                cache.insert(Self.block(file, offset), file: file, offset: offset)
            }
        }
        for _ in 0..<4 {
            for offset in 0..<500 { read(1, offset) }
        }
        // The scan fills the cache ten times over.
        for offset in 0..<10_000 { read(2, offset) }
        let left = (0..<500).count { cache.find(file: 1, offset: $0) != nil }
        #expect(left == 500)
    }

    @Test func whatIsWantedAgainSoonAfterItWentStays() {
        let cache = BlockCache(budget: 100 * (256 + 128))
        for offset in 0..<100 { cache.insert(Self.block(1, offset), file: 1, offset: offset) }
        for offset in 100..<110 { cache.insert(Self.block(1, offset), file: 1, offset: offset) }
        #expect(cache.find(file: 1, offset: 0) == nil)
        cache.insert(Self.block(1, 0), file: 1, offset: 0)
        for offset in 200..<320 { cache.insert(Self.block(1, offset), file: 1, offset: offset) }
        #expect(cache.find(file: 1, offset: 0) != nil)
        #expect(cache.find(file: 1, offset: 105) == nil)
    }

    @Test func blocksThatAreLetGoOfAreFreed() {
        weak var slab: Slab?
        let cache = BlockCache(budget: 4000)
        do {
            let block = Self.block(1, 0)
            slab = block.slab
            cache.insert(block, file: 1, offset: 0)
        }
        #expect(slab != nil)
        cache.budget = 0
        #expect(slab == nil && cache.byteCount == 0)
        cache.insert(Self.block(1, 0), file: 1, offset: 0)
        #expect(cache.count == 0)
    }

    /// Skewed questions, as state gets them: a cache of a tenth answers most.
    @Test func mostOfSkewedQuestionsAreAnswered() {
        var random = SplitMix64(seed: Seeds.base)
        let cache = BlockCache(budget: 200 * (256 + 128))
        for _ in 0..<40_000 {
            let spread = Double.random(in: 0..<1, using: &random)
            let offset = Int(2000 * spread * spread * spread * spread * spread)
            if cache.find(file: 1, offset: offset) == nil {
                cache.insert(Self.block(1, offset), file: 1, offset: offset)
            }
        }
        // The 200 blocks that are asked for most make up 63 % of the questions.
        #expect(Double(cache.hits) / Double(cache.hits + cache.misses) > 0.58)
    }
}
