import Dataflow
import Operators

/// A table as a join sees it.
struct JoinTable {
    let name: String
    /// Its number among the tables.
    let index: Int
    let schema: Schema
    /// Names of the key, in the order of the declaration.
    let key: [String]
}

/// Gives the names of a step columns and types.
///
/// It runs twice: over all fields of the sources, which finds the mistakes and what is needed, and
/// over those that are decoded.
struct StepChecker {
    let expressions: ExpressionReader
    let diagnostics: Diagnostics
    /// By name; nil for one whose schema is not known.
    let tables: [String: JoinTable?]
    /// Whether a sink tells rows apart by where they come from.
    let hasEventIDs: Bool

    /// What checking a step gave.
    struct Result {
        let kind: CheckedStep.Kind
        /// The schema of the main output.
        let output: Schema
        /// Columns of the input that the step itself reads.
        let reads: Set<Int>
        /// For each column of the output the columns of the input that it takes along.
        let origins: [Int: Set<Int>]
    }

    /// Checks a step; nil after a report, or if its input is not known.
    ///
    /// `known` are the fields of the input that nobody needs.
    func check(_ step: StepSpec, input: Schema?, known: Set<String>) -> Result? {
        switch step.kind {
        case .filter(let filter): return check(filter, input)
        case .map(let map): return check(map, input, known: known)
        case .dedup(let dedup): return check(dedup, step, input)
        case .broadcastJoin(let join): return check(join, input)
        case .window(let window): return check(window, step, input)
        }
    }

    /// Each column of a schema as the origin of itself.
    static func identity(_ schema: Schema) -> [Int: Set<Int>] {
        var origins: [Int: Set<Int>] = [:]
        for index in schema.fields.indices { origins[index] = [index] }
        return origins
    }

    /// The columns that an expression reads.
    static func columns(of expression: Expression?, in schema: Schema) -> Set<Int> {
        Set(expression?.fieldNames.compactMap { schema.index(of: $0.name) } ?? [])
    }

    // MARK: filter

    private func check(_ filter: FilterSpec, _ input: Schema?) -> Result? {
        guard let (expression, typed) = expressions.check(filter.condition, input), let input else {
            return nil
        }
        guard typed.type == .bool else {
            diagnostics.error(
                at: filter.condition.place,
                "'where' takes a condition; this is \(typed.type.described)")
            return nil
        }
        return Result(
            kind: .filter(typed), output: input,
            reads: StepChecker.columns(of: expression, in: input),
            origins: StepChecker.identity(input))
    }

    // MARK: dedup

    /// The columns of the row's time and of the watermark that stood before it.
    static func timeColumns(_ schema: Schema) -> Set<Int> {
        Set([schema.eventTime, schema.watermark, schema.ordinal].compactMap { $0 })
    }

    private func requireTime(_ step: StepSpec, _ input: Schema) -> Bool {
        if input.eventTime != nil { return true }
        diagnostics.error(
            at: step.name.place,
            "step '\(step.name.value)' needs the time of rows: its source has no 'event_time' "
                + "with a 'watermark'")
        return false
    }

    private func check(_ dedup: DedupSpec, _ step: StepSpec, _ input: Schema?) -> Result? {
        guard let input else { return nil }
        let hasTime = requireTime(step, input)
        let lookup = FieldLookup(schema: input, diagnostics: diagnostics)
        let key = lookup.keyIndices(dedup.key)
        var version: Int?
        if let name = dedup.version {
            guard let index = lookup.index(name) else { return nil }
            let type = input.fields[index].type
            guard type != .json, type != .bool else {
                diagnostics.error(
                    at: name.place,
                    "'\(name.value)' is \(type.described); a version is an int, float, string or "
                        + "timestamp")
                return nil
            }
            version = index
        }
        guard hasTime, let key else { return nil }
        let checked = DedupStep(
            input: input, key: key, scope: dedup.scope, keep: dedup.keep, version: version)
        let reads = Set(key).union(StepChecker.timeColumns(input))
        return Result(
            kind: .dedup(checked), output: input,
            reads: version.map { reads.union([$0]) } ?? reads,
            origins: StepChecker.identity(input))
    }

    // MARK: broadcast_join

