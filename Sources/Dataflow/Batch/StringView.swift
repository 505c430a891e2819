public import Storage

/// Sixteen bytes that stand for a string: short ones inline, long ones by address.
///
///     count <= 12   | count: 4 | bytes: 12, padded with zeros |
///     count >  12   | count: 4 | first 4 bytes | address: 8   |
///
/// A view keeps nothing alive: the column that holds it owns the slabs its views point into. State
/// and held rows never keep views. Equal strings have equal words when they are short, so most
/// comparisons touch no memory.
@frozen @usableFromInline
package struct StringView: BitwiseCopyable, @unchecked Sendable {
    // Sendable: the bytes behind an address are never written once a view of them exists.
    @usableFromInline let low: UInt64
    @usableFromInline let high: UInt64

    /// The longest string that is held inline, in bytes.
    @inlinable package static var inlineCountMax: Int { 12 }

    @inlinable @inline(__always)
    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// The empty string.
    @inlinable package static var empty: StringView { StringView(low: 0, high: 0) }

    /// A view of `count` bytes at `base`, behind which `Slab.slack` bytes may be read.
    @inlinable @inline(__always)
    package init(_ base: UnsafeRawPointer, count: Int) {
        let first = UInt64(unsafe base.loadUnaligned(as: UInt32.self))
        if count > 12 {
            low = UInt64(truncatingIfNeeded: count) | first << 32
            high = UInt64(UInt(bitPattern: base))
        } else if count > 4 {
            let rest = unsafe base.loadUnaligned(fromByteOffset: 4, as: UInt64.self)
            low = UInt64(truncatingIfNeeded: count) | first << 32
            high = rest & (~0 &>> UInt64(truncatingIfNeeded: 96 &- count &* 8))
        } else {
            let mask = (1 as UInt64) &<< UInt64(truncatingIfNeeded: count &* 8) &- 1
            low = UInt64(truncatingIfNeeded: count) | (first & mask) << 32
            high = 0
        }
    }

    /// The length in bytes of UTF-8.
    @inlinable @inline(__always)
    package var count: Int { Int(truncatingIfNeeded: low & 0xffff_ffff) }

    @inlinable @inline(__always)
    package var isInline: Bool { count <= 12 }

    /// The address of the bytes; only for a view that is not inline.
    @inlinable @inline(__always)
    package var address: UnsafeRawPointer {
        unsafe UnsafeRawPointer(bitPattern: UInt(high)).unsafelyUnwrapped
    }

    /// The bytes of an inline string as two little-endian words, padded with zeros.
    @inlinable @inline(__always)
    package var inlineWords: (UInt64, UInt64) { (low &>> 32 | high &<< 32, high &>> 32) }

    /// Calls `body` with the bytes.
    @inlinable @inline(__always)
    package func withBytes<R, E: Error>(_ body: (RawSpan) throws(E) -> R) throws(E) -> R {
        if isInline {
            let words = (low &>> 32 | high &<< 32, high &>> 32)
            return try StringView.withSpan(of: words, count: count, body)
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: address, count: count)
        return try unsafe body(RawSpan(_unsafeBytes: bytes))
    }

    @inlinable @inline(__always)
    static func withSpan<R, E: Error>(
        of words: (UInt64, UInt64), count: Int, _ body: (RawSpan) throws(E) -> R
    ) throws(E) -> R {
        try unsafe withUnsafePointer(to: words) { pointer throws(E) -> R in
            let bytes = unsafe UnsafeRawBufferPointer(start: pointer, count: count)
            return try unsafe body(RawSpan(_unsafeBytes: bytes))
        }
    }

    /// Copies the bytes to `target`, which has room for them and for `Slab.slack` more.
    @inlinable @inline(__always)
    package func copy(to target: UnsafeMutableRawPointer) {
        if isInline {
            unsafe target.storeBytes(of: low &>> 32 | high &<< 32, as: UInt64.self)
            unsafe target.storeBytes(of: high &>> 32, toByteOffset: 8, as: UInt64.self)
        } else {
            unsafe target.copyMemory(from: address, byteCount: count)
        }
    }

    /// The hash of the bytes.
    @inlinable @inline(__always)
    package var hash: UInt64 {
        isInline ? Hash64.hash(low, high) : unsafe Hash64.hash(address, count: count)
    }

    /// Whether both views hold the same bytes.
    @inlinable @inline(__always)
    package static func == (a: StringView, b: StringView) -> Bool {
        guard a.low == b.low else { return false }
        return a.high == b.high || (!a.isInline && a.sameLongBytes(as: b))
    }

    @usableFromInline
    func sameLongBytes(as other: StringView) -> Bool {
        compare(to: other) == 0
    }

    /// The order of the bytes: negative, zero or positive (the order of Unicode scalars).
    package func compare(to other: StringView) -> Int {
        withBytes { mine in
            other.withBytes { theirs in
                let shared = min(mine.byteCount, theirs.byteCount)
                for index in 0..<shared {
                    let a = unsafe mine.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                    let b = unsafe theirs.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                    if a != b { return a < b ? -1 : 1 }
                }
                return mine.byteCount - theirs.byteCount
            }
        }
    }
}

extension StringView {
    /// The string, for messages and tests; not for the data path.
    package var description: String {
        withBytes { bytes in
            unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
    }
}
