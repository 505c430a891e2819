import Storage

extension Batch {
    /// The rows of several batches of one chunk and schema as one dense batch, in the order of the
    /// schema's watermarks, then ordinals, which ascend in each of them; rows where both are equal
    /// keep the order of the batches.
    package static func merged(_ batches: [Batch], inOrderOf schema: Schema) -> Batch {
        let parts = batches.filter { !$0.isEmpty }
        guard let first = parts.first else { return Batch(columns: [], count: 0) }
        guard parts.count > 1 else { return first.compacted() }
        let picks = order(parts, by: [schema.watermark, schema.ordinal].compactMap { $0 })
        let columns = first.columns.indices.map { index in
            Column.picking(picks, from: parts.map { $0.columns[index] })
        }
        let hashes = parts.compactMap(\.keyHashes)
        return Batch(
            columns: columns, selection: Selection(all: picks.count),
            keyHashes: hashes.count == parts.count ? Column.picking(picks, from: hashes) : nil)
    }

    /// Where the next row comes from: the batch in the upper half, the physical row in the lower.
    private static func order(_ parts: [Batch], by columns: [Int]) -> [UInt64] {
        var picks: [UInt64] = []
        picks.reserveCapacity(parts.reduce(0) { $0 + $1.count })
        var places = [Int](repeating: 0, count: parts.count)
        func place(_ part: Batch, _ row: Int) -> (Int64, Int64) {
            (
                columns.first.map { part.columns[$0].int64(at: row) } ?? 0,
                columns.last.map { part.columns[$0].int64(at: row) } ?? 0
            )
        }
        var heads = parts.map { place($0, $0.selection[0]) }
        while true {
            var least = -1
            for part in heads.indices where places[part] < parts[part].count {
                if least < 0 || heads[part] < heads[least] { least = part }
            }
            guard least >= 0 else { return picks }
            let selection = parts[least].selection
            picks.append(UInt64(least) << 32 | UInt64(selection[places[least]]))
            places[least] += 1
            if places[least] < selection.count {
                heads[least] = place(parts[least], selection[places[least]])
            }
        }
    }
}

extension Column {
    /// A column of the rows that `picks` names: the source column in the upper half, the row below.
    static func picking(_ picks: [UInt64], from sources: [Column]) -> Column {
        let type = sources[0].type
        var builder = ColumnBuilder(type, capacity: picks.count)
        for (number, source) in sources.enumerated() {
            switch type {
            case .bool: copy(picks, number, source.bools, to: builder.bools)
            case .int, .timestamp: copy(picks, number, source.int64s, to: builder.int64s)
            case .float: copy(picks, number, source.doubles, to: builder.doubles)
            case .string, .json: copy(picks, number, source.strings, to: builder.strings)
            }
            builder.keep(source.owners)
        }
        if sources.contains(where: { $0.validity != nil }) {
            let bitmap = Bitmap(count: picks.count, valid: true)
            for (place, pick) in picks.enumerated() {
                let isValid = sources[Int(pick >> 32)].isValid(Int(pick & 0xffff_ffff))
                if !isValid { bitmap.set(place, valid: false) }
            }
            builder.setValidity(bitmap)
        }
        return builder.finish(count: picks.count)
    }

    private static func copy<T: BitwiseCopyable>(
        _ picks: [UInt64], _ number: Int, _ source: Span<T>, to target: consuming MutableSpan<T>
    ) {
        for place in picks.indices where Int(picks[place] >> 32) == number {
            target[place] = source[Int(picks[place] & 0xffff_ffff)]
        }
    }
}