    private func check(_ join: BroadcastJoinSpec, _ input: Schema?) -> Result? {
        guard let found = tables[join.table.value] else {
            let hint = NearestName.hint(
                for: join.table.value, among: tables.keys.sorted(), noun: "there are")
            diagnostics.error(
                at: join.table.place,
                "'\(join.table.value)' is not a source with 'table: { key: ... }'\(hint)")
            return nil
        }
        guard let table = found, let input else { return nil }
        let what = " of the table '\(table.name)'"
        let inRow = FieldLookup(schema: input, diagnostics: diagnostics)
        let inTable = FieldLookup(schema: table.schema, diagnostics: diagnostics)
        let left = inRow.keyIndices(join.on.map(\.left))
        let right = inTable.keyIndices(join.on.map(\.right), of: what)
        let selected = select(join, inTable, table)
        checkCollisions(join, selected?.map(\.name) ?? join.select?.map(\.name.value) ?? [], input)
        guard let left, let right, let selected,
            let ordered = match(join, left, right, input, table)
        else { return nil }
        let checked = BroadcastJoinStep(
            input: input, table: table.index, tableSchema: table.schema, on: ordered,
            kind: join.kind, selected: selected)
        return Result(
            kind: .broadcastJoin(checked), output: checked.output, reads: Set(ordered),
            origins: StepChecker.identity(input))
    }

    private func select(
        _ join: BroadcastJoinSpec, _ lookup: FieldLookup, _ table: JoinTable
    ) -> [BroadcastJoinStep.Selected]? {
        guard let select = join.select else {
            return lookup.schema.fields.enumerated().compactMap { column, field in
                table.key.contains(field.name)
                    ? nil : BroadcastJoinStep.Selected(column: column, name: field.name)
            }
        }
        let found = select.map { name, field in
            lookup.index(field, of: " of the table '\(table.name)'").map {
                BroadcastJoinStep.Selected(column: $0, name: name.value)
            }
        }
        return found.contains { $0 == nil } ? nil : found.compactMap { $0 }
    }

    private func checkCollisions(
        _ join: BroadcastJoinSpec, _ names: [String], _ input: Schema
    ) {
        var known = Set(FieldLookup.names(input))
        for name in names where !known.insert(name).inserted {
            let place = join.select?.last { $0.name.value == name }?.name.place
            diagnostics.error(
                at: place ?? join.table.place,
                "rows would have two fields '\(name)': leave it out of 'select', or select "
                    + "it as { new_name: \(name) }")
        }
    }

    /// The row's columns in the order of the table's key, if they fit it.
    private func match(
        _ join: BroadcastJoinSpec, _ left: [Int], _ right: [Int], _ input: Schema,
        _ table: JoinTable
    ) -> [Int]? {
        var isFine = true
        for (pair, (l, r)) in zip(join.on, zip(left, right)) {
            let leftType = input.fields[l].type
            let rightType = table.schema.fields[r].type
            guard leftType != rightType else { continue }
            diagnostics.error(
                at: pair.left.place,
                "'\(pair.left.value)' is \(leftType.described), but '\(pair.right.value)' of the "
                    + "table '\(table.name)' is \(rightType.described)")
            isFine = false
        }
        let names = join.on.map(\.right.value)
        guard Set(names) == Set(table.key), names.count == table.key.count else {
            diagnostics.error(
                at: join.on[0].right.place,
                "'on' must name the key of the table '\(table.name)': "
                    + SpecReader.list(table.key, last: "and"))
            return nil
        }
        guard isFine else { return nil }
        return table.key.compactMap { name in names.firstIndex(of: name).map { left[$0] } }
    }

    // MARK: window

    private func check(
        _ window: WindowSpec, _ step: StepSpec, _ input: Schema?
    ) -> Result? {
        let reader = AggregateReader(expressions: expressions, diagnostics: diagnostics)
        let aggregates = window.aggregates.map { reader.read($0.name, $0.call, input) }
        var names: Set<String> = ["window_start", "window_end"]
        for name in window.by + window.aggregates.map(\.name)
        where !names.insert(name.value).inserted {
            diagnostics.error(
                at: name.place, "the result would have two fields named '\(name.value)'")
        }
        guard let input else { return nil }
        let hasTime = requireTime(step, input)
        let lookup = FieldLookup(schema: input, diagnostics: diagnostics)
        guard let by = lookup.keyIndices(window.by), hasTime,
            !aggregates.contains(where: { $0 == nil })
        else { return nil }
        let found = aggregates.compactMap { $0 }
        let checked = WindowStep(
            input: input, by: by, size: window.size, offset: window.offset,
            aggregates: found.map(\.checked),
            format: input.eventTime.map { input.fields[$0].timestampFormat } ?? .rfc3339,
            hasOrigin: hasEventIDs)
        let reads = found.reduce(Set(by).union(StepChecker.timeColumns(input))) {
            $0.union($1.reads)
        }
        return Result(kind: .window(checked), output: checked.output, reads: reads, origins: [:])
    }
}
