import Dataflow
import TestSupport

/// Windows in the obvious way: every row is kept, and each aggregate is computed at the end.
struct WindowTwin {
    typealias Cell = BatchText.Cell

    /// An aggregate by hand.
    struct Aggregate {
        let text: String
        /// Whether a row fails it, before anything else.
        var fails: ([Cell]) -> Bool = { _ in false }
        /// Whether a row counts.
        var filter: ([Cell]) -> Bool = { _ in true }
        let value: ([Cell]) -> Cell
        /// The result for the values of the rows that count, nulls among them; nil for an error.
        let result: ([Cell]) -> Cell?
    }

    /// A result: the window's start, its end, the group, the aggregates.
    private(set) var results: [[Cell]: Int] = [:]
    /// The groups without one.
    private(set) var failedGroups = 0
    private(set) var late: [Int] = []
    private(set) var errors: [Int] = []
    private(set) var absorbed = 0

    init(
        _ rows: TimedRows, by: [Int], size: Int64, offset: Int64, aggregates: [Aggregate]
    ) {
        struct Group: Hashable {
            let start: Int64
            let key: [Cell]
        }
        var groups: [Group: [[Cell]]] = [:]
        for (row, cells) in rows.rows.enumerated() {
            var start = (rows.time(row) - offset) / size * size + offset
            if start > rows.time(row) { start -= size }
            if rows.marks[row] >= start + size {
                late.append(row)
            } else if aggregates.contains(where: { $0.fails(cells) }) {
                errors.append(row)
            } else {
                absorbed += 1
                groups[Group(start: start, key: by.map { cells[$0] }), default: []].append(cells)
            }
        }
        for (group, members) in groups {
            let values = aggregates.map { aggregate in
                aggregate.result(members.filter(aggregate.filter).map(aggregate.value))
            }
            let sound = values.compactMap { $0 }
            guard sound.count == values.count else {
                failedGroups += 1
                continue
            }
            let window: [Cell] = [.int(group.start), .int(group.start + size)]
            results[window + group.key + sound, default: 0] += 1
        }
    }
}

extension WindowTwin {
    /// The columns of the rows these aggregates are made for.
    static let header = "id:int i:int f:float s:string b:bool t:timestamp j:json"

    private static func ints(_ cells: [Cell]) -> [Int128] {
        cells.compactMap { if case .int(let value) = $0 { Int128(value) } else { nil } }
    }

    /// Quarters, so that sums of them are exact.
    private static func floats(_ cells: [Cell]) -> [Double] {
        cells.compactMap { if case .float(let value) = $0 { value } else { nil } }
    }

    private static func extreme(_ cells: [Cell], isLeast: Bool) -> Cell {
        let known = cells.filter { $0 != .null }
        return known.reduce(known.first ?? .null) { best, cell in
            let wins =
                isLeast
                ? CellBatches.precedes(cell, best) : CellBatches.precedes(best, cell)
            return wins == true ? cell : best
        }
    }

    private static func sum(_ cells: [Cell]) -> Cell? {
        let values = ints(cells)
        if values.isEmpty { return .null }
        return Int64(exactly: values.reduce(0, +)).map { .int($0) }
    }

    private static func mean(_ values: [Double]) -> Cell {
        values.isEmpty ? .null : .float(values.reduce(0, +) / Double(values.count))
    }

    /// Of values whose squares add up exactly.
    private static func variance(_ values: [Double], isSample: Bool, isRoot: Bool) -> Cell {
        let count = Double(values.count)
        let divisor = isSample ? count * (count - 1) : count * count
        guard divisor > 0 else { return .null }
        let sum = values.reduce(0, +)
        let squares = values.reduce(0) { $0 + $1 * $1 }
        let variance = (count * squares - sum * sum) / divisor
        return .float(isRoot ? variance.squareRoot() : variance)
    }

