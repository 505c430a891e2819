package import Storage

extension Slab {
    /// The `UInt32` at a place.
    package func word(_ place: Int) -> UInt32 {
        let bytes = bytes(place * 4..<place * 4 + 4)
        return unsafe bytes.unsafeLoad(as: UInt32.self)
    }

    /// Sets the `UInt32` at a place, while this is the slab's only use.
    package func setWord(_ place: Int, to word: UInt32) {
        storeWord(word, at: place * 4)
    }
}

extension EncodedKeys {
    /// The hash of a row's key.
    package func hash(_ row: Int) -> Int64 {
        Int64(hashes.word(row * 2)) | Int64(hashes.word(row * 2 + 1)) << 32
    }
}
