import Storage
import TestSupport

/// Text in a slab, as decoders see it; what stands behind it are digits, which must not count.
@safe
struct FormatsInput {
    let slab: Slab
    let count: Int

    init(_ text: String) { self.init(Array(text.utf8)) }

    init(_ bytes: [UInt8]) {
        slab = Slab(byteCount: bytes.count)
        count = bytes.count
        slab.fill(0x37, count: slab.byteCount)
        for (index, byte) in bytes.enumerated() {
            unsafe slab.base.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
    }

    var start: UnsafeRawPointer { unsafe UnsafeRawPointer(slab.base) }
    var end: UnsafeRawPointer { unsafe start + count }
}

/// What a writer wrote, as a string.
enum FormatsOutput {
    static func text(
        _ write: (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer
    ) -> String {
        let slab = Slab(byteCount: 1024)
        let end = unsafe write(slab.base)
        let bytes = unsafe UnsafeRawBufferPointer(start: slab.base, count: end - slab.base)
        return unsafe String(decoding: bytes, as: UTF8.self)
    }
}

extension SplitMix64 {
    /// A number below `bound`.
    mutating func next(below bound: Int) -> Int { int(0..<bound) }
}
