/// Bytes that are added one behind the other, over a slab that grows.
@safe
struct GrowingBytes: ~Copyable {
    private(set) var slab: Slab
    private(set) var count = 0

    init(capacity: Int) { slab = Slab(byteCount: capacity) }

    /// Where `further` bytes may be written, behind what is there; they count from now on.
    @inline(__always)
    mutating func extend(by further: Int) -> UnsafeMutableRawPointer {
        if count &+ further > slab.byteCount { grow(further) }
        let place = unsafe slab.base + count
        count &+= further
        return unsafe place
    }

    @inline(never)
    private mutating func grow(_ further: Int) {
        let larger = Slab(byteCount: max(slab.byteCount * 2, count + further))
        larger.copy(SlabSlice(slab, 0..<count), to: 0)
        slab = larger
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeRawPointer, count added: Int) {
        unsafe extend(by: added).copyMemory(from: bytes, byteCount: added)
    }

    @inline(__always)
    mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value) {
        unsafe extend(by: MemoryLayout<Value>.size).storeBytes(
            of: value.littleEndian, as: Value.self)
    }

    mutating func append(_ other: borrowing GrowingBytes) {
        unsafe append(other.slab.base, count: other.count)
    }

    mutating func append(_ slice: SlabSlice) {
        unsafe append(slice.slab.base + slice.range.lowerBound, count: slice.byteCount)
    }

    /// Appends the low `width` bytes of a number.
    @inline(__always)
    mutating func append(_ value: UInt64, width: Int) {
        // The whole word is written, and less of it counts.
        let place = unsafe extend(by: width &+ 8)
        unsafe place.storeBytes(of: value.littleEndian, as: UInt64.self)
        count &-= 8
    }

    /// Forgets everything, and keeps the memory.
    mutating func removeAll() { count = 0 }

    /// Gives the bytes away, and starts afresh.
    mutating func take() -> SlabSlice {
        let taken = SlabSlice(slab, 0..<count)
        slab = Slab(byteCount: max(count, 64))
        count = 0
        return taken
    }
}
