import TestSupport
import Testing

@testable import Storage

/// The checksum against known values, and both ways to it against one bit at a time.
struct CRC32CTests {
    static func slow(_ bytes: [UInt8], extending first: UInt32 = 0) -> UInt32 {
        var value = ~first
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 != 0 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
        }
        return ~value
    }

    static func fast(_ bytes: [UInt8], extending first: UInt32 = 0) -> UInt32 {
        CRC32C.checksum(SlabSlice(Slab(bytes), 0..<bytes.count), extending: first)
    }

    /// From RFC 3720, B.4, and the usual check value.
    @Test func knownValues() {
        #expect(Self.fast([]) == 0)
        #expect(Self.fast(Array("123456789".utf8)) == 0xe306_9283)
        #expect(Self.fast([UInt8](repeating: 0, count: 32)) == 0x8a91_36aa)
        #expect(Self.fast([UInt8](repeating: 0xff, count: 32)) == 0x62a8_ab43)
        #expect(Self.fast((0..<32).map { UInt8($0) }) == 0x46dd_794e)
    }

    @Test(arguments: Seeds.list(20))
    func instructionAndTablesAgree(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let bytes = (0..<random.int(0...300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let first = UInt32(truncatingIfNeeded: random.next())
        let slab = Slab(bytes)
        let start = random.int(0...bytes.count)
        let part = Array(bytes[start...])
        let expected = Self.slow(part, extending: first)
        let inSoftware = unsafe CRC32C.softwareChecksum(
            slab.base + start, count: part.count, extending: first)
        let slice = SlabSlice(slab, start..<bytes.count)
        #expect(CRC32C.checksum(slice, extending: first) == expected, "\(Seeds.note(seed))")
        #expect(inSoftware == expected, "\(Seeds.note(seed))")
    }

    @Test func aChecksumIsContinued() {
        let bytes = (0..<100).map { UInt8($0) }
        for cut in 0...100 {
            let head = Self.fast(Array(bytes[..<cut]))
            #expect(Self.fast(Array(bytes[cut...]), extending: head) == Self.fast(bytes))
        }
    }
}
