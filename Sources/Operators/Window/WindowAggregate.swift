import Dataflow

/// One aggregate of a running window step: its kernel, and where its state lies in a group's value.
struct WindowAggregate {
    let name: String
    let kernel: any AggregateKernel
    /// Bytes before its state in a group's value.
    let offset: Int
    private let argument: Argument
    private let filter: Evaluator?

    private enum Argument {
        case none
        case column(Int)
        case computed(Evaluator)
    }

    /// Where a group's value refers to stored bytes because of it.
    var references: [Int] { kernel.references.map { offset + $0 } }

    /// What a batch gives an aggregate.
    struct Input {
        let values: Column?
        /// The rows that count, if not all do.
        let filtered: Selection?
    }

    init(_ aggregate: Aggregate, kernel: any AggregateKernel, index: Int, offset: Int) {
        name = aggregate.name
        self.kernel = kernel
        self.offset = offset
        filter = aggregate.filter?.makeEvaluator()
        if let expression = aggregate.argument {
            argument =
                expression.fieldIndex.map { .column($0) } ?? .computed(expression.makeEvaluator())
        } else {
            argument = .none
        }
    }

    /// Evaluates filter and argument over the rows that are not late.
    func inputs(_ batch: Batch, on rows: Selection, failures: inout RowFailures) -> Input {
        let filtered = filter?.select(batch, on: rows, failures: &failures)
        let values: Column?
        switch argument {
        case .none: values = nil
        case .column(let index): values = batch.columns[index]
        case .computed(let evaluator):
            values = evaluator.evaluate(batch, on: filtered ?? rows, failures: &failures)
        }
        if let values, kernel is DistinctKernel {
            refuse(values, failures.excluded(from: filtered ?? rows), &failures)
        }
        return Input(values: values, filtered: filtered)
    }

    /// Fails rows whose values are too long to be told apart.
    private func refuse(_ values: Column, _ rows: Selection, _ failures: inout RowFailures) {
        let counted = values.validity.map { rows.valid(in: $0) } ?? rows
        for row in KeyEncoder.refusedMembers(of: values, rows: counted) {
            failures.add(row, "\(name): \(RowFailures.refusal)")
        }
    }

    /// Adds the rows of one window to their groups.
    func update(_ input: Input, _ rows: Selection, _ groups: GroupStates) {
        var counted = input.filtered.map { rows.intersecting($0) } ?? rows
        if let validity = input.values?.validity { counted = counted.valid(in: validity) }
        if !counted.isEmpty { kernel.update(input.values, counted, groups, offset: offset) }
    }
}
