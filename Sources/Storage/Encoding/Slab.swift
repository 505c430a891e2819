/// A block of raw memory of fixed size, shared by reference and returned to its pool at the end.
///
/// Everything that flows (input buffers, columns, encoded output) lives in slabs. Whoever fills a
/// slab is its only owner until it hands it on; from then on nobody writes. Behind the usable bytes
/// lie `Slab.slack` bytes that may be read (never relied on), so that kernels load whole words at
/// the end of the data.
@safe @usableFromInline
package final class Slab: @unchecked Sendable {
    // Sendable: the pointer is written by one owner before the slab is shared, and only read after.

    /// Readable bytes behind the end of every slab.
    package static let slack = 64

    /// The first byte; aligned to 16 bytes.
    @usableFromInline package let base: UnsafeMutableRawPointer
    /// Usable bytes; at least what was asked for.
    package let byteCount: Int
    private let sizeClass: Int

    /// Takes a slab of at least `byteCount` bytes from the pool; its content is undefined.
    package init(byteCount: Int) {
        let block = unsafe SlabPool.take(byteCount: byteCount)
        unsafe base = block.base
        self.byteCount = unsafe block.byteCount
        sizeClass = unsafe block.sizeClass
    }

    /// A slab that begins with `bytes`.
    package convenience init(_ bytes: [UInt8]) {
        self.init(byteCount: bytes.count)
        unsafe bytes.withUnsafeBytes { source in
            if let start = source.baseAddress {
                unsafe base.copyMemory(from: start, byteCount: source.count)
            }
        }
    }

    deinit {
        unsafe SlabPool.giveBack(base, byteCount: byteCount, sizeClass: sizeClass)
    }

    /// Sets the first `count` bytes to `value`.
    package func fill(_ value: UInt8, count: Int) {
        precondition(count <= byteCount, "a slab is not filled beyond its end")
        unsafe base.initializeMemory(as: UInt8.self, repeating: value, count: count)
    }

    /// The bytes in `range`.
    @_lifetime(borrow self)
    package func bytes(_ range: Range<Int>) -> RawSpan {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount + Slab.slack)
        let buffer = unsafe UnsafeRawBufferPointer(
            start: base + range.lowerBound, count: range.count)
        let span = unsafe RawSpan(_unsafeBytes: buffer)
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}