    private static func small(_ cells: [Cell]) -> [Double] { ints(cells).map { Double($0 % 1000) } }

    private static func column(_ index: Int) -> ([Cell]) -> Cell { { $0[index] } }

    private static func isAbove(_ index: Int, _ bound: Int64) -> ([Cell]) -> Bool {
        { cells in
            if case .int(let value) = cells[index] { value > bound } else { false }
        }
    }

    /// All aggregates there are, over all types, with and without filters.
    static var all: [Aggregate] {
        [
            Aggregate(text: "count()", value: column(0)) { .int(Int64($0.count)) },
            Aggregate(
                text: "count(*) FILTER (WHERE i > 3)", filter: isAbove(1, 3), value: column(0)
            ) {
                .int(Int64($0.count))
            },
            Aggregate(text: "count(s)", value: column(3)) { cells in
                .int(Int64(cells.count { $0 != .null }))
            },
            Aggregate(text: "sum(i)", value: column(1), result: sum),
            Aggregate(
                text: "sum(10 / id) FILTER (WHERE i > 3)", filter: isAbove(1, 3),
                value: { cells in
                    if case .int(let id) = cells[0] { .int(10 / id) } else { .null }
                }, result: sum),
            Aggregate(text: "sum(f)", value: column(2)) { cells in
                floats(cells).isEmpty ? .null : .float(floats(cells).reduce(0, +))
            },
            Aggregate(
                text: "avg(f) FILTER (WHERE b)", filter: { $0[4] == .bool(true) }, value: column(2)
            ) { mean(floats($0)) },
            Aggregate(text: "avg(i % 1000)", value: column(1)) { mean(small($0)) },
            Aggregate(text: "variance(f)", value: column(2)) {
                variance(floats($0), isSample: true, isRoot: false)
            },
            Aggregate(text: "var_pop(i % 1000)", value: column(1)) {
                variance(small($0), isSample: false, isRoot: false)
            },
            Aggregate(text: "stddev(i % 1000)", value: column(1)) {
                variance(small($0), isSample: true, isRoot: true)
            },
            Aggregate(text: "stddev_pop(f)", value: column(2)) {
                variance(floats($0), isSample: false, isRoot: true)
            },
            Aggregate(
                text: "count(10 / i) FILTER (WHERE id > 0)", fails: { $0[1] == .int(0) },
                value: column(1)
            ) { cells in .int(Int64(cells.count { $0 != .null })) },
            Aggregate(
                text: "sum(i) FILTER (WHERE 10 / i > 2)", fails: { $0[1] == .int(0) },
                filter: { cells in
                    if case .int(let value) = cells[1], value != 0 { 10 / value > 2 } else { false }
                }, value: column(1), result: sum),
        ] + byColumn(1, "i") + byColumn(2, "f") + byColumn(3, "s") + byColumn(4, "b")
            + byColumn(5, "t")
            + positions(6, "j")
    }

    private static func byColumn(_ index: Int, _ name: String) -> [Aggregate] {
        positions(index, name) + [
            Aggregate(text: "min(\(name))", value: column(index)) { extreme($0, isLeast: true) },
            Aggregate(
                text: "max(\(name)) FILTER (WHERE i > 2)", filter: isAbove(1, 2),
                value: column(index)
            ) { extreme($0, isLeast: false) },
        ]
    }

    private static func positions(_ index: Int, _ name: String) -> [Aggregate] {
        [
            Aggregate(text: "first(\(name))", value: column(index)) { cells in
                cells.first { $0 != .null } ?? .null
            },
            Aggregate(
                text: "last(\(name)) FILTER (WHERE i > 2)", filter: isAbove(1, 2),
                value: column(index)
            ) { cells in cells.last { $0 != .null } ?? .null },
            Aggregate(text: "count_distinct(\(name))", value: column(index)) { cells in
                .int(Int64(Set(cells.filter { $0 != .null }).count))
            },
        ]
    }
}
