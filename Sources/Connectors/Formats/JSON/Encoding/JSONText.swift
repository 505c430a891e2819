import Dataflow

/// Writes strings and names as JSON.
enum JSONText {
    /// Bytes that a string of `count` bytes needs at most, quotes and overrun included.
    @inline(__always)
    static func byteCountMax(_ count: Int) -> Int { count &* 6 &+ 18 }

    /// Writes a string with its quotes; gives the first byte behind it.
    ///
    /// Eight bytes at a time are copied as they are; only where a quote, backslash or control
    /// stands, one is escaped.
    @inline(__always)
    static func write(
        _ view: StringView, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe target.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        var out = unsafe target + 1
        if view.isInline {
            let (low, high) = view.inlineWords
            let count = view.count
            // The padding of zeros reads as controls; marks count only within the string.
            let first = ByteMarks.first(escaped(low))
            let second = 8 &+ ByteMarks.first(escaped(high))
            if first >= min(count, 8) && (count <= 8 || second >= count) {
                unsafe out.storeBytes(of: low, as: UInt64.self)
                unsafe out.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
                unsafe out += count
                unsafe out.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
                return unsafe out + 1
            }
        }
        unsafe out = writeLong(view, to: out)
        unsafe out.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        return unsafe out + 1
    }

    private static func writeLong(
        _ view: StringView, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe view.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { source in
                unsafe writeLong(source, to: target)
            }
        }
    }

    private static func writeLong(
        _ source: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        var out = unsafe target
        var at = 0
        let count = source.count
        while at &+ 8 <= count {
            let word = unsafe source.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            unsafe out.storeBytes(of: word, as: UInt64.self)
            let marks = escaped(word)
            if marks == 0 {
                at &+= 8
                unsafe out += 8
                continue
            }
            let plain = ByteMarks.first(marks)
            at &+= plain
            unsafe out += plain
            unsafe out = escape(source[at], to: out)
            at &+= 1
        }
        while at < count {
            let byte = unsafe source[at]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                unsafe out = escape(byte, to: out)
            } else {
                unsafe out.storeBytes(of: byte, as: UInt8.self)
                unsafe out += 1
            }
            at &+= 1
        }
        return unsafe out
    }

    /// Marks bytes that need an escape.
    @inline(__always)
    private static func escaped(_ word: UInt64) -> UInt64 {
        // `stringSpecials` marks non-ASCII bytes too, which need none.
        ByteMarks.stringSpecials(word) & ~word
    }

    private static func escape(
        _ byte: UInt8, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe target.storeBytes(of: UInt8(ascii: "\\"), as: UInt8.self)
        let short: UInt8? =
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
            case 0x08: UInt8(ascii: "b")
            case 0x09: UInt8(ascii: "t")
            case 0x0a: UInt8(ascii: "n")
            case 0x0c: UInt8(ascii: "f")
            case 0x0d: UInt8(ascii: "r")
            default: nil
            }
        if let short {
            unsafe target.storeBytes(of: short, toByteOffset: 1, as: UInt8.self)
            return unsafe target + 2
        }
        let digits =
            Array("u00\(byte >> 4)".utf8) + [Array("0123456789abcdef".utf8)[Int(byte & 15)]]
        for (index, digit) in digits.enumerated() {
            unsafe target.storeBytes(of: digit, toByteOffset: 1 + index, as: UInt8.self)
        }
        return unsafe target + 6
    }

    /// A name or string as JSON, for what is written once.
    static func quoted(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                let hex = String(byte, radix: 16)
                bytes +=
                    Array("\\u".utf8) + Array(repeating: UInt8(ascii: "0"), count: 4 - hex.count)
                bytes += Array(hex.utf8)
            default: bytes.append(byte)
            }
        }
        return bytes + [UInt8(ascii: "\"")]
    }
}
