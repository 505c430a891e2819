import TestSupport
import Testing

@testable import Storage

/// What was written is read again, and nothing beyond the end is.
struct ByteReaderTests {
    @Test(arguments: Seeds.list(20))
    func numbersAndBytesComeBack(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let numbers = (0..<50).map { _ in random.next() >> UInt64(random.int(0...63)) }
        let edges = [0, 127, 128, 16383, 16384, UInt64.max >> 1, UInt64.max]
        var bytes = GrowingBytes(capacity: 8)
        for number in numbers + edges {
            let before = bytes.count
            bytes.append(varint: number)
            #expect(bytes.count - before == GrowingBytes.varintByteCount(number))
            bytes.append(UInt16(truncatingIfNeeded: number))
            let counted = [UInt8](repeating: 7, count: Int(number % 40))
            bytes.append(counted: SlabSlice(Slab(counted), 0..<counted.count))
        }
        var reader = ByteReader(bytes.take())
        for number in numbers + edges {
            #expect(try reader.varint() == number, "\(Seeds.note(seed))")
            #expect(try reader.integer(UInt16.self) == UInt16(truncatingIfNeeded: number))
            #expect(try reader.countedBytes().byteCount == Int(number % 40))
        }
        #expect(reader.rest == 0)
        #expect(throws: ByteReader.Damage.self) { try reader.integer(UInt8.self) }
    }

    @Test(arguments: [
        [], [0x80], [0xff, 0xff], [UInt8](repeating: 0xff, count: 10),
        [UInt8](repeating: 0x80, count: 9) + [2], [0x05, 1, 2, 3, 4],
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
    ])
    func whatCannotBeIsRefused(bytes: [UInt8]) {
        var reader = ByteReader(SlabSlice(Slab(bytes), 0..<bytes.count))
        #expect(throws: ByteReader.Damage.self) { try reader.countedBytes() }
    }
}
