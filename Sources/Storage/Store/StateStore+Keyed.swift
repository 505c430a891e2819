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
        for family in keyedFamilies {
            family.flush()
            let delay = family.takeDelay()
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
}
