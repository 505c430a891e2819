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
        var builder = SelectionBuilder(capacity: rows.count)
        for row in rows { builder.append(row) }
        self = builder.finish()
    }

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

    package consuming func finish() -> Selection { Selection(slab, count: count) }
}
