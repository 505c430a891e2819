import Dataflow
import Storage

/// Converts one field of many records: the loops of the CSV decoder.
@unsafe
struct CSVFieldReader {
    let fields: Fields
    /// Records; the first of them becomes the row that the loops are told.
    let range: Range<Int>
    let quote: UInt8
    let nulls: [StringView]
    let isUTF8: Bool
    /// What is wrong, by the number of the record.
    var faults: [(record: Int, message: String)] = []

    /// Where the field of every record is; loops take it into a local.
    @unsafe
    struct Fields {
        let base: UnsafeRawPointer
        let marks: UnsafePointer<UInt32>
        /// The first mark of each record.
        let rows: UnsafePointer<UInt32>
        /// The place of the field in the record.
        let place: Int
        /// Whether a CR may stand behind it.
        let isLast: Bool

        /// Where the field of a record starts and ends.
        @inline(__always)
        subscript(record: Int) -> (start: UnsafeRawPointer, end: UnsafeRawPointer) {
            let mark = unsafe Int(truncatingIfNeeded: rows[record]) &+ place
            let start = unsafe base + Int(truncatingIfNeeded: marks[mark] &+ 1)
            var end = unsafe base + Int(truncatingIfNeeded: marks[mark &+ 1])
            if unsafe isLast && end > start && (end - 1).load(as: UInt8.self) == 0x0d {
                unsafe end -= 1
            }
            return unsafe (start, end)
        }
    }

    /// Whether a text that means null may be one of a number or time, as `-999` is.
    private var hasNullsLikeValues: Bool {
        unsafe nulls.contains { view in
            view.withBytes { bytes in
                let first = bytes.isEmpty ? 0 : ByteScan.byte(in: bytes, at: 0)
                return first &- 0x30 < 10 || "+-.".utf8.contains(first)
            }
        }
    }

