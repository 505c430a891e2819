import Dataflow

/// One node of an expression at work: computes a column from the columns of a batch.
///
/// Loops run inside a kernel, over spans; between kernels there is one call for each batch. A
/// kernel belongs to one evaluator and is used by one thread at a time.
protocol Kernel: AnyObject {
    /// The type of the column it gives.
    var type: FieldType { get }

    /// The values for `rows`, at their physical places; other rows are undefined. Rows that fail
    /// are noted in the frame and are undefined, too.
    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column

    /// The rows for which a condition has that truth value; rows that fail are noted, not given.
    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection
}

/// The batch that is being worked on, and what failed in it so far.
struct Frame {
    let batch: Batch
    /// Physical rows that columns made for the batch have.
    let rowCount: Int
    var failures: RowFailures

    init(batch: Batch, rows: Selection, failures: RowFailures) {
        self.batch = batch
        let needed = rows.isDense ? rows.count : rows.isEmpty ? 0 : rows[rows.count - 1] + 1
        rowCount = max(batch.columns.first?.count ?? 0, needed)
        self.failures = failures
    }

    mutating func fail(_ row: Int, _ message: String) { failures.add(row, message) }

    /// Those of `rows` that did not fail since there were `count` failures.
    func survivors(of rows: Selection, since count: Int) -> Selection {
        failures.count == count ? rows : failures.excluded(from: rows)
    }
}

extension Kernel {
    /// The column, and those of the rows that did not fail.
    func evaluateSurvivors(
        _ rows: Selection, _ frame: inout Frame
    ) -> (column: Column, rows: Selection) {
        let count = frame.failures.count
        let column = evaluate(rows, &frame)
        return (column, frame.survivors(of: rows, since: count))
    }

    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection {
        let (column, survivors) = evaluateSurvivors(rows, &frame)
        let live = column.validity.map { survivors.valid(in: $0) } ?? survivors
        let bools = column.bools
        let wanted: UInt8 = truth ? 1 : 0
        return live.filtered { row in bools[row] == wanted }
    }
}

/// The arguments of a function that gives NULL wherever one of them is NULL.
struct StrictArguments {
    let columns: [Column]
    /// The first columns once more, for loops: a span is taken from a stored property, not from an
    /// element. Where there are fewer, the first stands for them.
    let first: Column
    let second: Column
    let third: Column
    /// The rows that no argument failed for.
    let rows: Selection
    /// Those of the rows in which no argument is NULL.
    let live: Selection
    /// Where the result is not NULL; absent if no argument has a NULL.
    let validity: Bitmap?

    /// Evaluates the arguments from left to right.
    init(_ kernels: [any Kernel], _ rows: Selection, _ frame: inout Frame) {
        var columns: [Column] = []
        var rows = rows
        var validity: Bitmap?
        for kernel in kernels {
            let (column, survivors) = kernel.evaluateSurvivors(rows, &frame)
            rows = survivors
            columns.append(column)
            if let other = column.validity { validity = validity?.intersection(other) ?? other }
        }
        self.columns = columns
        first = columns[0]
        second = columns.count > 1 ? columns[1] : columns[0]
        third = columns.count > 2 ? columns[2] : columns[0]
        self.rows = rows
        self.validity = validity
        live = validity.map { rows.valid(in: $0) } ?? rows
    }

    /// A builder in which the rows with a NULL argument are NULL.
    func builder(_ type: FieldType, _ frame: Frame) -> ColumnBuilder {
        var builder = ColumnBuilder(type, capacity: frame.rowCount)
        guard let validity else { return builder }
        builder.setValidity(validity)
        let words = validity.words
        let nulls = rows.filtered { row in words[row >> 6] &>> UInt64(row & 63) & 1 == 0 }
        switch type {
        case .bool:
            var out = builder.bools
            forEachRow(nulls) { row in out[row] = 0 }
        case .int, .timestamp:
            var out = builder.int64s
            forEachRow(nulls) { row in out[row] = 0 }
        case .float:
            var out = builder.doubles
            forEachRow(nulls) { row in out[row] = 0 }
        case .string, .json:
            var out = builder.strings
            forEachRow(nulls) { row in out[row] = .empty }
        }
        return builder
    }

    /// The validity of a result that is NULL in these further rows; their values must be zero.
    func validity(withNulls nulls: [Int], _ frame: Frame) -> Bitmap? {
        if nulls.isEmpty { return validity }
        let all = Bitmap(count: frame.rowCount, valid: true)
        let result = validity.map { all.intersection($0) } ?? all
        for row in nulls { result.set(row, valid: false) }
        return result
    }
}
