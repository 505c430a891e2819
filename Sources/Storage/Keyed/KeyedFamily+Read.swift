/// Reading: the newest entry of each key, with the operands above it.
extension KeyedFamily {
    /// Where the search for a row's key stands.
    private enum Status {
        static let pending: UInt8 = 0
        static let done: UInt8 = 1
        /// There are operands, whose base is not found yet.
        static let merging: UInt8 = 2
    }

    /// Looks the keys of rows up, in a snapshot or as they are now.
    package func get(
        _ keys: EncodedKeys, rows: Slab?, count: Int, snapshot: KeyedSnapshot? = nil,
        into found: FoundValues
    ) throws(StorageError) {
        let rows = hashed(keys, rows: rows, count: count)
        try get(rows, limit: snapshot?.version ?? .max, into: found)
    }

    func get(
        _ rows: KeyedMemtable.Rows, limit: UInt64, into found: FoundValues
    ) throws(StorageError) {
        scratch.reserve(rows.rowCount)
        found.reset(rowCount: rows.rowCount)
        let status = unsafe scratch.status.base.assumingMemoryBound(to: UInt8.self)
        let pending = unsafe scratch.pending.base.assumingMemoryBound(to: UInt32.self)
        for index in 0..<rows.count {
            let row = rows.row(index)
            unsafe status[row] = Status.pending
            unsafe pending[index] = UInt32(truncatingIfNeeded: row)
            unsafe found.list[row] = ByteValues.absent
        }
        var left = rows.count
        if !memtable.isEmpty { look(in: memtable, rows, &left, limit, found) }
        for table in frozen where left > 0 && !table.table.isEmpty {
            look(in: table.table, rows, &left, limit, found)
        }
        guard left > 0, let first = levels.first else { return }
        for file in first where left > 0 {
            try look(in: file, rows, scratch.pending, left, limit, found)
            left = removeDone(left)
        }
        for level in levels.indices.dropFirst() where left > 0 && !levels[level].isEmpty {
            try look(in: level, rows, left, limit, found)
            left = removeDone(left)
        }
    }

    /// Leaves the rows whose search goes on; gives how many.
    private func removeDone(_ count: Int) -> Int {
        let status = unsafe scratch.status.base.assumingMemoryBound(to: UInt8.self)
        let pending = unsafe scratch.pending.base.assumingMemoryBound(to: UInt32.self)
        var left = 0
        for index in 0..<count {
            let row = unsafe pending[index]
            unsafe pending[left] = row
            if unsafe status[Int(row)] != Status.done { left &+= 1 }
        }
        return left
    }

    private func look(
        in table: KeyedMemtable, _ rows: KeyedMemtable.Rows, _ left: inout Int, _ limit: UInt64,
        _ found: FoundValues
    ) {
        let entries = unsafe scratch.entries.base.assumingMemoryBound(to: UInt32.self)
        let pending = unsafe scratch.pending.base.assumingMemoryBound(to: UInt32.self)
        let some = rows.listing(scratch.pending, count: left)
        table.find(some, version: limit, into: scratch.entries)
        for index in 0..<left {
            let row = Int(unsafe pending[index])
            var reference = unsafe entries[row]
            while reference != KeyedMemtable.absent {
                let entry = table.entry(reference)
                let isDone = unsafe take(
                    row, entry.key, entry.kind, entry.version, entry.value, limit, found)
                if isDone { break }
                reference = entry.older &- 1
            }
        }
        left = removeDone(left)
    }

    /// Takes what a source has for a row; says whether nothing older matters.
    @inline(__always)
    private func take(
        _ row: Int, _ key: UnsafeRawBufferPointer, _ kind: EntryKind, _ version: UInt64,
        _ value: UnsafeRawBufferPointer, _ limit: UInt64, _ found: FoundValues
    ) -> Bool {
        let status = unsafe scratch.status.base.assumingMemoryBound(to: UInt8.self)
        if !tombstones.isEmpty,
            unsafe tombstones.version(covering: key, limit: limit) > version
        {
            unsafe status[row] = Status.done
            return true
        }
        if kind == .delete {
            unsafe status[row] = Status.done
            return true
        }
        if unsafe status[row] == Status.merging {
            unsafe combine(row, value, found)
        } else if let lifetime {
            if unsafe !lifetime.isExpired(value, at: watermark) {
                unsafe found.set(
                    row,
                    UnsafeRawBufferPointer(rebasing: value.dropFirst(Lifetime.headBytes)))
            }
        } else {
            unsafe found.set(row, value)
        }
        unsafe status[row] = kind == .put ? Status.done : Status.merging
        return kind == .put
    }

