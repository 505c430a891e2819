import Storage

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

/// A seeded generator (Sebastiano Vigna's splitmix64).
struct FormatsRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
