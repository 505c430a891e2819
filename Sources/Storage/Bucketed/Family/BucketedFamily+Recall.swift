/// Bringing keys back from frozen tables and runs.
extension BucketedFamily {
    /// Looks for keys that were just made in the hot table among the older state: what is found
    /// gets its value, and is not new.
    func recall(
        _ bucket: Bucket, _ keys: EncodedKeys, rows: Slab?, count: Int, made: Int, _ entries: Slab
    ) throws(StorageError) {
        let words = unsafe entries.base.assumingMemoryBound(to: UInt32.self)
        let list = unsafe rows.map { unsafe $0.base.assumingMemoryBound(to: UInt32.self) }
        let rest = Slab(byteCount: made * 4)
        let new = unsafe rest.base.assumingMemoryBound(to: UInt32.self)
        var filled = 0
        for index in 0..<count where filled < made {
            let row = unsafe list.map { unsafe $0[index] } ?? UInt32(truncatingIfNeeded: index)
            if unsafe words[Int(row)] & HotTable.isNewMark != 0 {
                unsafe new[filled] = row
                filled &+= 1
            }
        }
        let found = Slab(byteCount: made * 4)
        let scratch = Slab(byteCount: keys.rowCount * 4)
        for frozen in bucket.frozen where filled > 0 {
            frozen.table.find(keys, rows: rest, count: filled, into: scratch)
            let places = unsafe scratch.base.assumingMemoryBound(to: UInt32.self)
            for index in 0..<filled {
                let row = Int(unsafe new[index])
                guard unsafe places[row] != HotTable.absent else { continue }
                unsafe words[row] &= ~HotTable.isNewMark
                unsafe bucket.hot.copyValue(words[row], from: places[row], of: frozen.table)
            }
            filled = unsafe keepNew(new, filled, words)
        }
        let hashes = unsafe keys.hashes.base.assumingMemoryBound(to: UInt64.self)
        for run in bucket.cold where filled > 0 {
            let section = run.section
            var maybe = section.filter.probe(keys.hashes, rows: rest, count: filled, into: found)
            if maybe > 0, let ahead = bucket.ahead, ahead.reads(section) {
                maybe = ahead.filter.probe(keys.hashes, rows: found, count: maybe, into: found)
            }
            let candidates = unsafe found.base.assumingMemoryBound(to: UInt32.self)
            for index in 0..<maybe {
                let row = Int(unsafe candidates[index])
                let (key, keyCount) = unsafe keys.key(row)
                guard
                    let place = unsafe try section.find(
                        hashes[row] &>> 24, key, keyCount: keyCount, store.cache)
                else { continue }
                unsafe words[row] &= ~HotTable.isNewMark
                unsafe bucket.hot.copyValue(words[row], from: place.cursor, of: place.block)
            }
            if maybe > 0 { filled = unsafe keepNew(new, filled, words) }
        }
    }

    /// Keeps the rows that are still new.
    private func keepNew(
        _ rows: UnsafeMutablePointer<UInt32>, _ count: Int, _ words: UnsafeMutablePointer<UInt32>
    ) -> Int {
        var kept = 0
        for index in 0..<count {
            let row = unsafe rows[index]
            unsafe rows[kept] = row
            if unsafe words[Int(row)] & HotTable.isNewMark != 0 { kept &+= 1 }
        }
        return kept
    }

