import Dataflow
import Storage

/// One value of the type its column has.
extension JSONDecoder {
    /// Reads the value at `start` into a column; gives the offset behind it.
    func readValue(
        _ line: JSONBytes, at start: Int, column: Int, row: Int, depth: Int
    ) throws(JSONFault) -> Int {
        guard unsafe start < line.end else {
            throw JSONFault(message: "the record ends where a value is missing", offset: start)
        }
        let target = columns.targets[column]
        if unsafe line[start] == UInt8(ascii: "n") {
            let next = try unsafe line.skipLiteral(start, "null", 0x6c6c_756e)
            columns.setNull(column, row: row)
            return next
        }
        target.validity?.set(row, valid: true)
        let next: Int?
        switch target.type {
        case .string: next = try unsafe readString(line, at: start, column: column, row: row)
        case .int: next = try unsafe readInt(line, at: start, column: column, row: row)
        case .float: next = try unsafe readFloat(line, at: start, column: column, row: row)
        case .bool: next = try unsafe readBool(line, at: start, column: column, row: row)
        case .timestamp: next = try unsafe readTimestamp(line, at: start, column: column, row: row)
        case .json:
            let end = try unsafe line.skipValue(start, depth: depth)
            unsafe columns.base(column).storeBytes(
                of: line.view(start, end - start), toByteOffset: row * 16, as: StringView.self)
            next = end
        }
        guard let next else { throw unsafe mistyped(line, start, column: column, depth: depth) }
        return next
    }

    private func mistyped(
        _ line: JSONBytes, _ start: Int, column: Int, depth: Int
    ) -> JSONFault {
        let field = schema.fields[column]
        let end: Int
        do throws(JSONFault) {
            end = try unsafe line.skipValue(start, depth: depth)
        } catch {
            return error
        }
        let shown = unsafe line.text(start..<min(end, start + 40))
        return JSONFault(
            message: "field '\(field.name)' is not of type \(field.type.name): \(shown)",
            offset: start, next: end)
    }

    // Each of these gives nil for a value of another type.

    private func readString(
        _ line: JSONBytes, at start: Int, column: Int, row: Int
    ) throws(JSONFault) -> Int? {
        guard unsafe line[start] == UInt8(ascii: "\"") else { return nil }
        let (end, isEscaped) = try unsafe line.scanString(start + 1)
        let content = start + 1..<end - 1
        let view =
            unsafe isEscaped
            ? line.unescape(content, into: &arena)
            : line.view(content.lowerBound, content.count)
        unsafe columns.base(column).storeBytes(
            of: view, toByteOffset: row * 16, as: StringView.self)
        return end
    }

    private func readInt(
        _ line: JSONBytes, at start: Int, column: Int, row: Int
    ) throws(JSONFault) -> Int? {
        let token = try unsafe line.skipNumberToken(start)
        guard let end = token, let value = unsafe NumberParser.parseInt(line, start..<end) else {
            return nil
        }
        unsafe columns.base(column).storeBytes(of: value, toByteOffset: row * 8, as: Int64.self)
        return end
    }

    private func readFloat(
        _ line: JSONBytes, at start: Int, column: Int, row: Int
    ) throws(JSONFault) -> Int? {
        let token = try unsafe line.skipNumberToken(start)
        guard let end = token, let value = unsafe NumberParser.parseDouble(line, start..<end)
        else { return nil }
        unsafe columns.base(column).storeBytes(of: value, toByteOffset: row * 8, as: Double.self)
        return end
    }

    private func readBool(
        _ line: JSONBytes, at start: Int, column: Int, row: Int
    ) throws(JSONFault) -> Int? {
        let byte = unsafe line[start]
        guard byte == UInt8(ascii: "t") || byte == UInt8(ascii: "f") else { return nil }
        let end = try unsafe line.skipValue(start)
        unsafe columns.base(column).storeBytes(
            of: byte == UInt8(ascii: "t") ? 1 : 0, toByteOffset: row, as: UInt8.self)
        return end
    }

    private func readTimestamp(
        _ line: JSONBytes, at start: Int, column: Int, row: Int
    ) throws(JSONFault) -> Int? {
        guard let isNumeric = times[column]?.isNumeric else { return nil }
        let end: Int
        let time: Int64?
        if isNumeric {
            guard let next = try unsafe line.skipNumberToken(start) else { return nil }
            end = next
            time = unsafe times[column]?.parse(line.base + start, line.base + next)
        } else {
            guard unsafe line[start] == UInt8(ascii: "\"") else { return nil }
            let string = try unsafe line.scanString(start + 1)
            end = string.end
            let text = start + 1..<end - 1
            if string.isEscaped {
                time = unsafe parseEscaped(line, text, column: column)
            } else {
                time = unsafe times[column]?.parse(
                    line.base + text.lowerBound, line.base + text.upperBound)
            }
        }
        guard let time else { return nil }
        unsafe columns.base(column).storeBytes(of: time, toByteOffset: row * 8, as: Int64.self)
        return end
    }

    /// The time in a string with escapes, such as the slashes of `2026\/01\/01`.
    private func parseEscaped(_ line: JSONBytes, _ text: Range<Int>, column: Int) -> Int64? {
        let plain = unsafe line.unescape(text, into: &arena)
        let slab = Slab(byteCount: plain.count)
        unsafe plain.copy(to: slab.base)
        return unsafe times[column]?.parse(slab.base, slab.base + plain.count)
    }
}

extension NumberParser {
    /// The 64-bit integer that the whole number in `range` is; nil if it is none.
    fileprivate static func parseInt(_ bytes: JSONBytes, _ range: Range<Int>) -> Int64? {
        let end = unsafe bytes.base + range.upperBound
        let parsed = unsafe parseInt(bytes.base + range.lowerBound, end)
        guard let parsed = unsafe parsed, unsafe parsed.next == end else { return nil }
        return unsafe parsed.value
    }

    /// The float nearest to the whole number in `range`; nil if none is that large.
    fileprivate static func parseDouble(_ bytes: JSONBytes, _ range: Range<Int>) -> Double? {
        let end = unsafe bytes.base + range.upperBound
        let parsed = unsafe parseDouble(bytes.base + range.lowerBound, end)
        guard let parsed = unsafe parsed, unsafe parsed.next == end, unsafe parsed.value.isFinite
        else { return nil }
        return unsafe parsed.value
    }
}

extension JSONBytes {
    /// Steps over a number, or gives nil where another value stands.
    func skipNumberToken(_ start: Int) throws(JSONFault) -> Int? {
        let byte = unsafe self[start]
        guard byte &- 0x30 < 10 || byte == UInt8(ascii: "-") else { return nil }
        return try unsafe skipNumber(start)
    }
}
