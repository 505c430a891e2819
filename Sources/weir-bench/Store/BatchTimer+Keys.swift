import Storage

extension BatchTimer {
    /// Adds `count` operations to batches of keys, and times what is done with each batch.
    mutating func time(
        _ count: Int, _ keys: StoreKeys, adding add: (_ operation: Int) -> Void,
        _ work: (EncodedKeys) throws -> Void
    ) rethrows {
        for start in stride(from: 0, to: count, by: StoreKeys.countMax) {
            keys.removeAll()
            for operation in start..<min(start + StoreKeys.countMax, count) { add(operation) }
            begin()
            try work(keys.encoded())
            end()
        }
    }
}
