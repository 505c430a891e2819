import Storage

extension Batch {
    /// The selected rows in dense columns that keep no memory but their own alive.
    package func owned() -> Batch {
        let dense = compacted()
        return Batch(columns: dense.columns.map { $0.owned() }, count: dense.count)
    }

    /// The rows of several batches of one schema, one after the other.
    package static func concatenated(_ batches: [Batch]) -> Batch {
        let parts = batches.filter { !$0.isEmpty }
        guard let first = parts.first, parts.count > 1 else {
            return (parts.first ?? batches.first ?? Batch(columns: [], count: 0)).compacted()
        }
        let picks = parts.enumerated().flatMap { number, part in
            (0..<part.count).map { UInt64(number) << 32 | UInt64(part.selection[$0]) }
        }
        let columns = first.columns.indices.map { index in
            Column.picking(picks, from: parts.map { $0.columns[index] })
        }
        return Batch(columns: columns, count: picks.count)
    }
}

extension Column {
    /// A column of the same values in memory of its own, where it is text.
    fileprivate func owned() -> Column {
        guard type.isText else { return self }
        let views = strings
        var byteCount = 0
        for row in 0..<count where !views[row].isInline { byteCount += views[row].count }
        var arena = TextArena(slabBytes: byteCount + count + 64)
        var builder = ColumnBuilder(type, capacity: count)
        var target = builder.strings
        for row in 0..<count { target[row] = arena.add(views[row]) }
        builder.keep(arena.slabs)
        builder.setValidity(validity)
        return builder.finish(count: count)
    }

    /// Memory held by values and text, in bytes.
    package var byteCount: Int { owners.reduce(values.byteCount) { $0 + $1.byteCount } }
}
