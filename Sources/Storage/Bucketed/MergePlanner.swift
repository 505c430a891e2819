/// Decides which runs of a bucket are merged; a pure function of their sizes.
///
/// A bucket has few runs as long as it has memory, and is asked in each of them. When it has
/// `runsMax`, the newest ones of similar size become one, so that every entry is rewritten once
/// for each time that the bucket grows by that factor.
enum MergePlanner {
    /// The range of runs to merge, out of `sizes` in bytes with the newest first; nil for none.
    static func choose(_ sizes: [Int], runsMax: Int) -> Range<Int>? {
        guard sizes.count >= runsMax else { return nil }
        var total = 0
        var count = 0
        for size in sizes {
            if count >= max(2, runsMax / 2) && size > total { break }
            total += size
            count += 1
        }
        return 0..<count
    }
}
