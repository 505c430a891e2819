/// Reads what `GrowingBytes` wrote, front to back; never beyond the end, whatever the bytes say.
@safe
package struct ByteReader {
    /// Bytes that cannot be what they should be.
    package struct Damage: Error {
        package let cause: String

        package init(cause: String) { self.cause = cause }
    }

    let slice: SlabSlice
    /// Bytes read.
    package private(set) var position = 0

    package init(_ slice: SlabSlice) { self.slice = slice }

    /// Bytes left.
    package var rest: Int { slice.byteCount - position }

    /// Takes `count` bytes.
    package mutating func bytes(_ count: Int) throws(Damage) -> SlabSlice {
        guard count >= 0, count <= rest else {
            throw Damage(cause: "\(count) bytes are wanted where \(rest) are left")
        }
        let start = slice.range.lowerBound + position
        position += count
        return SlabSlice(slice.slab, start..<start + count)
    }

    /// Takes bytes that stand behind their count.
    package mutating func countedBytes() throws(Damage) -> SlabSlice {
        try bytes(count())
    }

    /// Takes a number of fixed width.
    package mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self
    ) throws(Damage) -> Value {
        let place = try bytes(MemoryLayout<Value>.size)
        return unsafe Value(
            littleEndian: place.slab.base.loadUnaligned(
                fromByteOffset: place.range.lowerBound, as: Value.self))
    }

    /// Takes a number of seven bits a byte.
    package mutating func varint() throws(Damage) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try integer(UInt8.self)
            if shift == 63 && byte > 1 { throw Damage(cause: "a number has too many bits") }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    /// Takes a number of seven bits a byte that counts something.
    package mutating func count() throws(Damage) -> Int {
        guard let count = Int(exactly: try varint()) else {
            throw Damage(cause: "a count is too great")
        }
        return count
    }
}
