/// Ordinals of rows that a step made: of a source's rows they are places in a chunk, of these they
/// are not.
///
/// The order of the world is that of chunks, of watermarks in a chunk, and of ordinals under one
/// watermark. For results to be the same under any number of workers, an ordinal follows from the
/// row alone, not from what else the worker has.
package enum DerivedOrdinal {
    private static let mark: Int64 = 1 << 62

    /// Of a row that is known by the hash of a key.
    package static func of(hash: Int64) -> Int64 {
        mark | Int64(truncatingIfNeeded: UInt64(bitPattern: hash) >> 2)
    }

    /// Of a row that stood at a place of a chunk, which a source gave.
    package static func of(chunk: Int, place: Int64) -> Int64 {
        let first = Int64(truncatingIfNeeded: chunk) << placeBits
        return mark | (first | min(place, 1 << placeBits - 1)) & (mark - 1)
    }

    /// Chunks have 16 million rows at most.
    private static let placeBits = Int64(24)

    /// Whether an ordinal is one of these.
    package static func isDerived(_ ordinal: Int64) -> Bool { ordinal & mark != 0 }
}
