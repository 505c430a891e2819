/// The share that keyed families have of the budget.
extension StateStore {
    /// Flushes keyed tables where they take more than two fifths of the budget, and holds writers
    /// back where merges do not keep up.
    func balanceKeyed(_ budget: Int) throws(StorageError) {
        let limit = budget * 2 / 5
        let active = keyedFamilies.reduce(0) { $0 + $1.tableBytes - $1.frozenBytes }
        if active > limit / 2,
            let largest = keyedFamilies.max(by: {
                $0.tableBytes - $0.frozenBytes < $1.tableBytes - $1.frozenBytes
            }), largest.options.tableBytes == nil
        {
            largest.freeze()
        }
        let fullness = keyedFullness(limit)
        for family in keyedFamilies {
            family.flush()
            let delay = family.takeDelay(pressure: fullness)
            if delay > 0 {
                statistics.waits += 1
                executor.wait(completions.waker, milliseconds: delay)
                try takeCompletions()
            }
        }
        while keyedFamilies.contains(where: { $0.isStopped })
            || (keyedFamilies.contains(where: { $0.isFlushing })
                && keyedFamilies.reduce(0) { $0 + $1.tableBytes } > limit)
        {
            statistics.waits += 1
            executor.wait(completions.waker, milliseconds: Self.waitMilliseconds)
            try takeCompletions()
        }
    }

    /// How much flushes are behind, as `KeyedFamily.pressure`: writers wait the longer the nearer
    /// tables come to their limit, from 17 twentieths of it on, and need not stop there at once.
    private func keyedFullness(_ limit: Int) -> Int {
        let start = limit / 20 * 17
        let bytes = keyedFamilies.reduce(0) { $0 + $1.tableBytes }
        guard bytes > start, keyedFamilies.contains(where: { $0.isFlushing }) else { return 0 }
        return min((bytes - start) * 1000 / max(limit - start, 1), 1000)
    }
}
