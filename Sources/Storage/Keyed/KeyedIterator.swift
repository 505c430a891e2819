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
    /// Whether it stands at a key.
    package private(set) var isValid = false
    /// The entry it stands at, unless it had to go further to know the value.
    private var current: EntryCursor?
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
        operation = family.options.operation ?? .last
        lifetime = family.lifetime
        merge = CursorMerge(family.cursors(range))
    }

    private var keyBytes: UnsafeRawBufferPointer {
        if let current { return unsafe current.key }
        return unsafe held.bytes
    }

    private var valueBytes: UnsafeRawBufferPointer {
        guard let current else {
            return unsafe UnsafeRawBufferPointer(
                start: valueBuffer.slab.base, count: valueBuffer.count)
        }
        guard lifetime != nil else { return unsafe current.value }
        return unsafe UnsafeRawBufferPointer(
            rebasing: current.value.dropFirst(Lifetime.headBytes))
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
        current = nil
        let start = key.lexicographicallyPrecedes(range.lower) ? range.lower : key
        let slab = Slab(start)
        try unsafe merge.seek(UnsafeRawBufferPointer(start: slab.base, count: start.count))
        try find()
    }

    /// Goes to the next key.
    package func next() throws(StorageError) {
        precondition(isValid, "an iterator moves on from a key")
        if let current {
            held.set(current)
            self.current = nil
            try skip()
        }
        try find()
    }

    /// Leaves all entries of the key that is held.
    private func skip() throws(StorageError) {
        while let entry = merge.first, held.isKey(of: entry) { try merge.next() }
    }

    /// Goes on to the next key that has a value.
    private func find() throws(StorageError) {
        isValid = false
        while let entry = merge.first {
            if let upper, unsafe !KeyRange.precedes(entry.key, upper) { return }
            if entry.version > limit {
                try merge.next()
                continue
            }
            let isGone = entry.kind == .delete || isHidden(entry) || isExpired(entry)
            if isGone {
                held.set(entry)
                try skip()
                continue
            }
            if entry.kind == .merge {
                try gather(entry)
            } else {
                current = entry
            }
            isValid = true
            return
        }
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
