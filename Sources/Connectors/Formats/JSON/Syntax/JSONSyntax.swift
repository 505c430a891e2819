import Dataflow

/// What is wrong with a record, and where in the slab.
struct JSONFault: Error {
    let message: String
    let offset: Int
    /// The offset behind a value that is sound but of the wrong type: a later member of the same
    /// name may take its place.
    let next: Int?

    init(message: String, offset: Int, next: Int? = nil) {
        self.message = message
        self.offset = offset
        self.next = next
    }

    /// Nesting that is accepted, of arrays and objects within a record.
    static let depthMax = 512
}

/// Checks JSON texts against RFC 8259 and steps over them; nothing is built.
///
/// Every function takes the offset of a token's first byte and gives the offset behind it. Strings
/// must be well-formed UTF-8, escapes complete, and surrogate escapes paired.
extension JSONBytes {
    /// The offset of the next byte that is no white space. A line feed ends a record, so it is
    /// none.
    @inline(__always)
    func skipSpace(_ start: Int) -> Int {
        var at = start
        while unsafe at < end {
            let byte = unsafe self[at]
            guard byte == 0x20 || byte == 0x09 || byte == 0x0d else { break }
            at &+= 1
        }
        return at
    }

    /// Steps over any value.
    func skipValue(_ start: Int, depth: Int = 0) throws(JSONFault) -> Int {
        guard unsafe start < end else {
            throw JSONFault(message: "the record ends where a value is missing", offset: start)
        }
        switch unsafe self[start] {
        case UInt8(ascii: "\""):
            return try unsafe scanString(start &+ 1).end
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return try unsafe skipContainer(start, depth: depth + 1)
        case UInt8(ascii: "t"): return try unsafe skipLiteral(start, "true", 0x6575_7274)
        case UInt8(ascii: "f"): return try unsafe skipLiteral(start, "false", 0x736c_6166)
        case UInt8(ascii: "n"): return try unsafe skipLiteral(start, "null", 0x6c6c_756e)
        default: return try unsafe skipNumber(start)
        }
    }

    /// Steps over a literal whose first four bytes are `word`.
    func skipLiteral(
        _ start: Int, _ literal: StaticString, _ word: UInt32
    ) throws(JSONFault) -> Int {
        let count = literal.utf8CodeUnitCount
        let matches =
            unsafe start &+ count <= end && halfWord(start) == word
            && (count == 4 || self[start &+ 4] == UInt8(ascii: "e"))
        guard matches else { throw JSONFault(message: "not a JSON value", offset: start) }
        return start &+ count
    }

    private func skipContainer(_ start: Int, depth: Int) throws(JSONFault) -> Int {
        guard depth <= JSONFault.depthMax else {
            throw JSONFault(message: "nested deeper than \(JSONFault.depthMax)", offset: start)
        }
        let isObject = unsafe self[start] == UInt8(ascii: "{")
        let close = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        var at = unsafe skipSpace(start &+ 1)
        if unsafe at < end && self[at] == close { return at &+ 1 }
        while true {
            if isObject { at = try unsafe skipName(at).next }
            at = try unsafe skipSpace(skipValue(at, depth: depth))
            guard unsafe at < end else {
                throw JSONFault(message: "the record ends inside an array or object", offset: at)
            }
            let byte = unsafe self[at]
            if byte == close { return at &+ 1 }
            guard byte == UInt8(ascii: ",") else {
                throw JSONFault(message: "expected ',' or the closing bracket", offset: at)
            }
            at = unsafe skipSpace(at &+ 1)
        }
    }

    /// Steps over a member's name and the colon; gives the name (without quotes) and the offset of
    /// the value.
    func skipName(
        _ start: Int
    ) throws(JSONFault) -> (name: Range<Int>, isPlain: Bool, next: Int) {
        guard unsafe start < end && self[start] == UInt8(ascii: "\"") else {
            throw JSONFault(message: "expected a member name", offset: start)
        }
        let name = try unsafe scanString(start &+ 1)
        let at = unsafe skipSpace(name.end)
        guard unsafe at < end && self[at] == UInt8(ascii: ":") else {
            throw JSONFault(message: "expected ':' behind a member name", offset: at)
        }
        return unsafe (start &+ 1..<name.end &- 1, !name.isEscaped, skipSpace(at &+ 1))
    }

    /// Steps over a number.
    func skipNumber(_ start: Int) throws(JSONFault) -> Int {
        var at = start
        if unsafe self[at] == UInt8(ascii: "-") { at &+= 1 }
        let whole = at
        at = unsafe skipDigits(at)
        guard at > whole, unsafe at == whole &+ 1 || self[whole] != UInt8(ascii: "0") else {
            let message = at > whole ? "a number with a leading zero" : "not a JSON value"
            throw JSONFault(message: message, offset: start)
        }
        if unsafe at < end && self[at] == UInt8(ascii: ".") {
            let fraction = at &+ 1
            at = unsafe skipDigits(fraction)
            guard at > fraction else {
                throw JSONFault(message: "a number without digits behind the point", offset: start)
            }
        }
        if unsafe at < end && self[at] | 0x20 == UInt8(ascii: "e") {
            at &+= 1
            if unsafe at < end && (self[at] == UInt8(ascii: "+") || self[at] == UInt8(ascii: "-")) {
                at &+= 1
            }
            let exponent = at
            at = unsafe skipDigits(exponent)
            guard at > exponent else {
                throw JSONFault(message: "a number without digits in its exponent", offset: start)
            }
        }
        return at
    }

