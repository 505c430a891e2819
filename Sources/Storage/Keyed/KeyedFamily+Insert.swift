/// Reading and writing at once: what is missing is made.
extension KeyedFamily {
    /// Finds the values of rows, or sets them where there are none.
    ///
    /// Rows that name the same new key agree: the first one makes it. Gives how many keys were
    /// made; by row, `isNew` gets a byte, 1 for the row that made its key.
    package func getOrInsert(
        _ keys: EncodedKeys, rows: Slab?, count: Int, values: ByteValues, into found: FoundValues,
        isNew: Slab? = nil
    ) throws(StorageError) -> Int {
        let rows = hashed(keys, rows: rows, count: count)
        try get(rows, limit: .max, into: found)
        scratch.reserve(rows.rowCount)
        let marks = unsafe isNew?.base.assumingMemoryBound(to: UInt8.self)
        let missing = unsafe scratch.pending.base.assumingMemoryBound(to: UInt32.self)
        var missingCount = 0
        for index in 0..<count {
            let row = rows.row(index)
            unsafe marks?[row] = 0
            unsafe missing[missingCount] = UInt32(truncatingIfNeeded: row)
            if !found.isFound(row) { missingCount &+= 1 }
        }
        guard missingCount > 0 else { return 0 }
        let absent = rows.listing(scratch.pending, count: missingCount)
        try check(absent, values)
        sequence += 1
        memtable.watermark = watermark
        var made = 0
        for index in 0..<missingCount {
            let row = absent.row(index)
            if insert(absent, row, values, found) {
                made &+= 1
                unsafe marks?[row] = 1
            }
        }
        try settleMemory()
        return made
    }

    /// Sets the value of a row, unless a row before it has; says whether it did.
    private func insert(
        _ rows: KeyedMemtable.Rows, _ row: Int, _ values: ByteValues, _ found: FoundValues
    ) -> Bool {
        let headBytes = options.lifetime == nil ? 0 : Lifetime.headBytes
        memtable.reserve(1)
        let (hash, key, keyCount) = unsafe (rows.hash(row), rows.key(row), rows.keyCount(row))
        let place = unsafe memtable.locate(hash, key, keyCount)
        if place.entry != KeyedMemtable.absent {
            let entry = memtable.entry(place.entry)
            if entry.version == sequence {
                unsafe found.set(
                    row, UnsafeRawBufferPointer(rebasing: entry.value.dropFirst(headBytes)))
                return false
            }
        }
        let list = unsafe values.places.base.assumingMemoryBound(to: UInt64.self)
        let word = unsafe list[row]
        var value = unsafe UnsafeRawBufferPointer(
            start: values.bytes.base + Int(truncatingIfNeeded: word &>> 32),
            count: Int(truncatingIfNeeded: word & 0xffff_ffff))
        unsafe found.set(row, value)
        if headBytes > 0 {
            scratch.values.removeAll()
            scratch.values.append(watermark)
            if let base = value.baseAddress {
                unsafe scratch.values.append(base, count: value.count)
            }
            unsafe value = UnsafeRawBufferPointer(
                start: scratch.values.slab.base, count: scratch.values.count)
        }
        unsafe memtable.set(
            place, hash, key, keyCount, kind: .put, version: sequence, value: value)
        return true
    }
}
