package import Dataflow
import Storage

/// Says for the rows of batches which path each goes to.
///
/// Rows with equal values share one path string; the work for a row like the one before is a few
/// comparisons.
package struct PathExpander: Sendable {
    private let pieces: [PathTemplate.Piece]
    /// The column of each piece; -1 for text.
    private let columns: [Int]
    private let types: [FieldType]
    /// The time within which the time parts stay the same; 0 where there are none.
    private let grain: Int64

    /// An expander for rows of `schema`; throws the first of the template's problems with it.
    package init(_ template: PathTemplate, schema: Schema) throws(PathTemplateError) {
        if let problem = template.problems(for: schema).first { throw problem }
        pieces = template.pieces
        var grain: Int64 = 0
        var columns: [Int] = []
        for piece in template.pieces {
            switch piece {
            case .text: columns.append(-1)
            case .time(let part, _):
                columns.append(schema.eventTime ?? -1)
                grain = grain == 0 ? part.microseconds : min(grain, part.microseconds)
            case .field(let name, _):
                columns.append(schema.index(of: name) ?? -1)
            }
        }
        self.columns = columns
        self.grain = grain
        types = columns.map { $0 < 0 ? .string : schema.fields[$0].type }
    }

    /// The selected rows by path, in order of first appearance; the rows of each in their order.
    package func split(_ batch: Batch) -> [(path: String, rows: Selection)] {
        let count = batch.count
        guard count > 0 else { return [] }
        let hashes = hashes(of: batch)
        // Different values may give the same path ({minute} of two hours, say).
        var keys: [(row: Int, group: Int)] = []
        var keysOfHash: [UInt64: [Int]] = [:]
        var paths: [String] = []
        var groupOfPath: [String: Int] = [:]
        var keyOfPlace = [Int](repeating: 0, count: count)
        for place in 0..<count {
            let row = batch.selection[place]
            let hash = hashes[place]
            if place > 0, hash == hashes[place - 1] {
                let last = keyOfPlace[place - 1]
                if isSame(row, keys[last].row, batch) {
                    keyOfPlace[place] = last
                    continue
                }
            }
            if let known = keysOfHash[hash]?.first(where: { isSame(row, keys[$0].row, batch) }) {
                keyOfPlace[place] = known
                continue
            }
            let path = path(of: row, in: batch)
            let group = groupOfPath[path] ?? paths.count
            if group == paths.count {
                paths.append(path)
                groupOfPath[path] = group
            }
            keyOfPlace[place] = keys.count
            keysOfHash[hash, default: []].append(keys.count)
            keys.append((row, group))
        }
        if paths.count == 1 { return [(paths[0], batch.selection)] }
        var rows = [[Int]](repeating: [], count: paths.count)
        for place in 0..<count {
            rows[keys[keyOfPlace[place]].group].append(batch.selection[place])
        }
        return paths.indices.map { (paths[$0], Selection(rows[$0])) }
    }

    /// The path of one row.
    package func path(of row: Int, in batch: Batch) -> String {
        var path = ""
        for (index, piece) in pieces.enumerated() {
            switch piece {
            case .text(let text):
                path += text
            case .time(let part, _):
                let column = batch.columns[columns[index]]
                path +=
                    column.isValid(row)
                    ? part.text(of: column.int64s[row]) : PathValue.null
            case .field:
                path += text(of: row, in: batch.columns[columns[index]], types[index])
            }
        }
        return path
    }

    private func text(of row: Int, in column: Column, _ type: FieldType) -> String {
        guard column.isValid(row) else { return PathValue.null }
        switch type {
        case .int, .timestamp: return String(column.int64s[row])
        case .bool: return column.bools[row] != 0 ? "true" : "false"
        case .string, .json:
            let view = column.strings[row]
            return PathValue.escape(view.description, hash: view.hash)
        case .float: return String(column.doubles[row])
        }
    }

    /// A hash of what each selected row's path is made of.
    private func hashes(of batch: Batch) -> [UInt64] {
        var hashes = [UInt64](repeating: 0, count: batch.count)
        for (index, piece) in pieces.enumerated() {
            if case .text = piece { continue }
            let column = batch.columns[columns[index]]
            for place in hashes.indices {
                let row = batch.selection[place]
                let hash = column.isValid(row) ? hash(of: row, column, piece) : Hash64.null
                hashes[place] = Hash64.combine(hashes[place], hash)
            }
        }
        return hashes
    }

    private func hash(of row: Int, _ column: Column, _ piece: PathTemplate.Piece) -> UInt64 {
        switch column.type {
        case .int, .timestamp:
            guard case .time = piece else {
                return Hash64.hash(UInt64(bitPattern: column.int64s[row]))
            }
            let start = EventTime.bucketStart(of: column.int64s[row], size: grain)
            return Hash64.hash(UInt64(bitPattern: start))
        case .bool: return Hash64.hash(UInt64(column.bools[row]))
        case .string, .json: return column.strings[row].hash
        case .float: return Hash64.hash(column.doubles[row].bitPattern)
        }
    }

    private func isSame(_ a: Int, _ b: Int, _ batch: Batch) -> Bool {
        for (index, piece) in pieces.enumerated() {
            if case .text = piece { continue }
            let column = batch.columns[columns[index]]
            if column.isValid(a) != column.isValid(b) { return false }
            if column.isValid(a) && !isSame(a, b, column, piece) { return false }
        }
        return true
    }

    private func isSame(
        _ a: Int, _ b: Int, _ column: Column, _ piece: PathTemplate.Piece
    ) -> Bool {
        switch column.type {
        case .int, .timestamp:
            let values = column.int64s
            guard case .time = piece else { return values[a] == values[b] }
            return EventTime.bucketStart(of: values[a], size: grain)
                == EventTime.bucketStart(of: values[b], size: grain)
        case .bool: return column.bools[a] == column.bools[b]
        case .string, .json: return column.strings[a] == column.strings[b]
        case .float: return column.doubles[a].bitPattern == column.doubles[b].bitPattern
        }
    }
}

extension PathTemplate.TimePart {
    /// The part of a time, in UTC.
    func text(of time: Int64) -> String {
        let start = EventTime.bucketStart(of: time, size: 86_400_000_000)
        let date = CivilDate(daysSinceEpoch: start / 86_400_000_000)
        let minute = (time &- start) / 60_000_000
        switch self {
        case .date:
            return "\(padded(date.year, 4))-\(padded(date.month, 2))-\(padded(date.day, 2))"
        case .year: return padded(date.year, 4)
        case .month: return padded(date.month, 2)
        case .day: return padded(date.day, 2)
        case .hour: return padded(minute / 60, 2)
        case .minute: return padded(minute % 60, 2)
        }
    }

    private func padded(_ number: some BinaryInteger, _ digitCount: Int) -> String {
        let digits = String(number.magnitude)
        let zeros = String(repeating: "0", count: max(digitCount - digits.count, 0))
        return (number < 0 ? "-" : "") + zeros + digits
    }
}
