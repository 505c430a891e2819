extension GrowingBytes {
    /// Bytes of a number in the form of `append(varint:)`: 1 to 10.
    @inline(__always)
    static func varintByteCount(_ value: UInt64) -> Int {
        (63 &- (value | 1).leadingZeroBitCount) / 7 &+ 1
    }

    /// Appends a number, seven bits a byte, the lowest first; all but the last have the high bit.
    @inline(__always)
    mutating func append(varint value: UInt64) {
        var rest = value
        let bytes = unsafe extend(by: Self.varintByteCount(value))
        var offset = 0
        while rest >= 0x80 {
            unsafe bytes.storeBytes(
                of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: offset, as: UInt8.self)
            rest &>>= 7
            offset &+= 1
        }
        unsafe bytes.storeBytes(
            of: UInt8(truncatingIfNeeded: rest), toByteOffset: offset, as: UInt8.self)
    }

    /// Appends some bytes, and before them how many they are.
    mutating func append(counted bytes: SlabSlice) {
        append(varint: UInt64(bytes.byteCount))
        unsafe append(bytes.slab.base + bytes.range.lowerBound, count: bytes.byteCount)
    }

    /// What is there so far, as long as nothing is added.
    var slice: SlabSlice { SlabSlice(slab, 0..<count) }
}
