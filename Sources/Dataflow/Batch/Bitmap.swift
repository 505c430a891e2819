package import Storage

/// One bit a row, 1 for valid: the validity of a column.
///
/// Bits of rows beyond the count are undefined.
package struct Bitmap: Sendable {
    private let slab: Slab
    /// Rows that have a bit.
    package let count: Int

    /// A bitmap of `count` rows, all of them `valid` or none.
    package init(count: Int, valid: Bool) {
        slab = Slab(byteCount: (count + 63) / 64 * 8)
        self.count = count
        slab.fill(valid ? 0xff : 0, count: (count + 63) / 64 * 8)
    }

    /// Takes over the bits of `count` rows that stand in `slab`; nobody else writes them.
    package init(count: Int, bits slab: Slab) {
        precondition((count + 63) / 64 * 8 <= slab.byteCount, "a bitmap has a bit for every row")
        self.slab = slab
        self.count = count
    }

    /// The bits, 64 rows a word, the first row lowest.
    package var words: Span<UInt64> {
        @_lifetime(borrow self) get {
            let span = unsafe Span(
                _unsafeStart: slab.base.assumingMemoryBound(to: UInt64.self),
                count: (count + 63) / 64)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The address of the bits, for the encoders' row loops.
    package var bytes: UnsafePointer<UInt8> {
        unsafe UnsafePointer(slab.base.assumingMemoryBound(to: UInt8.self))
    }

    package subscript(row: Int) -> Bool {
        precondition(row >= 0 && row < count)
        let byte = unsafe slab.base.load(fromByteOffset: row >> 3, as: UInt8.self)
        return byte & (1 &<< UInt8(truncatingIfNeeded: row & 7)) != 0
    }

    /// Sets the bit of a row; only while nobody else holds the bitmap.
    package func set(_ row: Int, valid: Bool) {
        precondition(row >= 0 && row < count)
        let mask: UInt8 = 1 &<< UInt8(truncatingIfNeeded: row & 7)
        let byte = unsafe slab.base.load(fromByteOffset: row >> 3, as: UInt8.self)
        let changed = valid ? byte | mask : byte & ~mask
        unsafe slab.base.storeBytes(of: changed, toByteOffset: row >> 3, as: UInt8.self)
    }

    /// Sets the bits of 64 rows; only while nobody else holds the bitmap.
    package func setWord(_ index: Int, _ bits: UInt64) {
        precondition(index >= 0 && index < (count + 63) / 64)
        unsafe slab.base.storeBytes(of: bits, toByteOffset: index * 8, as: UInt64.self)
    }
}
