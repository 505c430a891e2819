/// The keys of a batch as flat bytes, with their hashes: what keyed state is asked for.
///
/// Indexed by physical row; rows that are not asked for are undefined. Every key starts at a
/// multiple of 8 and is padded with zeros to one, so that keys are compared and copied as words.
package struct EncodedKeys: Sendable {
    /// The bytes of all keys.
    package let bytes: Slab
    /// By row, a `UInt64`: the offset of the key in the upper half, its length in bytes in the
    /// lower.
    package let places: Slab
    /// By row, a `UInt64`.
    package let hashes: Slab
    /// Physical rows.
    package let rowCount: Int
    /// Rows that were asked for, and whose keys are too long: they have none.
    package let refused: [Int]

    package init(
        bytes: Slab, places: Slab, hashes: Slab, rowCount: Int, refused: [Int] = []
    ) {
        self.bytes = bytes
        self.refused = refused
        self.places = places
        self.hashes = hashes
        self.rowCount = rowCount
    }
}
