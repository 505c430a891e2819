/// A run of rows in columns, and which of them count.
///
/// `columns[i]` holds field `i` of the edge's schema for every physical row; `selection` says which
/// rows are there. Immutable once emitted, and shared: copying a batch copies references.
package struct Batch: Sendable {
    package var columns: [Column]
    package var selection: Selection
    /// The hash of each row's key, behind an exchange (`int`, all bits used); a step that needs it
    /// computes it itself where it is absent.
    package var keyHashes: Column?

    package init(columns: [Column], selection: Selection, keyHashes: Column? = nil) {
        self.columns = columns
        self.selection = selection
        self.keyHashes = keyHashes
    }

    /// All of the first `count` rows.
    package init(columns: [Column], count: Int) {
        self.init(columns: columns, selection: Selection(all: count))
    }

    /// Selected rows.
    package var count: Int { selection.count }
    package var isEmpty: Bool { selection.count == 0 }

    /// The same rows, of which only `selection` (of physical rows) remains.
    package func selecting(_ selection: Selection) -> Batch {
        Batch(columns: columns, selection: selection, keyHashes: keyHashes)
    }

    /// The columns at `indices`, in that order.
    package func projecting(_ indices: [Int]) -> Batch {
        Batch(columns: indices.map { columns[$0] }, selection: selection)
    }

    /// The selected rows moved together: dense, without the memory of rows left behind.
    package func compacted() -> Batch {
        // Behind the rows of a dense selection others may lie, which hold anything.
        let isWhole = selection.isDense && columns.allSatisfy { $0.count == count }
        if isWhole { return self }
        return Batch(
            columns: columns.map { $0.gathered(selection) }, selection: Selection(all: count),
            keyHashes: keyHashes?.gathered(selection))
    }
}

extension Column {
    /// The selected rows as a dense column; text views stay views.
    package func gathered(_ selection: Selection) -> Column {
        if selection.isDense { return prefix(selection.count) }
        var builder = ColumnBuilder(type, capacity: selection.count)
        let rows = selection.rows
        switch type {
        case .bool: copy(bools, rows, to: builder.bools)
        case .int, .timestamp: copy(int64s, rows, to: builder.int64s)
        case .float: copy(doubles, rows, to: builder.doubles)
        case .string, .json: copy(strings, rows, to: builder.strings)
        }
        builder.keep(owners)
        if let validity {
            let bitmap = Bitmap(count: selection.count, valid: true)
            for place in rows.indices where !validity[Int(rows[place])] {
                bitmap.set(place, valid: false)
            }
            builder.setValidity(bitmap)
        }
        return builder.finish(count: selection.count)
    }

    private func copy<T: BitwiseCopyable>(
        _ source: Span<T>, _ rows: Span<UInt32>, to target: consuming MutableSpan<T>
    ) {
        for place in rows.indices { target[place] = source[Int(rows[place])] }
    }
}
