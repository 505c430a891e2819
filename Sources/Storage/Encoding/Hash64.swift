/// The engine's 64-bit hash, version 1: a fixed function of bytes, the same in every run.
///
/// Keys are spread over workers and key groups by it, so it may change only together with the
/// version. The mixing step is the folded 64 × 64 → 128 bit product of wyhash
/// (Wang Yi, https://github.com/wangyi-fudan/wyhash); it is fast and passes SMHasher, but offers no
/// protection against keys chosen by an adversary. Tables compare whole keys, so a collision
/// costs time, never a wrong answer.
@frozen @usableFromInline
package enum Hash64 {
    @usableFromInline static let secret0: UInt64 = 0xa076_1d64_78bd_642f
    @usableFromInline static let secret1: UInt64 = 0xe703_7ed1_a0b4_28db
    @usableFromInline static let secret2: UInt64 = 0x8ebc_6af0_9c88_c6e3

    /// What a null hashes to.
    @inlinable package static var null: UInt64 { 0x589965cc_75374cc3 }

    /// Multiplies to 128 bits and folds the halves together.
    @inlinable @inline(__always)
    package static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }

    /// Hashes one 64-bit word.
    @inlinable @inline(__always)
    package static func hash(_ word: UInt64) -> UInt64 {
        mix(word ^ 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db)
    }

    /// Hashes two 64-bit words.
    @inlinable @inline(__always)
    package static func hash(_ low: UInt64, _ high: UInt64) -> UInt64 {
        mix(low ^ 0xa076_1d64_78bd_642f, high ^ 0xe703_7ed1_a0b4_28db)
    }

    /// Adds the hash of a further key column to `first`.
    @inlinable @inline(__always)
    package static func combine(_ first: UInt64, _ second: UInt64) -> UInt64 {
        mix(first ^ 0x8ebc_6af0_9c88_c6e3, second ^ 0xa076_1d64_78bd_642f)
    }

    /// Hashes `count` bytes at `base`.
    @usableFromInline package static func hash(_ base: UnsafeRawPointer, count: Int) -> UInt64 {
        var state = secret2 ^ UInt64(truncatingIfNeeded: count)
        var offset = 0
        while offset + 16 <= count {
            let low = unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let high = unsafe base.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
            state = mix(low ^ secret0 ^ state, high ^ secret1)
            offset += 16
        }
        var low: UInt64 = 0
        var high: UInt64 = 0
        var shift: UInt64 = 0
        while offset < count {
            let byte = UInt64(unsafe base.load(fromByteOffset: offset, as: UInt8.self))
            if shift < 64 { low |= byte << shift } else { high |= byte << (shift - 64) }
            shift += 8
            offset += 1
        }
        return mix(low ^ secret1 ^ state, high ^ secret2)
    }
}
