import Dataflow
import Storage

/// `first` and `last`: the value that came first or last and is not null.
///
/// Order is that of the world (chunk number, watermark, ordinal), not of processing, so that the
/// result is the same for every number of workers.
struct PositionKernel: AggregateKernel {
    private struct State: BitwiseCopyable {
        var count: Int64
        var chunk: Int64
        var watermark: Int64
        var ordinal: Int64
        /// An ordered word, or the reference of stored text.
        var value: UInt64
    }

    let type: FieldType
    let isFirst: Bool
    var stateWidth: Int { MemoryLayout<State>.size }
    /// The value, the fifth word.
    var references: [Int] { type.isText ? [32] : [] }

    func update(_ values: Column?, _ rows: Selection, _ groups: GroupStates, offset: Int) {
        guard let values else { return }
        let place = groups.place
        let chunk = Int64(place.chunk)
        rows.forEach { row in
            let watermark = place.watermarks.int64(at: row)
            let ordinal = place.ordinals?.int64(at: row) ?? Int64(row)
            groups.updateMoving(row, offset: offset) { (state: inout State) in
                let isLater =
                    (chunk, watermark, ordinal) > (state.chunk, state.watermark, state.ordinal)
                guard state.count == 0 || isLater != isFirst else { return }
                state.count = 1
                state.chunk = chunk
                state.watermark = watermark
                state.ordinal = ordinal
                if type.isText {
                    let old = UInt32(truncatingIfNeeded: state.value)
                    let view = values.text(at: row)
                    view.withBytes { state.value = UInt64(groups.table.store($0, replacing: old)) }
                } else {
                    state.value = values.orderedWord(at: row)
                }
            }
        }
        if type.isText { groups.locate() }
    }

    func results(
        _ groups: ClosingGroups, offset: Int, failures: inout RowFailures
    ) -> Column {
        var arena = TextArena()
        var builder = ColumnBuilder(type, capacity: groups.entries.count)
        for (row, entry) in groups.entries.enumerated() {
            let state: State = groups.table.state(of: entry, offset: offset)
            if state.count == 0 {
                builder.setNull(row)
            } else if type.isText {
                let reference = UInt32(truncatingIfNeeded: state.value)
                builder.set(row, to: groups.table.text(reference, into: &arena))
            } else {
                builder.setOrdered(row, state.value)
            }
        }
        builder.keep(arena.slabs)
        return builder.finish(count: groups.entries.count)
    }
}
