import Storage

/// The growing bytes of encoded keys; see `KeyEncoder` for their format.
///
/// For each row: `reserve` the most its key can take, write its columns from `cursor` on, `end`.
@safe
struct KeyBytes {
    /// A key has fewer bytes: its length is 24 bits of a table's entries.
    static let keyBytesEnd = 1 << 24
    /// All of them have fewer: their places have 32 bits.
    private static let bytesEnd = 1 << 32

    private(set) var slab: Slab
    private(set) var count = 0
    /// Rows whose keys are too long, or have no room beside the others.
    private(set) var refused: [Int] = []

    init(capacity: Int) { slab = Slab(byteCount: max(capacity, 64)) }

    /// Makes room for a key of up to `byteCount` bytes and its padding.
    @inline(__always)
    mutating func reserve(_ byteCount: Int) {
        if count &+ byteCount &+ 16 > slab.byteCount { grow(byteCount + 16) }
    }

    @inline(never)
    private mutating func grow(_ further: Int) {
        let larger = Slab(byteCount: max(slab.byteCount * 2, count + further))
        unsafe larger.base.copyMemory(from: slab.base, byteCount: count)
        slab = larger
    }

    /// Where the next key starts.
    @inline(__always)
    var cursor: UnsafeMutableRawPointer { unsafe slab.base + count }

    /// Ends the key of a row that reaches up to `end`, with zeros up to a multiple of 8; gives its
    /// place as `EncodedKeys.places` has it. One that is too long is refused, and takes no room.
    @inline(__always)
    mutating func end(_ end: UnsafeMutableRawPointer, row: Int) -> UInt64 {
        let length = unsafe end - cursor
        guard length < Self.keyBytesEnd && count < Self.bytesEnd else { return refuse(row) }
        unsafe end.storeBytes(of: 0, as: UInt64.self)
        let place = UInt64(truncatingIfNeeded: count) &<< 32 | UInt64(truncatingIfNeeded: length)
        count &+= (length &+ 7) & ~7
        return place
    }

    /// Gives the place of an empty key, which no table has.
    @inline(never)
    private mutating func refuse(_ row: Int) -> UInt64 {
        refused.append(row)
        return 0
    }
}

/// A key column, as addresses that the row loop reads; good while the batch lives.
@safe
struct KeyColumnSource: BitwiseCopyable {
    let type: FieldType
    private let values: UnsafeMutableRawPointer
    private let validity: UnsafePointer<UInt8>?

    init(_ column: Column) {
        type = column.type
        unsafe values = column.base
        unsafe validity = column.validity?.bytes
    }

    /// The most bytes that the row's value takes.
    @inline(__always)
    func byteCountMax(_ row: Int) -> Int {
        type.isText ? text(row).count &* 2 &+ Slab.slack : 16
    }

    @inline(__always)
    private func text(_ row: Int) -> StringView {
        unsafe values.load(fromByteOffset: row &* 16, as: StringView.self)
    }

    @inline(__always)
    private func isValid(_ row: Int) -> Bool {
        guard let validity = unsafe validity else { return true }
        return unsafe validity[row &>> 3] & (1 &<< UInt8(truncatingIfNeeded: row & 7)) != 0
    }

    /// Writes the row's value; gives the first byte behind it. `isLast` says that no column
    /// follows.
    @inline(__always)
    func write(
        _ row: Int, isLast: Bool, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        guard isValid(row) else {
            unsafe target.storeBytes(of: 0, as: UInt8.self)
            return unsafe target + 1
        }
        unsafe target.storeBytes(of: 1, as: UInt8.self)
        let out = unsafe target + 1
        switch type {
        case .bool:
            unsafe out.storeBytes(
                of: values.load(fromByteOffset: row, as: UInt8.self), as: UInt8.self)
            return unsafe out + 1
        case .int, .timestamp:
            let word = unsafe values.load(fromByteOffset: row &* 8, as: UInt64.self)
            unsafe out.storeBytes(of: (word ^ 1 &<< 63).bigEndian, as: UInt64.self)
            return unsafe out + 8
        case .float:
            let value = unsafe values.load(fromByteOffset: row &* 8, as: Double.self)
            // Adding zero makes -0 and 0 one key.
            let bits = (value + 0).bitPattern
            let word = bits &>> 63 == 1 ? ~bits : bits ^ 1 &<< 63
            unsafe out.storeBytes(of: word.bigEndian, as: UInt64.self)
            return unsafe out + 8
        case .string, .json:
            let view = text(row)
            if isLast {
                unsafe view.copy(to: out)
                return unsafe out + view.count
            }
            return unsafe Self.writeTerminated(view, to: out)
        }
    }

    /// Text before another column: zeros marked, and an end.
    @inline(__always)
    private static func writeTerminated(
        _ view: StringView, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var out = unsafe target
        if view.isInline && !view.hasZeroByte {
            unsafe view.copy(to: out)
            unsafe out += view.count
        } else {
            unsafe out = writeMarked(view, to: out)
        }
        unsafe out.storeBytes(of: 0x0100, as: UInt16.self)
        return unsafe out + 2
    }

    @inline(never)
    private static func writeMarked(
        _ view: StringView, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var offset = 0
        view.withBytes { bytes in
            for index in 0..<bytes.byteCount {
                let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                unsafe target.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
                offset += 1
                if byte == 0 {
                    unsafe target.storeBytes(of: 255, toByteOffset: offset, as: UInt8.self)
                    offset += 1
                }
            }
        }
        return unsafe target + offset
    }
}

extension StringView {
    /// Whether an inline string has a byte that is zero.
    @inline(__always)
    fileprivate var hasZeroByte: Bool {
        // The first byte that is zero is found exactly; behind the string all bytes are.
        let (low, high) = inlineWords
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let first = ((low &- ones) & ~low & highs).trailingZeroBitCount &>> 3
        let second = 8 &+ ((high &- ones) & ~high & highs).trailingZeroBitCount &>> 3
        return min(first < 8 ? first : second, 16) < count
    }
}