    /// Puts what is older under the operands of a row.
    private func combine(_ row: Int, _ older: UnsafeRawBufferPointer, _ found: FoundValues) {
        guard let operation = options.operation else { return }
        scratch.combined.removeAll()
        unsafe operation.combine(older: older, newer: found.bytes(of: row), to: &scratch.combined)
        unsafe found.replace(
            row,
            UnsafeRawBufferPointer(
                start: scratch.combined.slab.base, count: scratch.combined.count))
    }

    /// Asks a file for rows that are listed.
    private func look(
        in file: KeyedFile, _ rows: KeyedMemtable.Rows, _ list: Slab, _ count: Int,
        _ limit: UInt64, _ found: FoundValues
    ) throws(StorageError) {
        let maybe = unsafe scratch.maybe.base.assumingMemoryBound(to: UInt32.self)
        let held = file.table.mayHold(
            rows.hashed, rows: list, count: count, into: scratch.maybe)
        for index in 0..<held {
            let row = Int(unsafe maybe[index])
            let key = unsafe UnsafeRawBufferPointer(
                start: rows.key(row), count: rows.keyCount(row))
            if file.isClipped, unsafe !file.range.contains(key) { continue }
            guard let entry = try unsafe file.table.find(key, version: limit, store.cache) else {
                continue
            }
            if unsafe take(entry, row, key, limit, found) { continue }
            var older = entry
            while let next = try unsafe file.table.older(
                than: older, of: RawSpan(_unsafeBytes: key), store.cache)
            {
                if unsafe take(next, row, key, limit, found) { break }
                older = next
            }
        }
    }

    @inline(__always)
    private func take(
        _ entry: TableEntry, _ row: Int, _ key: UnsafeRawBufferPointer, _ limit: UInt64,
        _ found: FoundValues
    ) -> Bool {
        let bytes = entry.bytes
        let value = unsafe UnsafeRawBufferPointer(
            start: bytes.slab.base + bytes.range.lowerBound, count: bytes.byteCount)
        return unsafe take(row, key, entry.kind, entry.version, value, limit, found)
    }

    /// Asks the files of a level whose ranges do not overlap: file by file.
    private func look(
        in level: Int, _ rows: KeyedMemtable.Rows, _ count: Int, _ limit: UInt64,
        _ found: FoundValues
    ) throws(StorageError) {
        let files = levels[level]
        let pending = unsafe scratch.pending.base.assumingMemoryBound(to: UInt32.self)
        let numbers = unsafe scratch.files.base.assumingMemoryBound(to: UInt32.self)
        var starts = [Int](repeating: 0, count: files.count + 1)
        for index in 0..<count {
            let row = Int(unsafe pending[index])
            let key = unsafe UnsafeRawBufferPointer(
                start: rows.key(row), count: rows.keyCount(row))
            // One more than the file's place; 0 for none.
            let place = unsafe file(of: key, level) + 1
            unsafe numbers[index] = UInt32(truncatingIfNeeded: place)
            starts[place] += 1
        }
        var total = 0
        for place in starts.indices {
            let size = starts[place]
            starts[place] = total
            total += size
        }
        // The rows in the order of their files.
        let ordered = Slab(byteCount: max(count * 4, 4))
        let out = unsafe ordered.base.assumingMemoryBound(to: UInt32.self)
        for index in 0..<count {
            let place = Int(unsafe numbers[index])
            unsafe out[starts[place]] = pending[index]
            starts[place] += 1
        }
        for place in files.indices {
            let (from, to) = (starts[place], starts[place + 1])
            guard to > from else { continue }
            let list = Slab(byteCount: (to - from) * 4)
            list.copy(SlabSlice(ordered, from * 4..<to * 4), to: 0)
            try look(in: files[place], rows, list, to - from, limit, found)
        }
    }

    /// The file of a level that may have a key; -1 for none.
    private func file(of key: UnsafeRawBufferPointer, _ level: Int) -> Int {
        let word = unsafe KeySort.word(key, at: 0)
        let starts = levelStarts[level]
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low &+ high) &>> 1
            let isBehind: Bool
            if starts[middle] != word {
                isBehind = starts[middle] < word
            } else {
                isBehind = unsafe !KeyRange.precedes(key, levels[level][middle].range.lower)
            }
            if isBehind { low = middle &+ 1 } else { high = middle }
        }
        return low - 1
    }

    /// The value of a key.
    package func get(
        _ key: [UInt8], snapshot: KeyedSnapshot? = nil
    ) throws(StorageError) -> [UInt8]? {
        let (keys, _) = alone(key, nil)
        try get(keys, rows: nil, count: 1, snapshot: snapshot, into: scratch.found)
        guard scratch.found.isFound(0) else { return nil }
        return unsafe Array(scratch.found.bytes(of: 0))
    }
}
