import Storage

/// The records of a stretch of a chunk, cut into fields.
///
///     marks   start - 1 | place of the delimiter or line end behind every field …
///     rows    for each good record the number of the mark before its first field
///
/// So field `f` of row `r` lies between marks `rows[r] + f` and `rows[r] + f + 1`: no field is looked
/// at to find another one, and columns are converted one by one. Stretches are short enough to stay
/// in the cache, and end with a record.
struct CSVWindow {
    /// Bytes looked at in one go, where records are not longer.
    private static let byteCountMin = 64 << 10

    /// A record that is not handed out.
    struct Fault {
        /// Where the record starts and ends in the chunk's slab.
        var record: Range<Int>
        /// The row of the batch that stands for it, if it got so far.
        var row: Int?
        var message: String
    }

    private(set) var marks = Slab(byteCount: 0)
    private(set) var rows = Slab(byteCount: 0)
    private var lines = Slab(byteCount: 0)
    private(set) var rowCount = 0
    /// Behind the last record.
    private(set) var end = 0
    /// Whether the text, records and all, is known to be UTF-8.
    private(set) var isUTF8 = true
    /// Records that are none, in order.
    private(set) var faults: [Fault] = []

    /// An empty window with the memory of another.
    init(reusing other: CSVWindow) {
        marks = other.marks
        rows = other.rows
        lines = other.lines
    }

    init() {}

    /// Makes every record a fault.
    mutating func refuseAll(_ base: UnsafeRawPointer, _ message: String, _ layout: CSVLayout) {
        for index in faults.indices { faults[index].message = message }
        let rows = unsafe self.rows.base.assumingMemoryBound(to: UInt32.self)
        for row in 0..<rowCount {
            let first = unsafe rows[row]
            unsafe addFault(base, first, first + UInt32(layout.fieldCount), message)
        }
        rowCount = 0
        faults.sort { $0.record.lowerBound < $1.record.lowerBound }
    }

    /// Takes the faults that stand before a row, or all of them behind the last one.
    mutating func takeFaults(upToRow row: Int) -> [Fault] {
        if faults.isEmpty { return [] }
        if row == rowCount {
            defer { faults = [] }
            return faults
        }
        let rows = unsafe self.rows.base.assumingMemoryBound(to: UInt32.self)
        let marks = unsafe self.marks.base.assumingMemoryBound(to: UInt32.self)
        let start = unsafe Int(marks[Int(rows[row])] &+ 1)
        let count = faults.firstIndex { $0.record.lowerBound >= start } ?? faults.count
        defer { faults.removeFirst(count) }
        return Array(faults[..<count])
    }

    /// Cuts up the records from `start` on, at least one of them; `limit` is the chunk's end.
    mutating func fill(
        _ base: UnsafeRawPointer, from start: Int, limit: Int, fieldCount: Int, _ dialect: CSVDialect
    ) {
        var byteCount = Self.byteCountMin
        faults = []
        while true {
            let scanEnd = min(start + byteCount, limit)
            reserve(scanEnd - start)
            let marks = unsafe self.marks.base.assumingMemoryBound(to: UInt32.self)
            let lines = unsafe self.lines.base.assumingMemoryBound(to: UInt32.self)
            unsafe marks[0] = UInt32(truncatingIfNeeded: start) &- 1
            let found = unsafe CSVScanner.scan(
                base, start, scanEnd, dialect, marks: marks + 1, lines: lines, firstMark: 1)
            var (markCount, lineCount) = (found.marks, found.lines)
            let lastByte = unsafe base.load(fromByteOffset: limit - 1, as: UInt8.self)
            if scanEnd == limit && lastByte != 0x0a {
                // The last line needs no end.
                markCount += 1
                unsafe marks[markCount] = UInt32(truncatingIfNeeded: limit)
                unsafe lines[lineCount] = UInt32(truncatingIfNeeded: markCount)
                lineCount += 1
            }
            var quoteFaults: [(line: Int, message: String)] = []
            if found.hasQuotes {
                let resolver = unsafe CSVQuotes(
                    base: base, scanEnd: scanEnd, limit: limit, dialect: dialect)
                (lineCount, quoteFaults) = unsafe resolver.resolve(
                    from: start, marks: marks, count: markCount, lines: lines)
            }
            if lineCount == 0 {
                byteCount *= 4
                continue
            }
            let last = unsafe marks[Int(lines[lineCount - 1])]
            end = min(Int(last) + 1, limit)
            unsafe listRows(base, lineCount, fieldCount, quoteFaults)
            isUTF8 = unsafe found.isASCII || UTF8Check.isValid(base + start, count: end - start)
            return
        }
    }

    /// Makes room for the marks of `byteCount` bytes.
    private mutating func reserve(_ byteCount: Int) {
        let needed = (byteCount + CSVScanner.slackMarks) * 4
        if marks.byteCount >= needed { return }
        marks = Slab(byteCount: needed)
        lines = Slab(byteCount: needed)
        rows = Slab(byteCount: needed)
    }

    /// Lists the records that have as many fields as they should.
    private mutating func listRows(
        _ base: UnsafeRawPointer, _ lineCount: Int, _ fieldCount: Int,
        _ quoteFaults: [(line: Int, message: String)]
    ) {
        let lines = unsafe self.lines.base.assumingMemoryBound(to: UInt32.self)
        let rows = unsafe self.rows.base.assumingMemoryBound(to: UInt32.self)
        let wanted = UInt32(truncatingIfNeeded: fieldCount)
        var first: UInt32 = 0
        var count = 0
        var nextFault = quoteFaults.first?.line ?? .max
        var faultIndex = 0
        for line in 0..<lineCount {
            let last = unsafe lines[line]
            unsafe rows[count] = first
            if last &- first == wanted && line != nextFault {
                count &+= 1
            } else if line == nextFault {
                unsafe addFault(base, first, last, quoteFaults[faultIndex].message)
                faultIndex += 1
                nextFault = faultIndex < quoteFaults.count ? quoteFaults[faultIndex].line : .max
            } else {
                unsafe addCountFault(base, first, last, fieldCount)
            }
            first = last
        }
        rowCount = count
    }

    /// A record of too few or too many fields, unless it is an empty line.
    private mutating func addCountFault(
        _ base: UnsafeRawPointer, _ first: UInt32, _ last: UInt32, _ fieldCount: Int
    ) {
        if unsafe last - first == 1 && recordRange(base, first, last).isEmpty { return }
        let count = Int(last - first)
        let fields = count == 1 ? "1 field" : "\(count) fields"
        unsafe addFault(base, first, last, "the record has \(fields) instead of \(fieldCount)")
    }

    private mutating func addFault(
        _ base: UnsafeRawPointer, _ first: UInt32, _ last: UInt32, _ message: String
    ) {
        let record = unsafe recordRange(base, first, last)
        faults.append(Fault(record: record, row: nil, message: message))
    }

    /// The record between two marks, without its line end.
    func recordRange(_ base: UnsafeRawPointer, _ first: UInt32, _ last: UInt32) -> Range<Int> {
        let marks = unsafe self.marks.base.assumingMemoryBound(to: UInt32.self)
        let start = unsafe Int(marks[Int(first)] &+ 1)
        var end = unsafe Int(marks[Int(last)])
        if unsafe end > start && base.load(fromByteOffset: end - 1, as: UInt8.self) == 0x0d {
            end -= 1
        }
        return start..<end
    }
}
