/// Why the bytes of a state cannot be read.
enum ExactStateError: Error, Equatable {
    /// The bytes end too early.
    case truncated
    /// The state was written in a form that is not known here.
    case unknownVersion(UInt8)
    /// The bytes contradict each other.
    case damaged
}

/// The bytes of exact sums in state and checkpoints, version 1. Numbers are little-endian.
///
///     sum      | version: 1 | flags: 1 | fixed point: 16 | wide, if flag 2 |
///     moments  | version: 1 | sum | flags: 1 | squares: 32 | wide, if flag 2 |
///     integer  | version: 1 | sum: 16 |
///     wide     | first limb: 2 | count of limbs: 2 | sign: 1 | limbs: 4 each |
///
/// Flag 1 of a sum says that a value was not finite.
enum ExactEncoding {
    private static let version: UInt8 = 1
    private static let flagNonFinite: UInt8 = 1
    private static let flagWide: UInt8 = 2

    static func encode(_ sum: ExactSum, _ wides: borrowing WideSums, to bytes: inout [UInt8]) {
        let wide = sum.wideSum(wides)
        bytes.append(version)
        bytes.append((sum.isFinite ? 0 : flagNonFinite) | (wide == nil ? 0 : flagWide))
        append(UInt128(truncatingIfNeeded: sum.fixed), count: 16, to: &bytes)
        if let wide { encode(wide, to: &bytes) }
    }

    static func encode(
        _ moments: ExactMoments, _ wides: borrowing WideSums, to bytes: inout [UInt8]
    ) {
        let wide = moments.wideSquares(wides)
        bytes.append(version)
        encode(moments.sum, wides, to: &bytes)
        bytes.append(wide == nil ? 0 : flagWide)
        for word in moments.squares { append(UInt128(word), count: 8, to: &bytes) }
        if let wide { encode(wide, to: &bytes) }
    }

    static func encode(_ sum: IntegerSum, to bytes: inout [UInt8]) {
        bytes.append(version)
        append(UInt128(truncatingIfNeeded: sum.value), count: 16, to: &bytes)
    }

    private static func encode(_ wide: WideSum, to bytes: inout [UInt8]) {
        let (first, digits, isNegative) = wide.digits
        append(UInt128(first), count: 2, to: &bytes)
        append(UInt128(digits.count), count: 2, to: &bytes)
        bytes.append(isNegative ? 1 : 0)
        for digit in digits { append(UInt128(digit), count: 4, to: &bytes) }
    }

    private static func append(_ value: UInt128, count: Int, to bytes: inout [UInt8]) {
        for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
    }

    /// Reads a sum at `offset`, which moves behind it; its wide part goes to `wides`.
    static func decodeSum(
        _ bytes: Span<UInt8>, at offset: inout Int, _ wides: inout WideSums
    ) throws(ExactStateError) -> ExactSum {
        try checkVersion(bytes, &offset)
        let flags = try byte(bytes, &offset)
        guard flags <= flagNonFinite | flagWide else { throw .damaged }
        let fixed = Int128(truncatingIfNeeded: try number(bytes, &offset, count: 16))
        let wide = flags & flagWide == 0 ? 0 : try decodeWide(bytes, &offset, &wides)
        return ExactSum(fixed: fixed, wide: wide, isFinite: flags & flagNonFinite == 0)
    }

    /// Reads moments at `offset`, which moves behind them; wide parts go to `wides`.
    static func decodeMoments(
        _ bytes: Span<UInt8>, at offset: inout Int, _ wides: inout WideSums
    ) throws(ExactStateError) -> ExactMoments {
        try checkVersion(bytes, &offset)
        let sum = try decodeSum(bytes, at: &offset, &wides)
        let flags = try byte(bytes, &offset)
        guard flags & ~flagWide == 0 else { throw .damaged }
        var words: [UInt64] = []
        for _ in 0..<4 {
            words.append(UInt64(truncatingIfNeeded: try number(bytes, &offset, count: 8)))
        }
        let wide = flags & flagWide == 0 ? 0 : try decodeWide(bytes, &offset, &wides)
        return ExactMoments(sum: sum, squares: words, wide: wide)
    }

    /// Reads a sum of integers at `offset`, which moves behind it.
    static func decodeIntegerSum(
        _ bytes: Span<UInt8>, at offset: inout Int
    ) throws(ExactStateError) -> IntegerSum {
        try checkVersion(bytes, &offset)
        return IntegerSum(Int128(truncatingIfNeeded: try number(bytes, &offset, count: 16)))
    }

    private static func decodeWide(
        _ bytes: Span<UInt8>, _ offset: inout Int, _ wides: inout WideSums
    ) throws(ExactStateError) -> UInt32 {
        let first = Int(try number(bytes, &offset, count: 2))
        let count = Int(try number(bytes, &offset, count: 2))
        let sign = try byte(bytes, &offset)
        guard sign <= 1, first + count <= WideSum.limbsMax else { throw .damaged }
        var digits: [UInt32] = []
        for _ in 0..<count {
            digits.append(UInt32(truncatingIfNeeded: try number(bytes, &offset, count: 4)))
        }
        return wides.insert(WideSum(first: first, digits: digits, isNegative: sign == 1))
    }

    private static func checkVersion(
        _ bytes: Span<UInt8>, _ offset: inout Int
    ) throws(ExactStateError) {
        let found = try byte(bytes, &offset)
        guard found == version else { throw .unknownVersion(found) }
    }

    private static func byte(
        _ bytes: Span<UInt8>, _ offset: inout Int
    ) throws(ExactStateError) -> UInt8 {
        UInt8(truncatingIfNeeded: try number(bytes, &offset, count: 1))
    }

    private static func number(
        _ bytes: Span<UInt8>, _ offset: inout Int, count: Int
    ) throws(ExactStateError) -> UInt128 {
        guard offset >= 0, count <= bytes.count - offset else { throw .truncated }
        var value: UInt128 = 0
        for index in 0..<count { value |= UInt128(bytes[offset + index]) << (8 * index) }
        offset += count
        return value
    }
}