    @inline(__always)
    func skipDigits(_ start: Int) -> Int {
        var at = start
        while unsafe at < end && self[at] &- 0x30 < 10 { at &+= 1 }
        return at
    }

    /// Scans a string from behind its opening quote; gives the offset behind the closing one.
    @inline(__always)
    func scanString(_ start: Int) throws(JSONFault) -> (end: Int, isEscaped: Bool) {
        var at = start
        while true {
            let marks = unsafe ByteMarks.stringSpecials(word(at))
            if marks == 0 {
                at &+= 8
                if unsafe at > end { break }
                continue
            }
            at &+= ByteMarks.first(marks)
            if unsafe at < end && self[at] == UInt8(ascii: "\"") { return (at &+ 1, false) }
            return try unsafe scanLongString(start, from: at)
        }
        throw JSONFault(message: "a string without an end", offset: start &- 1)
    }

    /// The part of `scanString` for strings with escapes or non-ASCII bytes.
    @inline(never)
    private func scanLongString(
        _ start: Int, from first: Int
    ) throws(JSONFault) -> (end: Int, isEscaped: Bool) {
        var at = first
        var isEscaped = false
        while unsafe at < end {
            let marks = unsafe ByteMarks.stringSpecials(word(at))
            if marks == 0 {
                at &+= 8
                continue
            }
            at &+= ByteMarks.first(marks)
            guard unsafe at < end else { break }
            let byte = unsafe self[at]
            if byte == UInt8(ascii: "\"") { return (at &+ 1, isEscaped) }
            if byte == UInt8(ascii: "\\") {
                at = try unsafe skipEscape(at)
                isEscaped = true
            } else if byte < 0x20 {
                throw JSONFault(message: "a control character in a string", offset: at)
            } else {
                let count = unsafe scalarLength(at)
                guard count > 0 else {
                    throw JSONFault(message: "bytes that are not UTF-8", offset: at)
                }
                at &+= count
            }
        }
        throw JSONFault(message: "a string without an end", offset: start &- 1)
    }

    /// Steps over one escape, or a pair of surrogate escapes.
    private func skipEscape(_ start: Int) throws(JSONFault) -> Int {
        guard unsafe start &+ 1 < end else {
            throw JSONFault(message: "a string without an end", offset: start)
        }
        switch unsafe self[start &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
            UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start &+ 2
        case UInt8(ascii: "u"):
            guard let unit = unsafe codeUnit(start) else { break }
            if unit & 0xfc00 == 0xd800 {
                guard let low = unsafe codeUnit(start &+ 6), low & 0xfc00 == 0xdc00 else { break }
                return start &+ 12
            }
            if unit & 0xfc00 == 0xdc00 { break }
            return start &+ 6
        default: break
        }
        throw JSONFault(message: "an invalid escape in a string", offset: start)
    }

    /// The UTF-16 unit of a `\uXXXX` at `start`.
    func codeUnit(_ start: Int) -> UInt32? {
        guard unsafe start &+ 6 <= end, unsafe self[start] == UInt8(ascii: "\\"),
            unsafe self[start &+ 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt32 = 0
        for at in start &+ 2..<start &+ 6 {
            let byte = unsafe self[at]
            switch byte {
            case 0x30...0x39: unit = unit << 4 | UInt32(byte &- 0x30)
            case 0x41...0x46, 0x61...0x66: unit = unit << 4 | UInt32((byte | 0x20) &- 0x57)
            default: return nil
            }
        }
        return unit
    }

    /// Bytes of the well-formed UTF-8 sequence at `start` (Unicode 15, table 3-7), or 0.
    func scalarLength(_ start: Int) -> Int {
        let word = unsafe halfWord(start)
        let lead = word & 0xff
        let second = (word &>> 8) & 0xff
        let room = unsafe end &- start
        if lead >= 0xc2 && lead <= 0xdf {
            return word & 0xc000 == 0x8000 && room >= 2 ? 2 : 0
        }
        if lead & 0xf0 == 0xe0 {
            guard word & 0xc0_c000 == 0x80_8000, room >= 3 else { return 0 }
            if lead == 0xe0 && second < 0xa0 || lead == 0xed && second > 0x9f { return 0 }
            return 3
        }
        if lead >= 0xf0 && lead <= 0xf4 {
            guard word & 0xc0c0_c000 == 0x8080_8000, room >= 4 else { return 0 }
            if lead == 0xf0 && second < 0x90 || lead == 0xf4 && second > 0x8f { return 0 }
            return 4
        }
        return 0
    }
}
