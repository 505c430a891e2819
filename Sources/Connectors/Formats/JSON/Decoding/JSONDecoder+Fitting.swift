import Dataflow
import Storage

/// The fast path: records of the template's shape, as many as follow one another.
///
/// Nothing here reports a fault. Whatever is not exactly as expected (another gap, a number with
/// too many digits, an escape that is wrong) ends the run before its record, and the general reader
/// decides. Scans may run into the slack behind the chunk; the end of each record is compared with
/// the chunk's end, so that nothing read there ever counts.
extension JSONDecoder {
    /// A template's slot with the memory it fills.
    @safe
    private struct Action {
        let gap: Int
        let gapCount: Int
        let lastMask: UInt64
        let kind: Kind
        let column: Int
        let base: UnsafeMutableRawPointer?
    }

    private enum Kind: UInt8 {
        case skip, string, int, float, bool, json, seconds, milliseconds, microseconds, general

        init(_ target: JSONColumns.Target) {
            switch target.type {
            case .string: self = .string
            case .int: self = .int
            case .float: self = .float
            case .bool: self = .bool
            case .json: self = .json
            case .timestamp:
                switch target.format {
                case .seconds: self = .seconds
                case .milliseconds: self = .milliseconds
                case .microseconds: self = .microseconds
                default: self = .general
                }
            }
        }
    }

    /// Decodes records from `at` on until one does not fit; gives the rows there are then, and the
    /// offset of the first byte that was not decoded.
    func decodeFitting(_ chunk: RawChunk, from: Int, to rowsMax: Int) -> (rows: Int, at: Int) {
        let actions = template.slots.map { slot in
            let target = slot.column < 0 ? nil : columns.targets[slot.column]
            return unsafe Action(
                gap: slot.gap, gapCount: slot.gapCount, lastMask: slot.lastMask,
                kind: target.map(Kind.init) ?? .skip, column: slot.column,
                base: target?.slab.base)
        }
        let bytes = unsafe JSONBytes(base: chunk.slab.base, end: chunk.range.upperBound)
        var row = from
        var start = at
        let tail = template.tail
        let missing = template.missing
        let record = schema.record
        unsafe actions.withUnsafeBufferPointer { actions in
            unsafe template.words.withUnsafeBufferPointer { words in
                while row < rowsMax {
                    let next = unsafe decodeRecord(
                        bytes, at: start, row: row, actions, tail, words)
                    guard next >= 0 else { break }
                    for column in missing { storeMissing(column, row: row) }
                    if let record {
                        let last = unsafe next <= bytes.end && bytes[next &- 1] == 0x0a
                        let line = unsafe JSONBytes(base: bytes.base, end: last ? next - 1 : next)
                        unsafe storeRecord(line, start: start, column: record, row)
                    }
                    start = next
                    row += 1
                }
            }
        }
        if row > from { noteFitting() }
        if row < rowsMax { columns.setValid(row: row) }
        return (row, start)
    }

    private func storeMissing(_ column: Int, row: Int) {
        if column != schema.record { columns.setNull(column, row: row) }
    }

    /// Decodes the record at `start`; gives the offset of the next, or -1 if it does not fit.
    @inline(__always)
    private func decodeRecord(
        _ bytes: JSONBytes, at start: Int, row: Int, _ actions: UnsafeBufferPointer<Action>,
        _ tail: JSONTemplate.Slot, _ words: UnsafeBufferPointer<UInt64>
    ) -> Int {
        var at = start
        for index in 0..<actions.count {
            let action = unsafe actions[index]
            let fits = unsafe bytes.matches(
                words, from: action.gap, count: action.gapCount, lastMask: action.lastMask, at: at)
            guard fits else { return -1 }
            at = unsafe decodeValue(bytes, at: at &+ action.gapCount, row: row, action)
            if at < 0 { return -1 }
        }
        let fits = unsafe bytes.matches(
            words, from: tail.gap, count: tail.gapCount, lastMask: tail.lastMask, at: at)
        at &+= tail.gapCount
        guard fits else { return -1 }
        if unsafe at == bytes.end { return at }
        return unsafe bytes[at] == 0x0a ? at &+ 1 : -1
    }

    @inline(__always)
    private func decodeValue(
        _ bytes: JSONBytes, at start: Int, row: Int, _ action: Action
    ) -> Int {
        guard let base = unsafe action.base else { return unsafe skip(bytes, at: start) }
        switch action.kind {
        case .string:
            guard unsafe bytes[start] == UInt8(ascii: "\"") else { break }
            let end = unsafe bytes.plainStringEnd(start &+ 1)
            guard end >= 0 else {
                return unsafe decodeGeneral(bytes, at: start, row: row, column: action.column)
            }
            let view = unsafe bytes.view(start &+ 1, end &- start &- 2)
            unsafe base.storeBytes(of: view, toByteOffset: row &* 16, as: StringView.self)
            return end
        case .int, .microseconds, .milliseconds, .seconds:
            let (value, end) = unsafe bytes.int(at: start)
            guard end >= 0 else { break }
            // 15 digits of seconds may be too much; the general reader says so.
            if action.kind == .seconds && value.magnitude > Self.secondsMax { break }
            let scaled = Self.scale(value, action.kind)
            unsafe base.storeBytes(of: scaled, toByteOffset: row &* 8, as: Int64.self)
            return end
        case .float:
            let (value, end) = unsafe bytes.double(at: start)
            guard end >= 0 else { break }
            unsafe base.storeBytes(of: value, toByteOffset: row &* 8, as: Double.self)
            return end
        case .skip, .bool, .json, .general: break
        }
        return unsafe decodeGeneral(bytes, at: start, row: row, column: action.column)
    }

    /// Seconds that fit 64 bits as microseconds.
    private static let secondsMax: UInt64 = 9_223_372_036_854

    /// Numbers of up to 15 digits come here, and seconds within their limit: no unit overflows.
    @inline(__always)
    private static func scale(_ value: Int64, _ kind: Kind) -> Int64 {
        switch kind {
        case .milliseconds: value &* 1000
        case .seconds: value &* 1_000_000
        default: value
        }
    }

    @inline(__always)
    private func skip(_ bytes: JSONBytes, at start: Int) -> Int {
        if unsafe bytes[start] == UInt8(ascii: "\"") {
            let end = unsafe bytes.plainStringEnd(start &+ 1)
            if end >= 0 { return end }
        } else {
            let (_, end) = unsafe bytes.int(at: start)
            if unsafe end >= 0 && bytes.endsNumber(end) { return end }
        }
        return unsafe skipGeneral(bytes, at: start)
    }

    @inline(never)
    private func skipGeneral(_ bytes: JSONBytes, at start: Int) -> Int {
        do throws(JSONFault) {
            return try unsafe bytes.skipValue(start)
        } catch {
            return -1
        }
    }

    @inline(never)
    private func decodeGeneral(_ bytes: JSONBytes, at start: Int, row: Int, column: Int) -> Int {
        do throws(JSONFault) {
            return try unsafe readValue(bytes, at: start, column: column, row: row, depth: 1)
        } catch {
            return -1
        }
    }
}
