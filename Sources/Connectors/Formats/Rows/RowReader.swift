package import Storage

/// Reads the values that `RowEncoder` wrote, front to back; never beyond the end, whatever the
/// bytes say.
@safe
package struct RowReader {
    /// A value; text as its place in the slab.
    package enum Value: Equatable, Sendable {
        case null
        case integer(Int64)
        case float(Double)
        case text(Range<Int>)
        /// The text of a JSON value.
        case json(Range<Int>)
    }

    package let slab: Slab
    /// Where in the slab the next value begins.
    package private(set) var position: Int
    private let end: Int

    package init(_ rows: SlabSlice) {
        slab = rows.slab
        position = rows.range.lowerBound
        end = rows.range.upperBound
    }

    package var isAtEnd: Bool { position >= end }

    /// The next value; a tag that is none, or an end within a value, is damage.
    @inline(__always)
    package mutating func next() throws(ByteReader.Damage) -> Value {
        guard position < end else { throw ByteReader.Damage(cause: "a row ends too early") }
        let tag = unsafe slab.base.load(fromByteOffset: position, as: UInt8.self)
        position &+= 1
        switch tag {
        case RowTag.null: return .null
        case RowTag.integer:
            let zigzag = try varint()
            return .integer(Int64(bitPattern: zigzag &>> 1) ^ -Int64(bitPattern: zigzag & 1))
        case RowTag.float:
            let place = try take(8)
            let bits = unsafe slab.base.loadUnaligned(
                fromByteOffset: place.lowerBound, as: UInt64.self)
            return .float(Double(bitPattern: UInt64(littleEndian: bits)))
        case RowTag.text: return .text(try take(varint()))
        case RowTag.json: return .json(try take(varint()))
        default: throw ByteReader.Damage(cause: "a row has a value of no known kind")
        }
    }

    @inline(__always)
    private mutating func take(_ count: UInt64) throws(ByteReader.Damage) -> Range<Int> {
        guard count <= UInt64(end &- position) else {
            throw ByteReader.Damage(cause: "a value is longer than its row")
        }
        let start = position
        position &+= Int(truncatingIfNeeded: count)
        return start..<position
    }

    @inline(__always)
    private mutating func varint() throws(ByteReader.Damage) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < end else { throw ByteReader.Damage(cause: "a number is cut off") }
            let byte = unsafe slab.base.load(fromByteOffset: position, as: UInt8.self)
            position &+= 1
            if shift == 63 && byte > 1 {
                throw ByteReader.Damage(cause: "a number has too many bits")
            }
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return value }
            shift &+= 7
        }
    }
}
