extension KeyOrder {
    /// How many bytes from the start are the same, of `count`.
    @inline(__always)
    static func sharedBytes(
        _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, count: Int
    ) -> Int {
        var offset = 0
        while offset &+ 8 <= count {
            let difference =
                unsafe left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                ^ right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if difference != 0 {
                return offset &+ UInt64(littleEndian: difference).trailingZeroBitCount &>> 3
            }
            offset &+= 8
        }
        while offset < count {
            let same =
                unsafe left.load(fromByteOffset: offset, as: UInt8.self)
                == right.load(fromByteOffset: offset, as: UInt8.self)
            if !same { return offset }
            offset &+= 1
        }
        return count
    }

    /// Negative where the left key stands before the right one, 0 where they are equal.
    @inline(__always)
    static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
        guard let first = left.baseAddress, let second = right.baseAddress else {
            return left.count &- right.count
        }
        return unsafe compare(first, left.count, second, right.count)
    }
}
