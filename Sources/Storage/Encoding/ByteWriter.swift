/// Writes numbers, texts and lists one behind the other, as `ByteReader` reads them.
///
///     number = little-endian, of fixed width | varint: seven bits a byte, the least first
///     text   = its bytes behind their count, a varint
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    /// Adds a number of fixed width.
    package mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        var rest = value.littleEndian
        unsafe withUnsafeBytes(of: &rest) { unsafe bytes.append(contentsOf: $0) }
    }

    /// Adds a count, or another number that is not negative.
    package mutating func append(count: Int) {
        precondition(count >= 0, "counts are not negative")
        var rest = UInt64(count)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Adds bytes behind their count.
    package mutating func append(counted added: [UInt8]) {
        append(count: added.count)
        bytes += added
    }

    /// Adds a text behind the count of its bytes.
    package mutating func append(_ text: String) { append(counted: Array(text.utf8)) }

    /// Adds whether something is so.
    package mutating func append(_ flag: Bool) { append(UInt8(flag ? 1 : 0)) }

    /// Adds the CRC-32C of all that stands before.
    mutating func appendChecksum() {
        append(CRC32C.checksum(SlabSlice(Slab(bytes), 0..<bytes.count)))
    }
}

extension ByteReader {
    /// Reads an array's bytes.
    package init(_ bytes: [UInt8]) { self.init(SlabSlice(Slab(bytes), 0..<bytes.count)) }

    /// Reads what stands before a CRC-32C of it, which is the last.
    init(checked slice: SlabSlice) throws(Damage) {
        guard slice.byteCount > 4 else { throw Damage(cause: "it is cut short") }
        var reader = ByteReader(slice)
        let content = try reader.bytes(slice.byteCount - 4)
        guard try reader.integer(UInt32.self) == CRC32C.checksum(content) else {
            throw Damage(cause: "its checksum is wrong")
        }
        self.init(content)
    }

    /// Takes bytes that stand behind their count.
    package mutating func countedArray() throws(Damage) -> [UInt8] {
        let slice = try countedBytes()
        return slice.slab.array(slice.range)
    }

    /// Takes a text that stands behind the count of its bytes.
    package mutating func text() throws(Damage) -> String {
        guard let text = String(validating: try countedArray(), as: UTF8.self) else {
            throw Damage(cause: "a text is not UTF-8")
        }
        return text
    }

    /// Takes whether something is so.
    package mutating func flag() throws(Damage) -> Bool {
        switch try integer(UInt8.self) {
        case 0: false
        case 1: true
        default: throw Damage(cause: "a flag is neither 0 nor 1")
        }
    }

    /// Takes a list behind the count of its elements, which have a byte or more each.
    package mutating func list<Element>(
        _ element: (inout ByteReader) throws(Damage) -> Element
    ) throws(Damage) -> [Element] {
        let count = try count()
        guard count <= rest else { throw Damage(cause: "a list is longer than its bytes") }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try element(&self)) }
        return elements
    }

    /// Fails unless all was read.
    package func finish() throws(Damage) {
        if rest > 0 { throw Damage(cause: "\(rest) bytes are left over") }
    }
}
