/// The share that filters have of the budget.
extension StateStore {
    /// What the budget leaves for what is counted: background jobs and pooled memory are not.
    var countedBytes: Int { options.memoryBytes - options.memoryBytes / 7 }

    /// Bytes of filters, at most: they save more reading than cached blocks do.
    private var filterBytesMax: Int { countedBytes / 10 * 6 }

    /// Bits of a filter for each key of a run that adds `count` keys: fewer of them where all
    /// filters together would take too much.
    func filterBitsPerKey(adding count: Int) -> Int {
        let keys = families.reduce(count) { $0 + $1.coldCount }
        // Runs to come need some, too, before the largest one is written anew.
        let most = max(filterBytesMax * 8 / max(keys + keys / 2, 1), 3)
        return min(options.filterBitsPerKey, most)
    }

    /// Parts of filters, of 128 KiB at most, that are read between two batches.
    private static let filterPartsAtOnce = 3

    /// Keeps filters within their share: what is too much is forgotten, and what there is
    /// room for is read again, a few parts at a time.
    func balanceFilters() throws(StorageError) {
        let rest = filterBytesMax - memory.filters
        if rest < 0 {
            families.max { $0.filterBytes < $1.filterBytes }?.dropFilterParts(-rest)
        } else if rest > Self.filterPartsAtOnce << 17 {
            for _ in 0..<Self.filterPartsAtOnce {
                var isDone = true
                for family in families where isDone { isDone = try !family.readFilterPart() }
                if isDone { return }
            }
        }
    }
}
