import Storage

/// A batch of keys of one width, as they are before a store sees them.
@safe
final class StoreKeys {
    /// Operations of a batch.
    static let countMax = 4096

    /// Bytes of a key; a multiple of 8.
    let keyBytes: Int
    /// Keys in use.
    private(set) var count = 0
    /// The digest of all keys there have been.
    private(set) var digest: UInt64 = 0
    private let bytes: Slab
    private let places: Slab
    private let hashes: Slab

    init(keyBytes: Int) {
        self.keyBytes = keyBytes
        bytes = Slab(byteCount: Self.countMax * keyBytes)
        places = Slab(byteCount: Self.countMax * 8)
        hashes = Slab(byteCount: Self.countMax * 8)
        for row in 0..<Self.countMax {
            unsafe places.base.storeBytes(
                of: UInt64(row * keyBytes) << 32 | UInt64(keyBytes), toByteOffset: row * 8,
                as: UInt64.self)
        }
    }

    func removeAll() { count = 0 }

    /// Adds a key that ends with the digits of `word`; one of 24 bytes has a fixed start.
    @inline(__always)
    func add(_ word: UInt64) {
        precondition(count < Self.countMax)
        var place = unsafe bytes.base + count &* keyBytes
        if keyBytes == 24 {
            // "ord-eu1-"
            unsafe place.storeBytes(of: 0x2d31_7565_2d64_726f, as: UInt64.self)
            unsafe place += 8
        }
        let (first, second) = StoreRandom.hexadecimal(word)
        unsafe place.storeBytes(of: first, as: UInt64.self)
        unsafe place.storeBytes(of: second, toByteOffset: 8, as: UInt64.self)
        count &+= 1
        digest = StoreRandom.digest(digest, word)
    }

    /// The keys with their hashes, which are computed here: part of the work that is measured.
    func encoded() -> EncodedKeys {
        let out = unsafe hashes.base.assumingMemoryBound(to: UInt64.self)
        for row in 0..<count {
            unsafe out[row] = Hash64.hash(bytes.base + row &* keyBytes, count: keyBytes)
        }
        return EncodedKeys(bytes: bytes, places: places, hashes: hashes, rowCount: count)
    }
}