    /// Completes what `HotTable.find` found by older state.
    func recallFound(
        _ bucket: Bucket, _ keys: EncodedKeys, rows: Slab?, count: Int, _ entries: Slab
    ) throws(StorageError) {
        let words = unsafe entries.base.assumingMemoryBound(to: UInt32.self)
        let list = unsafe rows.map { unsafe $0.base.assumingMemoryBound(to: UInt32.self) }
        let hashes = unsafe keys.hashes.base.assumingMemoryBound(to: UInt64.self)
        let one = Slab(byteCount: 4)
        let scratch = Slab(byteCount: keys.rowCount * 4)
        for index in 0..<count {
            let row = unsafe list.map { unsafe Int($0[index]) } ?? index
            unsafe one.base.storeBytes(of: UInt32(truncatingIfNeeded: row), as: UInt32.self)
            var isThere = unsafe words[row] != HotTable.absent
            for frozen in bucket.frozen where !isThere {
                frozen.table.find(keys, rows: one, count: 1, into: scratch)
                isThere = scratch.wordAt(row) != HotTable.absent
            }
            let (key, keyCount) = unsafe keys.key(row)
            for run in bucket.cold where !isThere {
                let section = run.section
                let hash = unsafe hashes[row] &>> 24
                guard section.filter.contains(hash) else { continue }
                if let ahead = bucket.ahead, ahead.reads(section), !ahead.filter.contains(hash) {
                    continue
                }
                isThere =
                    unsafe try section.find(
                        hash, key, keyCount: keyCount, store.cache) != nil
            }
            guard isThere else { continue }
            if valueWidth == 0 {
                unsafe words[row] = 0
            } else {
                let made = bucket.hot.getOrInsert(keys, rows: one, count: 1, into: entries)
                if made > 0 {
                    try recall(bucket, keys, rows: one, count: 1, made: 1, entries)
                }
            }
        }
    }

    /// Brings all of a bucket into its hot table.
    package func load(_ start: Int64) throws(StorageError) -> HotTable? {
        guard let bucket = buckets[start] else { return nil }
        for frozen in bucket.frozen {
            for entry in frozen.table.entries {
                let keys = frozen.table.encodedKey(of: entry)
                let place = Slab(byteCount: 4)
                if bucket.hot.getOrInsert(keys, rows: nil, count: 1, into: place) > 0 {
                    bucket.hot.copyValue(place.wordAt(0), from: entry, of: frozen.table)
                }
            }
        }
        for run in bucket.cold {
            let section = run.section
            try section.run.load(
                section.index, into: bucket.hot, within: store.hashes.clamped(to: section.hashes))
        }
        return bucket.hot
    }
}

extension HashedRun {
    /// Adds what a section has of the keys whose hashes lie in a range, and that are not in the
    /// table yet.
    func load(
        _ index: HashedIndex, into table: HotTable, within hashes: ClosedRange<UInt64>
    ) throws(StorageError) {
        for number in 0..<index.blockCount {
            let block = try block(index.place(number))
            let keys = block.encodedKeys()
            let places = Slab(byteCount: block.count * 4)
            let own = block.rows(within: hashes)
            _ = table.getOrInsert(
                keys, rows: own?.rows, count: own?.count ?? block.count, into: places)
            var cursor = block.start
            while cursor.index < block.count {
                if hashes.contains(cursor.hash) {
                    let entry = places.wordAt(cursor.index)
                    if entry & HotTable.isNewMark != 0 {
                        table.copyValue(entry, from: cursor, of: block)
                    }
                }
                block.advance(&cursor)
            }
        }
    }
}

extension HashedBlock {
    /// The entries whose hashes lie in a range; nil for all of them.
    fileprivate func rows(within hashes: ClosedRange<UInt64>) -> (rows: Slab, count: Int)? {
        let rows = Slab(byteCount: count * 4)
        let list = unsafe rows.base.assumingMemoryBound(to: UInt32.self)
        var filled = 0
        var cursor = start
        while cursor.index < count {
            if hashes.contains(cursor.hash) {
                unsafe list[filled] = UInt32(truncatingIfNeeded: cursor.index)
                filled += 1
            }
            advance(&cursor)
        }
        return filled == count ? nil : (rows, filled)
    }
}

extension Slab {
    /// A word of 32 bits, by its number.
    @inline(__always)
    func wordAt(_ index: Int) -> UInt32 {
        precondition(index >= 0 && index * 4 + 4 <= byteCount)
        return unsafe base.load(fromByteOffset: index &* 4, as: UInt32.self)
    }
}
