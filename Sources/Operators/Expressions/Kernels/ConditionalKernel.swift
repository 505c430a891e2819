import Dataflow

/// A column put together from the rows of several others.
struct ColumnAssembler: ~Copyable {
    private var builder: ColumnBuilder
    private let type: FieldType
    private let rowCount: Int

    init(_ type: FieldType, _ frame: Frame) {
        self.type = type
        rowCount = frame.rowCount
        builder = ColumnBuilder(type, capacity: frame.rowCount)
    }

    /// Takes the values of these rows.
    mutating func take(_ column: Column, _ rows: Selection) {
        switch type {
        case .bool:
            var out = builder.bools
            let values = column.bools
            forEachRow(rows) { row in out[row] = values[row] }
        case .int, .timestamp:
            var out = builder.int64s
            let values = column.int64s
            forEachRow(rows) { row in out[row] = values[row] }
        case .float:
            var out = builder.doubles
            let values = column.doubles
            forEachRow(rows) { row in out[row] = values[row] }
        case .string, .json:
            var out = builder.strings
            let values = column.strings
            forEachRow(rows) { row in out[row] = values[row] }
            builder.keep(column.owners)
        }
        guard let validity = column.validity else { return }
        setNull(rows.removing(rows.valid(in: validity)))
    }

    mutating func setNull(_ rows: Selection) {
        for place in 0..<rows.count { builder.setNull(rows[place]) }
    }

    consuming func finish() -> Column { builder.finish(count: rowCount) }
}

/// CASE WHEN: each value is computed for the rows that its condition picks.
final class ConditionalKernel: Kernel {
    let type: FieldType
    private let branches: [(condition: any Kernel, value: any Kernel)]
    private let otherwise: any Kernel

    init(_ branches: [(condition: any Kernel, value: any Kernel)], otherwise: any Kernel) {
        self.branches = branches
        self.otherwise = otherwise
        type = otherwise.type
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        var assembler = ColumnAssembler(type, frame)
        var rest = rows
        for (condition, value) in branches where !rest.isEmpty {
            let count = frame.failures.count
            let hits = condition.select(rest, where: true, &frame)
            rest = frame.survivors(of: rest.removing(hits), since: count)
            guard !hits.isEmpty else { continue }
            let (column, survivors) = value.evaluateSurvivors(hits, &frame)
            assembler.take(column, survivors)
        }
        if !rest.isEmpty {
            let (column, survivors) = otherwise.evaluateSurvivors(rest, &frame)
            assembler.take(column, survivors)
        }
        return assembler.finish()
    }

    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection {
        var found = Selection(all: 0)
        var rest = rows
        for (condition, value) in branches where !rest.isEmpty {
            let count = frame.failures.count
            let hits = condition.select(rest, where: true, &frame)
            rest = frame.survivors(of: rest.removing(hits), since: count)
            if !hits.isEmpty { found = found.union(value.select(hits, where: truth, &frame)) }
        }
        return rest.isEmpty ? found : found.union(otherwise.select(rest, where: truth, &frame))
    }
}

/// COALESCE: each value is computed for the rows in which all before it are NULL.
final class CoalesceKernel: Kernel {
    let type: FieldType
    private let values: [any Kernel]

    init(_ values: [any Kernel], type: FieldType) {
        self.values = values
        self.type = type
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        var assembler = ColumnAssembler(type, frame)
        var rest = rows
        for value in values where !rest.isEmpty {
            let (column, survivors) = value.evaluateSurvivors(rest, &frame)
            let valid = column.validity.map { survivors.valid(in: $0) } ?? survivors
            assembler.take(column, valid)
            rest = survivors.removing(valid)
        }
        assembler.setNull(rest)
        return assembler.finish()
    }
}
