import Dataflow
import Storage

/// The states of the groups that the rows of one window belong to, while a batch is added to them.
///
/// The one place where kernels touch the state's memory. It is raw, because a bounds check and a
/// reference count per row and aggregate cost twice what the aggregate itself does.
@safe
final class GroupStates {
    /// Where the rows stand in the order of the world.
    struct Place {
        /// The number of their chunk.
        let chunk: Int
        let watermarks: Column
        let ordinals: Column?
    }

    let table: HotTable
    let keys: EncodedKeys
    let rows: Selection
    /// By row: the entry of its group, perhaps with `HotTable.isNewMark`.
    let entries: Slab
    let extras: GroupExtras
    let place: Place
    /// By row: the address of its group's value.
    private let addresses: Slab

    init(
        table: HotTable, keys: EncodedKeys, rows: Selection, entries: Slab, extras: GroupExtras,
        place: Place
    ) {
        self.table = table
        self.keys = keys
        self.rows = rows
        self.entries = entries
        self.extras = extras
        self.place = place
        addresses = Slab(byteCount: keys.rowCount * 8)
        locate()
    }

    /// Finds the addresses again; needed after anything was stored beside the entries.
    func locate() {
        table.values(
            of: entries, keys: keys, rows: rows.listing, count: rows.count, into: addresses)
    }

    /// Changes a part of the state of a row's group.
    @inline(__always)
    func update<State: BitwiseCopyable>(
        _ row: Int, offset: Int, _ change: (inout State) -> Void
    ) {
        let list = unsafe addresses.base.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
        let address = unsafe list[row] + offset
        var state = unsafe address.loadUnaligned(as: State.self)
        change(&state)
        unsafe address.storeBytes(of: state, as: State.self)
    }

    /// Changes a part of the state of a row's group, in a way that may store bytes beside the
    /// entries.
    func updateMoving<State: BitwiseCopyable>(
        _ row: Int, offset: Int, _ change: (inout State) -> Void
    ) {
        table.changeState(of: entries.word(row) & ~HotTable.isNewMark, offset: offset, change)
    }
}

extension HotTable {
    /// A part of an entry's value.
    func state<State: BitwiseCopyable>(of entry: UInt32, offset: Int) -> State {
        unsafe (value(of: entry) + offset).loadUnaligned(as: State.self)
    }

    /// Changes a part of an entry's value.
    func changeState<State: BitwiseCopyable>(
        of entry: UInt32, offset: Int, _ change: (inout State) -> Void
    ) {
        var state: State = state(of: entry, offset: offset)
        change(&state)
        unsafe (value(of: entry) + offset).storeBytes(of: state, as: State.self)
    }

    /// A stored string, copied to `arena`.
    func text(_ reference: UInt32, into arena: inout TextArena) -> StringView {
        let bytes = unsafe stored(reference)
        return unsafe arena.add(RawSpan(_unsafeBytes: bytes))
    }
}