    /// What counts of a field that is no string: without quotes and blanks around it; nil for null.
    private func bare(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer
    ) -> (start: UnsafeRawPointer, end: UnsafeRawPointer)? {
        var (start, end) = unsafe (start, end)
        if unsafe start == end { return nil }
        let isQuoted = unsafe start.load(as: UInt8.self) == quote
        if isQuoted {
            unsafe start += 1
            unsafe end -= 1
        } else if unsafe isNull(StringView(start, count: end - start)) {
            return nil
        }
        while unsafe start < end && Self.isBlank(start.load(as: UInt8.self)) { unsafe start += 1 }
        while unsafe start < end && Self.isBlank((end - 1).load(as: UInt8.self)) { unsafe end -= 1 }
        if unsafe start == end { return nil }
        if unsafe !isQuoted && isNull(StringView(start, count: end - start)) { return nil }
        return unsafe (start, end)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    @inline(__always)
    private func isNull(_ view: StringView) -> Bool {
        for index in unsafe nulls.indices where unsafe nulls[index] == view { return true }
        return false
    }

    private mutating func refuse(_ record: Int, _ column: CSVColumn, _ what: String) {
        let (start, end) = unsafe fields[record]
        let bytes = unsafe UnsafeRawBufferPointer(start: start, count: min(end - start, 40))
        let text = unsafe String(decoding: bytes, as: UTF8.self)
        let rest = unsafe end - start > 40 ? "…" : ""
        unsafe faults.append((record, "field '\(column.name)': '\(text)\(rest)' is \(what)"))
    }

    mutating func readInts(into column: inout CSVColumn, row: Int) {
        let target = unsafe column.values.base.assumingMemoryBound(to: Int64.self) + row
        let (fields, first) = unsafe (self.fields, range.lowerBound)
        let isFast = unsafe !hasNullsLikeValues
        for index in unsafe 0..<range.count {
            let record = first &+ index
            let (start, end) = unsafe fields[record]
            let word = unsafe start.loadUnaligned(as: UInt64.self)
            // A minus sign is all ones.
            let sign = word & 0xff == 0x2d ? ~0 : 0 as UInt64
            let count = unsafe UInt64(bitPattern: Int64(end - start)) &+ sign
            let digits = word &>> (sign & 8)
            // Up to seven digits, moved up behind zeros.
            if isFast && count &- 1 < 7 {
                let zeros = 0x3030_3030_3030_3030 &>> (count &* 8) as UInt64
                let text = digits &<< (64 &- count &* 8) | zeros
                if DigitWord.isDigits(text) {
                    let value = DigitWord.sum(text & 0x0f0f_0f0f_0f0f_0f0f)
                    unsafe target[index] = Int64(bitPattern: (value ^ sign) &- sign)
                    continue
                }
            }
            unsafe readAnyInt(record, into: &column, row: row + index)
        }
    }

    @inline(never)
    private mutating func readAnyInt(_ record: Int, into column: inout CSVColumn, row: Int) {
        let (start, end) = unsafe fields[record]
        guard let text = unsafe bare(start, end) else { return column.setNull(row) }
        if let parsed = unsafe NumberParser.parseInt(text.start, text.end, syntax: .text),
            unsafe parsed.next == text.end
        {
            unsafe column.values.base.storeBytes(
                of: parsed.value, toByteOffset: row * 8, as: Int64.self)
        } else {
            unsafe refuse(record, column, "not an int")
        }
    }

    mutating func readDoubles(into column: inout CSVColumn, row: Int) {
        let target = unsafe column.values.base.assumingMemoryBound(to: Double.self) + row
        let (fields, first) = unsafe (self.fields, range.lowerBound)
        let isFast = unsafe !hasNullsLikeValues
        for index in unsafe 0..<range.count {
            let record = first &+ index
            let (start, end) = unsafe fields[record]
            if isFast, let parsed = unsafe NumberParser.parseDouble(start, end),
                unsafe parsed.next == end && parsed.value.isFinite
            {
                unsafe target[index] = unsafe parsed.value
            } else {
                unsafe readAnyDouble(record, into: &column, row: row + index)
            }
        }
    }

    @inline(never)
    private mutating func readAnyDouble(_ record: Int, into column: inout CSVColumn, row: Int) {
        let (start, end) = unsafe fields[record]
        guard let text = unsafe bare(start, end) else { return column.setNull(row) }
        guard let parsed = unsafe NumberParser.parseDouble(text.start, text.end, syntax: .text),
            unsafe parsed.next == text.end
        else { return unsafe refuse(record, column, "not a float") }
        guard unsafe parsed.value.isFinite else {
            return unsafe refuse(record, column, "too great for a float")
        }
        unsafe column.values.base.storeBytes(
            of: parsed.value, toByteOffset: row * 8, as: Double.self)
    }

    mutating func readBools(into column: inout CSVColumn, row: Int) {
        let (fields, first) = unsafe (self.fields, range.lowerBound)
        for index in unsafe 0..<range.count {
            let record = first &+ index
            let (start, end) = unsafe fields[record]
            guard let text = unsafe bare(start, end) else {
                column.setNull(row + index)
                continue
            }
            var value: UInt8 = 0
            let count = unsafe text.end - text.start
            let word = unsafe text.start.loadUnaligned(as: UInt64.self)
            switch (count, word & (count < 8 ? 1 &<< UInt64(count &* 8) &- 1 : ~0)) {
            case (1, 0x30): value = 0
            case (1, 0x31): value = 1
            case (4, let word) where word | 0x2020_2020 == 0x6575_7274: value = 1
            case (5, let word) where word | 0x20_2020_2020 == 0x65_736c_6166: value = 0
            default:
                unsafe refuse(record, column, "not a bool")
                continue
            }
            unsafe column.values.base.storeBytes(
                of: value, toByteOffset: row &+ index, as: UInt8.self)
        }
    }

    mutating func readTimes(into column: inout CSVColumn, row: Int) {
        let target = unsafe column.values.base.assumingMemoryBound(to: Int64.self) + row
        var parser = column.parser
        let (fields, first) = unsafe (self.fields, range.lowerBound)
        let isFast = unsafe nulls.isEmpty
        for index in unsafe 0..<range.count {
            let record = first &+ index
            let (start, end) = unsafe fields[record]
            if isFast, let time = unsafe parser.parse(start, end) {
                unsafe target[index] = time
            } else if let text = unsafe bare(start, end) {
                if let time = unsafe parser.parse(text.start, text.end) {
                    unsafe target[index] = time
                } else {
                    unsafe refuse(record, column, "not a timestamp of the declared format")
                }
            } else {
                column.setNull(row + index)
            }
        }
        column.parser = parser
    }

    mutating func readTexts(
        into column: inout CSVColumn, row: Int, arena: inout TextArena
    ) {
        let target = unsafe column.values.base.assumingMemoryBound(to: StringView.self) + row
        let quote = unsafe self.quote
        let isPlain = unsafe nulls.isEmpty && isUTF8 && column.type == .string
        let (fields, first) = unsafe (self.fields, range.lowerBound)
        for index in unsafe 0..<range.count {
            let record = first &+ index
            let (start, end) = unsafe fields[record]
            let count = unsafe end - start
            guard isPlain && count > 0 else {
                unsafe readAnyText(record, into: &column, row: row + index, &arena)
                continue
            }
            if unsafe start.load(as: UInt8.self) != quote {
                unsafe target[index] = unsafe StringView(start, count: count)
            } else if unsafe Self.find(quote, start + 1, end - 1) {
                unsafe readAnyText(record, into: &column, row: row + index, &arena)
            } else {
                unsafe target[index] = unsafe StringView(start + 1, count: count &- 2)
            }
        }
    }

    @inline(never)
    private mutating func readAnyText(
        _ record: Int, into column: inout CSVColumn, row: Int, _ arena: inout TextArena
    ) {
        var (start, end) = unsafe fields[record]
        if unsafe start == end { return column.setNull(row) }
        var view: StringView
        if unsafe start.load(as: UInt8.self) == quote {
            unsafe start += 1
            unsafe end -= 1
            view = unsafe unescaped(start, end, &arena)
        } else {
            view = unsafe StringView(start, count: end - start)
            if unsafe isNull(view) { return column.setNull(row) }
        }
        if unsafe !isUTF8 && !UTF8Check.isValid(start, count: end - start) {
            return unsafe faults.append((record, "field '\(column.name)' is not valid UTF-8"))
        }
        if column.type == .json {
            if view.count == 0 { return column.setNull(row) }
            guard view.withBytes({ JSONTextCheck.isValue($0) }) else {
                return unsafe refuse(record, column, "not a JSON value")
            }
            view = unsafe Self.onOneLine(view, &arena)
        }
        unsafe column.values.base.storeBytes(
            of: view, toByteOffset: row * 16, as: StringView.self)
    }

    /// A JSON value in which no line ends: where one did, between its parts, a blank stands.
    private static func onOneLine(_ view: StringView, _ arena: inout TextArena) -> StringView {
        let lineEnd = UInt8(ascii: "\n")
        let hasLines = view.withBytes { bytes in
            ByteScan.first(lineEnd, in: bytes, 0..<bytes.byteCount) != nil
        }
        guard hasLines else { return view }
        let target = unsafe arena.reserve(view.count)
        unsafe view.copy(to: target)
        for place in 0..<view.count
        where unsafe target.load(fromByteOffset: place, as: UInt8.self) == lineEnd {
            unsafe target.storeBytes(of: 0x20, toByteOffset: place, as: UInt8.self)
        }
        return arena.commit(view.count)
    }

    /// Whether `byte` stands in a range.
    @inline(__always)
    private static func find(
        _ byte: UInt8, _ start: UnsafeRawPointer, _ end: UnsafeRawPointer
    ) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let wanted = UInt64(byte) &* ones
        var place = unsafe start
        while unsafe place < end {
            let word = unsafe place.loadUnaligned(as: UInt64.self) ^ wanted
            let marks = (word &- ones) & ~word & (ones &<< 7)
            // The first mark is exact; what stands behind the end does not count.
            if marks != 0 { return unsafe end - place > marks.trailingZeroBitCount &>> 3 }
            unsafe place += 8
        }
        return false
    }

    /// The text between quotes, in which two quotes stand for one.
    private func unescaped(
        _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, _ arena: inout TextArena
    ) -> StringView {
        let count = unsafe end - start
        if unsafe !Self.find(quote, start, end) { return unsafe StringView(start, count: count) }
        let target = unsafe arena.reserve(count)
        var (read, written) = (0, 0)
        while read < count {
            let byte = unsafe start.load(fromByteOffset: read, as: UInt8.self)
            unsafe target.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
            written += 1
            read += 1
            if unsafe byte == quote { read += 1 }
        }
        return arena.commit(written)
    }

    /// The records themselves.
    mutating func readRecords(into column: inout CSVColumn, row: Int, ends: Fields) {
        let target = unsafe column.values.base.assumingMemoryBound(to: StringView.self) + row
        let (fields, first) = unsafe (self.fields, range.lowerBound)
        for index in unsafe 0..<range.count {
            let record = first &+ index
            let start = unsafe fields[record].start
            let end = unsafe ends[record].end
            if unsafe !isUTF8 && !UTF8Check.isValid(start, count: end - start) {
                unsafe faults.append((record, "the record is not valid UTF-8"))
            }
            unsafe target[index] = unsafe StringView(start, count: end - start)
        }
    }
}
