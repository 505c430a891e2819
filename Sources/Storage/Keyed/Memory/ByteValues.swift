/// Values of the rows of a batch: bytes of any length each.
///
/// Indexed by physical row. A row that has none is `absent` in `places`.
package struct ByteValues: Sendable {
    /// The bytes of all values.
    package let bytes: Slab
    /// By row, a `UInt64`: the offset of the value in the upper half, its length in bytes in the
    /// lower; or `absent`.
    package let places: Slab

    package init(bytes: Slab, places: Slab) {
        self.bytes = bytes
        self.places = places
    }

    /// The place of a row without a value.
    package static let absent = UInt64.max
}

/// What a family has for the keys of a batch; it may be used again for the next one.
@safe
package final class FoundValues {
    var bytes = GrowingBytes(capacity: 1 << 12)
    private(set) var places = Slab(byteCount: 0)
    /// Rows that there is room for.
    private(set) var rowCount = 0

    package init() {}

    /// Forgets everything, and makes room for so many rows.
    func reset(rowCount: Int) {
        bytes.removeAll()
        if places.byteCount < rowCount * 8 { places = Slab(byteCount: rowCount * 8) }
        self.rowCount = rowCount
    }

    /// The values as they are now: good until the next use.
    package var values: ByteValues { ByteValues(bytes: bytes.slab, places: places) }

    /// By row, see `ByteValues.places`.
    @inline(__always)
    var list: UnsafeMutablePointer<UInt64> {
        unsafe places.base.assumingMemoryBound(to: UInt64.self)
    }

    /// Whether a row's key is there.
    package func isFound(_ row: Int) -> Bool {
        precondition(row < rowCount)
        return unsafe list[row] != ByteValues.absent
    }

    /// The value of a row; good until the next use.
    @_lifetime(borrow self)
    package func value(_ row: Int) -> RawSpan {
        precondition(isFound(row), "a key that is there has a value")
        let span = unsafe RawSpan(_unsafeBytes: bytes(of: row))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// The value of a row that has 8 bytes, as a number; 0 for a key that is not there.
    package func word(_ row: Int) -> Int64 {
        precondition(row < rowCount)
        let place = unsafe list[row]
        guard place != ByteValues.absent, place & 0xffff_ffff == 8 else { return 0 }
        return unsafe bytes.slab.base.loadUnaligned(
            fromByteOffset: Int(truncatingIfNeeded: place &>> 32), as: Int64.self)
    }

    /// Sets the value of a row.
    @inline(__always)
    func set(_ row: Int, _ value: UnsafeRawBufferPointer) {
        unsafe list[row] = UInt64(bytes.count) &<< 32 | UInt64(value.count)
        if let base = value.baseAddress { unsafe bytes.append(base, count: value.count) }
    }

    /// Sets the value of a row that has one, which lies elsewhere.
    func replace(_ row: Int, _ value: UnsafeRawBufferPointer) {
        let place = unsafe list[row]
        guard place & 0xffff_ffff == UInt64(value.count), let base = value.baseAddress else {
            return unsafe set(row, value)
        }
        unsafe (bytes.slab.base + Int(truncatingIfNeeded: place &>> 32)).copyMemory(
            from: base, byteCount: value.count)
    }

    @inline(__always)
    func bytes(of row: Int) -> UnsafeRawBufferPointer {
        let place = unsafe list[row]
        return unsafe UnsafeRawBufferPointer(
            start: bytes.slab.base + Int(truncatingIfNeeded: place &>> 32),
            count: Int(truncatingIfNeeded: place & 0xffff_ffff))
    }
}
