import CLZ4

/// CRC-32C (Castagnoli), as iSCSI and SSE 4.2 have it: the checksum of everything stored.
///
/// By the processor's instruction where it has one, else in software, eight bytes at a time:
/// "slicing by 8" (Kounavis and Berry, "A Systematic Approach to Building High Performance
/// Software-Based CRC Generators", 2005). Both give the same.
@safe
package enum CRC32C {
    private static let polynomial: UInt32 = 0x82f6_3b78

    /// Whether the processor has the instruction.
    static let isInHardware = weir_crc32c_is_available() != 0

    /// Eight tables of 256 words, in one.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 != 0 ? value >> 1 ^ polynomial : value >> 1 }
            tables[byte] = value
        }
        for byte in 0..<256 {
            for slice in 1..<8 {
                let before = tables[(slice - 1) * 256 + byte]
                tables[slice * 256 + byte] = before >> 8 ^ tables[Int(before & 0xff)]
            }
        }
        return tables
    }()

    /// The checksum of `bytes`, or of what had the checksum `first` with `bytes` behind it.
    package static func checksum(_ bytes: SlabSlice, extending first: UInt32 = 0) -> UInt32 {
        let base = unsafe bytes.slab.base + bytes.range.lowerBound
        return unsafe checksum(base, count: bytes.byteCount, extending: first)
    }

    /// The same of raw bytes.
    static func checksum(
        _ base: UnsafeRawPointer, count: Int, extending first: UInt32 = 0
    ) -> UInt32 {
        guard isInHardware else {
            return unsafe softwareChecksum(base, count: count, extending: first)
        }
        return unsafe ~weir_crc32c(~first, base, count)
    }

    /// The same without the instruction.
    static func softwareChecksum(
        _ base: UnsafeRawPointer, count: Int, extending first: UInt32 = 0
    ) -> UInt32 {
        unsafe tables.withUnsafeBufferPointer { tables in
            var value = ~first
            var offset = 0
            while offset &+ 8 <= count {
                let word = UInt64(
                    littleEndian: unsafe base.loadUnaligned(
                        fromByteOffset: offset, as: UInt64.self))
                let low = word ^ UInt64(value)
                var next: UInt32 = 0
                for slice in 0..<8 {
                    let byte = Int(truncatingIfNeeded: (low &>> UInt64(slice &* 8)) & 0xff)
                    next ^= unsafe tables[(7 &- slice) &* 256 &+ byte]
                }
                value = next
                offset &+= 8
            }
            while offset < count {
                let byte = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
                let place = Int((value ^ UInt32(byte)) & 0xff)
                value = unsafe value &>> 8 ^ tables[place]
                offset &+= 1
            }
            return ~value
        }
    }
}
