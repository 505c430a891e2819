import Glibc

/// How an operand changes the value of a key without its being read first.
///
/// Every operator is associative, so that operands are put together before their base is known. On
/// a key that is not there the operand is the value.
package enum MergeOperator: UInt8, Sendable {
    /// Sum of two 64-bit integers, wrapping around.
    case add = 1
    /// The lesser, or the greater, of two 64-bit integers.
    case min = 2
    case max = 3
    /// The bytes of the value, then those of the operand.
    case append = 4
    /// Values lead with a version, an unsigned 64-bit number: the greater one stays, of equal ones
    /// the later.
    case last = 5

    /// Whether values and operands are integers of 8 bytes.
    package var isInteger: Bool { self == .add || self == .min || self == .max }

    /// Puts two integers together.
    @inline(__always)
    func combine(_ older: Int64, _ newer: Int64) -> Int64 {
        switch self {
        case .add: older &+ newer
        case .min: older < newer ? older : newer
        case .max: older > newer ? older : newer
        case .append: newer
        case .last:
            UInt64(bitPattern: newer) >= UInt64(bitPattern: older) ? newer : older
        }
    }

    /// A number at the start of some bytes; what is missing is 0.
    @inline(__always)
    static func number(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        guard let base = bytes.baseAddress else { return 0 }
        if bytes.count >= 8 {
            return unsafe UInt64(littleEndian: base.loadUnaligned(as: UInt64.self))
        }
        var word: UInt64 = 0
        for index in 0..<bytes.count { unsafe word |= UInt64(bytes[index]) << UInt64(8 * index) }
        return word
    }

    /// Appends what two values are together to `output`.
    func combine(
        older: UnsafeRawBufferPointer, newer: UnsafeRawBufferPointer, to output: inout GrowingBytes
    ) {
        switch self {
        case .add, .min, .max:
            let one = unsafe Int64(bitPattern: Self.number(older))
            let other = unsafe Int64(bitPattern: Self.number(newer))
            output.append(combine(one, other))
        case .append:
            if let base = older.baseAddress { unsafe output.append(base, count: older.count) }
            if let base = newer.baseAddress { unsafe output.append(base, count: newer.count) }
        case .last:
            let chosen = unsafe Self.number(newer) >= Self.number(older) ? newer : older
            if let base = chosen.baseAddress { unsafe output.append(base, count: chosen.count) }
        }
    }
}
