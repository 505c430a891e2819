/// Why a text is not JSON, and at which byte.
package struct JSONFailure: Error, Equatable, CustomStringConvertible {
    package let offset: Int
    package let reason: String

    package var description: String { "byte \(offset): \(reason)" }
}

extension JSONValue {
    /// Parses one value, strictly by RFC 8259: the whole input, valid UTF-8, nothing behind it.
    ///
    /// An escape of half a surrogate pair is refused, because no string can hold it; so is nesting
    /// deeper than `depthMax`.
    package init(_ text: String, depthMax: Int = 512) throws(JSONFailure) {
        try self.init(bytes: Array(text.utf8), depthMax: depthMax)
    }

    /// Parses one value from bytes.
    package init(bytes: [UInt8], depthMax: Int = 512) throws(JSONFailure) {
        var parser = JSONParser(bytes: bytes, depthMax: depthMax)
        self = try parser.whole()
    }

    /// Parses NDJSON: one value a line; empty lines are skipped.
    package static func lines(_ text: String) throws(JSONFailure) -> [JSONValue] {
        var values: [JSONValue] = []
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            values.append(try JSONValue(bytes: Array(line)))
        }
        return values
    }
}

/// A parser by recursive descent, a byte at a time.
private struct JSONParser {
    let bytes: [UInt8]
    let depthMax: Int
    var offset = 0
    var depth = 0

    init(bytes: [UInt8], depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    var byte: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    func failure(_ reason: String) -> JSONFailure { JSONFailure(offset: offset, reason: reason) }

    mutating func whole() throws(JSONFailure) -> JSONValue {
        skipSpace()
        let value = try value()
        skipSpace()
        guard offset == bytes.count else { throw failure("text behind the value") }
        return value
    }

    mutating func skipSpace() {
        while let byte, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { offset += 1 }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    mutating func word(_ word: String, _ value: JSONValue) throws(JSONFailure) -> JSONValue {
        guard bytes[offset...].starts(with: word.utf8) else { throw failure("no value") }
        offset += word.utf8.count
        return value
    }

    mutating func value() throws(JSONFailure) -> JSONValue {
        guard let byte else { throw failure("no value") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    mutating func enter() throws(JSONFailure) {
        offset += 1
        depth += 1
        guard depth <= depthMax else { throw failure("nested too deeply") }
        skipSpace()
    }

    mutating func array() throws(JSONFailure) -> JSONValue {
        try enter()
        defer { depth -= 1 }
        var elements: [JSONValue] = []
        if take("]") { return .array(elements) }
        while true {
            elements.append(try value())
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { throw failure("',' or ']' expected") }
            skipSpace()
        }
    }

    mutating func object() throws(JSONFailure) -> JSONValue {
        try enter()
        defer { depth -= 1 }
        var members: [JSONValue.Member] = []
        if take("}") { return .object(members) }
        while true {
            guard byte == UInt8(ascii: "\"") else { throw failure("a name expected") }
            let name = try string()
            skipSpace()
            guard take(":") else { throw failure("':' expected") }
            skipSpace()
            members.append(JSONValue.Member(name, try value()))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { throw failure("',' or '}' expected") }
            skipSpace()
        }
    }

    mutating func digits() throws(JSONFailure) {
        let start = offset
        while let byte, (0x30...0x39).contains(byte) { offset += 1 }
        guard offset > start else { throw failure("a digit expected") }
    }

    mutating func number() throws(JSONFailure) -> JSONValue {
        let start = offset
        _ = take("-")
        if !take("0") { try digits() }
        if take(".") { try digits() }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            try digits()
        }
        return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
    }

    mutating func string() throws(JSONFailure) -> String {
        offset += 1
        var units: [UInt8] = []
        let start = offset
        while let byte {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: units, as: UTF8.self) else {
                    throw JSONFailure(offset: start, reason: "invalid UTF-8")
                }
                offset += 1
                return text
            case UInt8(ascii: "\\"):
                offset += 1
                units += String(try escape()).utf8
            case 0..<0x20: throw failure("a control character in a string")
            default:
                units.append(byte)
                offset += 1
            }
        }
        throw failure("a string without end")
    }

    mutating func escape() throws(JSONFailure) -> Unicode.Scalar {
        guard let byte else { throw failure("a string without end") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw failure("an unknown escape")
        }
        let first = try hex()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xdc00, take("\\"), take("u") else { throw failure("half a surrogate pair") }
        let second = try hex()
        guard (0xdc00...0xdfff).contains(second) else { throw failure("half a surrogate pair") }
        let code = 0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)
        guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair") }
        return scalar
    }

    mutating func hex() throws(JSONFailure) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte, let digit = Character(Unicode.Scalar(byte)).hexDigitValue,
                byte < 0x80
            else { throw failure("four hexadecimal digits expected") }
            code = code << 4 | UInt32(digit)
            offset += 1
        }
        return code
    }
}
