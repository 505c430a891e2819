public import Storage

/// The rows of a batch that count, in order: all of the first `count`, or those that are listed.
///
/// A filter narrows the selection and moves no data.
@frozen @usableFromInline
package struct Selection: Sendable {
    @usableFromInline let slab: Slab?
    /// Selected rows.
    @usableFromInline package let count: Int

    /// All of the first `count` rows.
    package init(all count: Int) {
        slab = nil
        self.count = count
    }

    /// The rows whose indices `slab` lists, as ascending `UInt32`.
    package init(_ slab: Slab, count: Int) {
        self.slab = slab
        self.count = count
    }

    /// The listed rows, ascending.
    package init(_ rows: [Int]) {
        self.init(words: rows.map { UInt32($0) })
    }

    /// The listed rows, ascending.
    package init(words rows: [UInt32]) {
        let slab = Slab(byteCount: rows.count * 4)
        for (place, row) in rows.enumerated() {
            unsafe slab.base.storeBytes(of: row, toByteOffset: place * 4, as: UInt32.self)
        }
        self.init(slab, count: rows.count)
    }

    /// The rows whose word in `words` (a `UInt32` by row) has a bit of `mask` set, in order.
    package func marked(_ mask: UInt32, in words: Slab) -> Selection {
        var builder = SelectionBuilder(capacity: count)
        let values = unsafe words.base.assumingMemoryBound(to: UInt32.self)
        let out = unsafe builder.base.assumingMemoryBound(to: UInt32.self)
        var kept = 0
        forEach { row in
            // Writing always and counting only what is kept leaves the loop without branches.
            unsafe out[kept] = UInt32(truncatingIfNeeded: row)
            kept &+= unsafe values[row] & mask != 0 ? 1 : 0
        }
        builder.setCount(kept)
        return kept == count ? self : builder.finish()
    }

    /// The rows whose word in `words` (a `UInt32` by row) is `value`, in order.
    package func rows(with value: UInt32, in words: Slab) -> Selection {
        var builder = SelectionBuilder(capacity: count)
        let values = unsafe words.base.assumingMemoryBound(to: UInt32.self)
        forEach { row in
            if unsafe values[row] == value { builder.append(row) }
        }
        return builder.finish()
    }

    /// The rows that are listed, as memory; nil for all.
    package var listing: Slab? { slab }

    /// Whether every row from 0 up to `count` is selected.
    @inlinable package var isDense: Bool { slab == nil }

    package var isEmpty: Bool { count == 0 }

    /// The listed rows; only where the selection is not dense.
    package var rows: Span<UInt32> {
        @_lifetime(borrow self) get {
            guard let slab else { preconditionFailure("a dense selection lists no rows") }
            let span = unsafe Span<UInt32>(
                _unsafeStart: slab.base.assumingMemoryBound(to: UInt32.self), count: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The row at a place of the selection.
    package subscript(place: Int) -> Int {
        precondition(place >= 0 && place < count)
        guard let slab else { return place }
        return Int(unsafe slab.base.load(fromByteOffset: place * 4, as: UInt32.self))
    }

    /// Calls `body` for every selected row, in order.
    @inlinable @inline(__always)
    package func forEach<E: Error>(_ body: (Int) throws(E) -> Void) throws(E) {
        guard let slab else {
            for row in 0..<count { try body(row) }
            return
        }
        let rows = unsafe listed(slab)
        for place in 0..<count { try body(Int(unsafe rows[place])) }
    }

    @usableFromInline
    func listed(_ slab: Slab) -> UnsafePointer<UInt32> {
        unsafe UnsafePointer(slab.base.assumingMemoryBound(to: UInt32.self))
    }
}

/// Collects the rows of a selection; has room for as many as it was made with.
package struct SelectionBuilder: ~Copyable {
    private let slab: Slab
    private let capacity: Int
    package private(set) var count = 0

    package init(capacity: Int) {
        slab = Slab(byteCount: capacity * 4)
        self.capacity = capacity
    }

    /// Adds a row behind the last one.
    @inline(__always)
    package mutating func append(_ row: Int) {
        precondition(count < capacity, "a selection has no more rows than its batch")
        unsafe slab.base.storeBytes(
            of: UInt32(truncatingIfNeeded: row), toByteOffset: count &* 4, as: UInt32.self)
        count &+= 1
    }

    /// Room for all rows, to be written from the front; follow it with `setCount`.
    package var storage: MutableSpan<UInt32> {
        @_lifetime(&self) mutating get {
            let span = unsafe MutableSpan<UInt32>(
                _unsafeStart: slab.base.assumingMemoryBound(to: UInt32.self), count: capacity)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// Says how many rows were written to `storage`.
    package mutating func setCount(_ count: Int) {
        precondition(count <= capacity)
        self.count = count
    }

    /// The memory of the rows.
    var base: UnsafeMutableRawPointer { unsafe slab.base }

    package consuming func finish() -> Selection { Selection(slab, count: count) }
}
