/// Walks through the keys of a family in order, as they were when it was made.
///
/// What `key` and `value` give is good until the next move. It keeps what it reads, so that the
/// family may be changed meanwhile; the owner of the store uses it.
@safe
package final class KeyedIterator {
    private let range: KeyRange
    private let upper: [UInt8]?
    private let limit: UInt64
    private let tombstones: RangeTombstones
    private let operation: MergeOperator
    private let lifetime: Lifetime?
    private unowned let family: KeyedFamily
    private let merge: CursorMerge
    private let hasTombstones: Bool
    private let hasLifetime: Bool
    /// Whether it stands at a key.
    package private(set) var isValid = false
    /// Whether it stands at the first entry of the merge: else it had to go further to know the
    /// value.
    private var isAtEntry = false
    private let held = KeyBuffer()
    private var valueBuffer = GrowingBytes(capacity: 256)
    private var combined = GrowingBytes(capacity: 64)

    init(_ family: KeyedFamily, _ range: KeyRange, limit: UInt64) {
        self.family = family
        self.range = range
        self.limit = limit
        tombstones = family.tombstones
        hasTombstones = !family.tombstones.isEmpty
        upper = range.upper
        hasLifetime = family.lifetime != nil
        operation = family.options.operation ?? .last
        lifetime = family.lifetime
        merge = CursorMerge(family.cursors(range))
    }

    private var keyBytes: UnsafeRawBufferPointer {
        isAtEntry ? unsafe merge.withFirst { unsafe $0.key } : unsafe held.bytes
    }

    private var valueBytes: UnsafeRawBufferPointer {
        guard isAtEntry else {
            return unsafe UnsafeRawBufferPointer(
                start: valueBuffer.slab.base, count: valueBuffer.count)
        }
        let value = unsafe merge.withFirst { unsafe $0.value }
        guard hasLifetime else { return unsafe value }
        return unsafe UnsafeRawBufferPointer(rebasing: value.dropFirst(Lifetime.headBytes))
    }

    /// The key it stands at.
    package var key: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeBytes: keyBytes)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The value of the key.
    package var value: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeBytes: valueBytes)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    package var keyArray: [UInt8] { unsafe Array(keyBytes) }
    package var valueArray: [UInt8] { unsafe Array(valueBytes) }

    /// Goes to the first key of the range.
    package func seekToFirst() throws(StorageError) { try seek([]) }

    /// Goes to a key, or to the first one behind it.
    package func seek(_ key: [UInt8]) throws(StorageError) {
        isAtEntry = false
        let start = key.lexicographicallyPrecedes(range.lower) ? range.lower : key
        let slab = Slab(start)
        try unsafe merge.seek(UnsafeRawBufferPointer(start: slab.base, count: start.count))
        try find()
    }

    /// Goes to the next key.
    package func next() throws(StorageError) {
        precondition(isValid, "an iterator moves on from a key")
        if isAtEntry {
            isAtEntry = false
            merge.withFirst { held.set($0) }
            repeat {
                try merge.next()
            } while !merge.isAtEnd && merge.withFirst { held.isKey(of: $0) }
        }
        try find()
    }

    /// Leaves all entries of the key that is held.
    private func skip() throws(StorageError) {
        while !merge.isAtEnd, merge.withFirst({ held.isKey(of: $0) }) { try merge.next() }
    }

    /// Goes on to the next key that has a value.
    private func find() throws(StorageError) {
        isValid = false
        while !merge.isAtEnd {
            switch merge.withFirst({ fate(of: $0) }) {
            case .value:
                isAtEntry = true
                isValid = true
                return
            case .operand:
                if let entry = merge.first { try gather(entry) }
                isValid = true
                return
            case .tooNew: try merge.next()
            case .gone:
                merge.withFirst { held.set($0) }
                try skip()
            case .behind: return
            }
        }
    }

    /// What becomes of a key for the sake of its first entry.
    private enum Fate {
        case value, operand, tooNew, gone, behind
    }

    @inline(__always)
    private func fate(of entry: EntryCursor) -> Fate {
        if let upper, unsafe !KeyRange.precedes(entry.key, upper) { return .behind }
        if entry.version > limit { return .tooNew }
        if entry.kind == .delete || (hasTombstones && isHidden(entry)) { return .gone }
        if hasLifetime, isExpired(entry) { return .gone }
        return entry.kind == .merge ? .operand : .value
    }

    private func isHidden(_ entry: EntryCursor) -> Bool {
        guard hasTombstones else { return false }
        return unsafe tombstones.version(covering: entry.key, limit: limit) > entry.version
    }

    private func isExpired(_ entry: EntryCursor) -> Bool {
        guard let lifetime else { return false }
        return unsafe lifetime.isExpired(entry.value, at: family.watermark)
    }

    /// Puts the operands of a key together with what is under them.
    private func gather(_ first: EntryCursor) throws(StorageError) {
        held.set(first)
        valueBuffer.removeAll()
        unsafe valueBuffer.append(first.valueBase, count: first.valueCount)
        try merge.next()
        while let entry = merge.first, held.isKey(of: entry) {
            if entry.kind == .delete || isHidden(entry) { break }
            combined.removeAll()
            let newer = unsafe UnsafeRawBufferPointer(
                start: valueBuffer.slab.base, count: valueBuffer.count)
            unsafe operation.combine(older: entry.value, newer: newer, to: &combined)
            swap(&valueBuffer, &combined)
            let isBase = entry.kind == .put
            try merge.next()
            if isBase { break }
        }
        try skip()
    }
}

extension KeyedFamily {
    /// An iterator over the keys of a range, in a snapshot or as they are now.
    package func iterator(
        _ range: KeyRange = .all, snapshot: KeyedSnapshot? = nil
    ) -> KeyedIterator {
        if snapshot == nil { memtable.freeze() }
        return KeyedIterator(self, range, limit: snapshot?.version ?? sequence)
    }

    /// Cursors over all there is in a range.
    func cursors(_ range: KeyRange) -> [EntryCursor] {
        var cursors: [EntryCursor] = []
        if memtable.count > 0 { cursors.append(MemtableCursor(currentView())) }
        for index in frozen.indices where frozen[index].table.count > 0 {
            let view = frozen[index].view ?? MemtableView(frozen[index].table)
            frozen[index].view = view
            cursors.append(MemtableCursor(view))
        }
        for (level, files) in levels.enumerated() {
            let chosen = files.filter { $0.range.overlaps(range) }
            if level == 0 {
                cursors += chosen.map { FilesCursor([$0], store.cache) }
            } else if !chosen.isEmpty {
                cursors.append(FilesCursor(chosen, store.cache))
            }
        }
        return cursors
    }

    /// The memtable's frozen entries in order.
    private func currentView() -> MemtableView {
        if let view, view.end == memtable.frozenEnd { return view.view }
        let made = MemtableView(memtable)
        view = (memtable.frozenEnd, made)
        return made
    }
}
