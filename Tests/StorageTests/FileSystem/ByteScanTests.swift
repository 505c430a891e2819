import Storage
import TestSupport
import Testing

struct ByteScanTests {
    @Test func findsWhatANaiveLoopFinds() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                [10, 11, 9, 138, 0, 255].randomElement(using: &random) ?? 0
            } as [UInt8]
            let slice = SlabSlice(bytes)
            let span = slice.slab.bytes(slice.range)
            let low = Int.random(in: 0...bytes.count, using: &random)
            let range = low..<Int.random(in: low...bytes.count, using: &random)
            #expect(ByteScan.first(10, in: span, range) == bytes[range].firstIndex(of: 10))
            #expect(ByteScan.last(10, in: span, range) == bytes[range].lastIndex(of: 10))
            #expect(ByteScan.count(10, in: span, range) == bytes[range].count { $0 == 10 })
        }
    }
}
