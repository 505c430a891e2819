import Dataflow
import Operators
import TestSupport

/// Dedup in the obvious way, row by row, with all rows ever seen at hand.
struct DedupTwin {
    typealias Cell = BatchText.Cell

    private struct Held {
        var row: Int
        let bucket: Int64
        let key: [Cell]
        var isReleased = false
        var isForgotten = false
    }

    let step: DedupStep
    let rows: TimedRows
    /// Rows by what became of them, in the order in which they leave.
    private(set) var passed: [Int] = []
    private(set) var late: [Int] = []
    private(set) var duplicates = 0
    private var held: [Held] = []

    init(_ step: DedupStep, _ rows: TimedRows) {
        self.step = step
        self.rows = rows
        for row in rows.rows.indices { take(row) }
        if step.keep == .last { release(upTo: nil) }
    }

    private var size: Int64 {
        switch step.scope {
        case .bucket(let size, _): size
        case .window(let size, let buckets): size / Int64(buckets)
        }
    }

    /// Whether a key in one bucket counts for a row of the other.
    private func reaches(_ one: Int64, _ other: Int64) -> Bool {
        switch step.scope {
        case .bucket: one == other
        // Two rows less than a window apart are never further apart than this.
        case .window(let size, let buckets):
            abs(one - other) <= (size + size / Int64(buckets) - 1) / (size / Int64(buckets))
                * (size / Int64(buckets))
        }
    }

    private func bucket(_ time: Int64) -> Int64 {
        var start = time / size * size
        if start > time { start -= size }
        return start
    }

    private mutating func take(_ row: Int) {
        let mark = rows.marks[row]
        if step.keep == .last { release(upTo: mark) }
        let start = bucket(rows.time(row))
        var expiry = start + size
        if step.keep == .first {
            switch step.scope {
            case .bucket(_, let retain): expiry += retain
            case .window(let window, _): expiry += window
            }
        }
        guard mark < expiry else {
            late.append(row)
            return
        }
        let key = step.key.map { rows.rows[row][$0] }
        let known = held.indices.filter { held[$0].key == key && reaches(held[$0].bucket, start) }
            .min { held[$0].bucket < held[$1].bucket }
        guard let known else {
            held.append(Held(row: row, bucket: start, key: key))
            if step.keep == .first { passed.append(row) }
            return
        }
        duplicates += 1
        if step.keep == .last && !held[known].isReleased && isNewer(row, held[known].row) {
            held[known].row = row
        }
    }

    private func isNewer(_ row: Int, _ old: Int) -> Bool {
        guard let version = step.version else { return true }
        return CellBatches.precedes(rows.rows[row][version], rows.rows[old][version]) != true
    }

    private mutating func release(upTo mark: Int64?) {
        let open = held.indices.filter { index in
            !held[index].isReleased && (mark.map { held[index].bucket + size <= $0 } ?? true)
        }
        let order = open.sorted {
            (held[$0].bucket, held[$0].row) < (held[$1].bucket, held[$1].row)
        }
        for index in order {
            held[index].isReleased = true
            passed.append(held[index].row)
        }
    }
}
