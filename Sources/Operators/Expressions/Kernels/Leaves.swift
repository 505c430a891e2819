import Dataflow

/// A column of the batch.
final class FieldKernel: Kernel {
    let type: FieldType
    private let index: Int

    init(_ index: Int, type: FieldType) {
        self.index = index
        self.type = type
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column { frame.batch.columns[index] }
}

/// The same value for all rows, kept as a column for as many rows as were needed so far.
final class ConstantKernel: Kernel {
    let type: FieldType
    let value: Constant
    private var column: Column?

    init(_ value: Constant, type: FieldType) {
        self.value = value
        self.type = type
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        if let column, column.count >= frame.rowCount { return column.prefix(frame.rowCount) }
        let made = ConstantKernel.column(value, type, count: frame.rowCount)
        column = made
        return made
    }

    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection {
        value == .bool(truth) ? rows : Selection(all: 0)
    }

    private static func column(_ value: Constant, _ type: FieldType, count: Int) -> Column {
        var builder = ColumnBuilder(type, capacity: count)
        var arena = TextArena(slabBytes: 64)
        switch value {
        case .null: for row in 0..<count { builder.setNull(row) }
        case .bool(let bool):
            var out = builder.bools
            for row in 0..<count { out[row] = bool ? 1 : 0 }
        case .int(let number), .timestamp(let number):
            var out = builder.int64s
            for row in 0..<count { out[row] = number }
        case .float(let number):
            var out = builder.doubles
            for row in 0..<count { out[row] = number }
        case .string(let text):
            let view = arena.add(text)
            builder.keep(arena.slabs)
            var out = builder.strings
            for row in 0..<count { out[row] = view }
        }
        return builder.finish(count: count)
    }
}

/// A value that a `SharedKernel` computed before.
final class SlotKernel: Kernel {
    let type: FieldType
    fileprivate var column: Column?

    init(type: FieldType) { self.type = type }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        guard let column else { preconditionFailure("a slot is read inside of its sharing") }
        return column
    }
}

/// Computes a value once and lets its body use it several times.
final class SharedKernel: Kernel {
    private let value: any Kernel
    private let slot: SlotKernel
    private let body: any Kernel
    var type: FieldType { body.type }

    init(_ value: any Kernel, slot: SlotKernel, in body: any Kernel) {
        self.value = value
        self.slot = slot
        self.body = body
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        let (column, survivors) = value.evaluateSurvivors(rows, &frame)
        slot.column = column
        defer { slot.column = nil }
        return body.evaluate(survivors, &frame)
    }

    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection {
        let (column, survivors) = value.evaluateSurvivors(rows, &frame)
        slot.column = column
        defer { slot.column = nil }
        return body.select(survivors, where: truth, &frame)
    }
}
