import Storage

/// The shape that records have been seen to have: what stands between their values, byte for byte.
///
/// Most streams write the same members in the same order with the same spaces. Then a record is
///
///     {"id":  VALUE  ,"ts":  VALUE  ,"note":  VALUE  }
///     gap 0   slot 0 gap 1  slot 1  gap 2    slot 2  tail
///
/// and decoding is: compare a gap as whole words, read the value its slot expects, go on. A record
/// that differs anywhere is decoded by the general reader instead, which also writes new templates.
@safe
final class JSONTemplate {
    /// What is done with the value behind a gap.
    struct Slot {
        /// The first word of the gap's text in `words`, and its length in bytes.
        let gap: Int
        let gapCount: Int
        /// Which bits of the gap's last word belong to it.
        let lastMask: UInt64
        /// The column that takes the value, or -1.
        let column: Int
        /// How many objects are around the value.
        let depth: Int
    }

    /// Bytes of a gap and slots of a template, at most; records beyond have none.
    static let gapCountMax = 256
    static let slotCountMax = 512

    private(set) var slots: [Slot] = []
    private(set) var words: [UInt64] = []
    /// The gap behind the last value.
    private(set) var tail = Slot(gap: 0, gapCount: 0, lastMask: 0, column: -1, depth: 0)
    /// Columns that no slot fills: they are null in every record of this shape.
    private(set) var missing: [Int] = []
    /// Whether a record of this shape has been seen whole.
    private(set) var isComplete = false

    /// Forgets the shape.
    func clear() {
        slots.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        isComplete = false
    }

    /// Adds the gap `range` and a slot for the value behind it.
    func add(gap range: Range<Int>, column: Int, depth: Int, in bytes: JSONBytes) {
        slots.append(unsafe makeSlot(range, column: column, depth: depth, in: bytes))
    }

    /// Ends the shape; `columns` are all that the schema has.
    func finish(tail range: Range<Int>, columns: Int, in bytes: JSONBytes) {
        tail = unsafe makeSlot(range, column: -1, depth: 0, in: bytes)
        let filled = Set(slots.map(\.column))
        missing = (0..<columns).filter { !filled.contains($0) }
        isComplete =
            slots.count <= Self.slotCountMax
            && slots.allSatisfy { $0.gapCount <= Self.gapCountMax }
            && tail.gapCount <= Self.gapCountMax
    }

    private func makeSlot(
        _ range: Range<Int>, column: Int, depth: Int, in bytes: JSONBytes
    ) -> Slot {
        let first = words.count
        var at = range.lowerBound
        while at < range.upperBound {
            words.append(unsafe bytes.word(at))
            at += 8
        }
        let rest = range.count & 7
        let mask: UInt64 = rest == 0 ? ~0 : (1 << UInt64(rest * 8)) - 1
        if let last = words.indices.last, last >= first { words[last] &= mask }
        return Slot(
            gap: first, gapCount: range.count, lastMask: mask, column: column, depth: depth)
    }
}
