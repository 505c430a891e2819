import Dataflow

/// What a function that builds text made of a row.
enum BuiltText { case done, null, tooLong }

/// Loops that fill the result of a function, each for one kind of result. The body is called for
/// the rows without NULL and is inlined.
extension StrictArguments {
    /// Whole numbers or times; nil fails.
    @inline(__always)
    func int64s(
        _ type: FieldType, _ frame: inout Frame, failure: (Int) -> String, _ body: (Int) -> Int64?
    ) -> Column {
        var builder = builder(type, frame)
        var out = builder.int64s
        forEachRow(live) { row in
            if let value = body(row) {
                out[row] = value
            } else {
                out[row] = 0
                frame.fail(row, failure(row))
            }
        }
        return builder.finish(count: frame.rowCount)
    }

    /// Floats; what is not finite fails.
    @inline(__always)
    func doubles(
        _ frame: inout Frame, failure: (Int) -> String, _ body: (Int) -> Double
    ) -> Column {
        var builder = builder(.float, frame)
        var out = builder.doubles
        forEachRow(live) { row in
            let value = body(row)
            out[row] = value
            if !value.isFinite { frame.fail(row, failure(row)) }
        }
        return builder.finish(count: frame.rowCount)
    }

    @inline(__always)
    func bools(_ frame: Frame, _ body: (Int) -> Bool) -> Column {
        var builder = builder(.bool, frame)
        var out = builder.bools
        forEachRow(live) { row in out[row] = body(row) ? 1 : 0 }
        return builder.finish(count: frame.rowCount)
    }

    /// Truth values: true on `rows`, which are some of those without NULL, false on the others.
    func bools(trueOn rows: Selection, _ frame: Frame) -> Column {
        var builder = builder(.bool, frame)
        var out = builder.bools
        forEachRow(live) { row in out[row] = 0 }
        forEachRow(rows) { row in out[row] = 1 }
        return builder.finish(count: frame.rowCount)
    }

    /// Strings that are there already, or parts of those in the first argument; nil is NULL.
    @inline(__always)
    func views(_ frame: Frame, _ body: (Int) -> StringView?) -> Column {
        var builder = builder(.string, frame)
        var nulls: [Int] = []
        var out = builder.strings
        forEachRow(live) { row in
            if let view = body(row) {
                out[row] = view
            } else {
                out[row] = .empty
                nulls.append(row)
            }
        }
        builder.setValidity(validity(withNulls: nulls, frame))
        for column in columns { builder.keep(column.owners) }
        return builder.finish(count: frame.rowCount)
    }

    /// Strings that the body writes, into memory that is used again for each row.
    @inline(__always)
    func texts(
        _ frame: inout Frame, _ body: (Int, inout [UInt8]) -> BuiltText
    ) -> Column {
        var builder = builder(.string, frame)
        var nulls: [Int] = []
        var arena = TextArena()
        var text: [UInt8] = []
        var out = builder.strings
        forEachRow(live) { row in
            text.removeAll(keepingCapacity: true)
            switch body(row, &text) {
            case .done: out[row] = arena.add(utf8: text.span)
            case .null:
                out[row] = .empty
                nulls.append(row)
            case .tooLong:
                out[row] = .empty
                frame.fail(row, FunctionKernel.tooLong)
            }
        }
        builder.setValidity(validity(withNulls: nulls, frame))
        builder.keep(arena.slabs)
        return builder.finish(count: frame.rowCount)
    }
}
