import Dataflow
import Storage

extension JSONBytes {
    /// Writes the string in `range` (checked, with escapes) to `arena` without its escapes.
    func unescape(_ range: Range<Int>, into arena: inout TextArena) -> StringView {
        let target = unsafe arena.reserve(range.count)
        var at = range.lowerBound
        var count = 0
        while at < range.upperBound {
            let byte = unsafe self[at]
            guard byte == UInt8(ascii: "\\") else {
                unsafe target.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
                count += 1
                at += 1
                continue
            }
            let escape = unsafe self[at + 1]
            if escape == UInt8(ascii: "u") {
                let (scalar, next) = unsafe escapedScalar(at)
                for unit in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                    unsafe target.storeBytes(of: unit, toByteOffset: count, as: UInt8.self)
                    count += 1
                }
                at = next
            } else {
                unsafe target.storeBytes(
                    of: Self.plain(escape), toByteOffset: count, as: UInt8.self)
                count += 1
                at += 2
            }
        }
        return arena.commit(count)
    }

    private static func plain(_ escape: UInt8) -> UInt8 {
        switch escape {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0c
        case UInt8(ascii: "n"): 0x0a
        case UInt8(ascii: "r"): 0x0d
        case UInt8(ascii: "t"): 0x09
        default: escape
        }
    }

    private func escapedScalar(_ start: Int) -> (Unicode.Scalar, next: Int) {
        let unit = unsafe codeUnit(start) ?? 0xfffd
        if unit & 0xfc00 == 0xd800, let low = unsafe codeUnit(start + 6) {
            let value = 0x10000 + (unit & 0x3ff) << 10 + low & 0x3ff
            return (Unicode.Scalar(value) ?? "\u{fffd}", start + 12)
        }
        return (Unicode.Scalar(unit) ?? "\u{fffd}", start + 6)
    }
}
