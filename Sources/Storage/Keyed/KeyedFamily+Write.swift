import Glibc

/// Changes: whole columns of keys at once, or single ones.
///
/// Rows that name the same key are done in order. Keys are encoded as `EncodedKeys` says; the
/// family hashes their bytes itself, since files keep filters by that hash.
extension KeyedFamily {
    /// Hashes the keys of rows.
    func hashed(_ keys: EncodedKeys, rows: Slab?, count: Int) -> KeyedMemtable.Rows {
        scratch.reserve(keys.rowCount)
        let hashes = scratch.hashes
        let out = unsafe hashes.base.assumingMemoryBound(to: UInt64.self)
        let rows = KeyedMemtable.Rows(keys, hashes: hashes, rows: rows, count: count)
        for index in 0..<count {
            let row = rows.row(index)
            unsafe out[row] = Hash64.hash(rows.key(row), count: rows.keyCount(row))
        }
        return rows
    }

    /// Sets the values of rows.
    package func put(
        _ keys: EncodedKeys, rows: Slab?, count: Int, values: ByteValues
    ) throws(StorageError) {
        try change(hashed(keys, rows: rows, count: count), .put, values)
    }

    /// Sets the values of rows to words of 8 bytes, one for every row.
    package func put(
        _ keys: EncodedKeys, rows: Slab?, count: Int, words: Slab
    ) throws(StorageError) {
        let rows = hashed(keys, rows: rows, count: count)
        guard options.lifetime == nil else { return try change(rows, .put, asValues(rows, words)) }
        sequence += 1
        memtable.put(rows, words: words, version: sequence)
        try settleMemory()
    }

    /// Deletes the keys of rows.
    package func delete(_ keys: EncodedKeys, rows: Slab?, count: Int) throws(StorageError) {
        try change(hashed(keys, rows: rows, count: count), .delete, nil)
    }

    /// Merges operands into the values of rows.
    package func merge(
        _ keys: EncodedKeys, rows: Slab?, count: Int, values: ByteValues
    ) throws(StorageError) {
        try change(hashed(keys, rows: rows, count: count), .merge, values)
    }

    /// Merges operands of 8 bytes into the values of rows.
    package func merge(
        _ keys: EncodedKeys, rows: Slab?, count: Int, words: Slab
    ) throws(StorageError) {
        let rows = hashed(keys, rows: rows, count: count)
        guard options.lifetime == nil else {
            return try change(rows, .merge, asValues(rows, words))
        }
        guard let operation = options.operation else { throw noOperator }
        sequence += 1
        memtable.merge(rows, words: words, by: operation, version: sequence)
        try settleMemory()
    }

    private var noOperator: StorageError {
        StorageError(
            .other, operation: "merge", path: store.directory.path,
            cause: "the family '\(name)' has no merge operator")
    }

    /// Words of rows as values.
    func asValues(_ rows: KeyedMemtable.Rows, _ words: Slab) -> ByteValues {
        let places = Slab(byteCount: words.byteCount)
        let list = unsafe places.base.assumingMemoryBound(to: UInt64.self)
        for index in 0..<rows.count {
            let row = rows.row(index)
            unsafe list[row] = UInt64(row) << 35 | 8
        }
        return ByteValues(bytes: words, places: places)
    }

    /// Changes rows; all of it has one version.
    func change(
        _ rows: KeyedMemtable.Rows, _ change: KeyedMemtable.Change, _ values: ByteValues?
    ) throws(StorageError) {
        if change == .merge, options.operation == nil { throw noOperator }
        if let values { try check(rows, values) }
        sequence += 1
        if options.lifetime == nil {
            memtable.write(rows, change, values, version: sequence)
        } else {
            try changeLiving(rows, change, values)
        }
        try settleMemory()
    }

    /// Refuses what no file could hold.
    func check(_ rows: KeyedMemtable.Rows, _ values: ByteValues) throws(StorageError) {
        let list = unsafe values.places.base.assumingMemoryBound(to: UInt64.self)
        let limit = OrderedTableWriter.entryBytesMax - 64
        for index in 0..<rows.count {
            let row = rows.row(index)
            let count = Int(truncatingIfNeeded: unsafe list[row] & 0xffff_ffff)
            guard count + rows.keyCount(row) <= limit else {
                throw StorageError(
                    .other, operation: "write", path: store.directory.path,
                    cause: "an entry of \(count) bytes is larger than \(limit)")
            }
        }
    }

    /// Values that live for some time carry the watermark of their writing. A merge reads what
    /// there is, which may have outlived its time.
    private func changeLiving(
        _ rows: KeyedMemtable.Rows, _ change: KeyedMemtable.Change, _ values: ByteValues?
    ) throws(StorageError) {
        memtable.watermark = watermark
        guard let values, change != .delete else {
            return memtable.write(rows, change, nil, version: sequence)
        }
        if change == .merge { try get(rows, limit: .max, into: scratch.found) }
        let list = unsafe values.places.base.assumingMemoryBound(to: UInt64.self)
        for index in 0..<rows.count {
            let row = rows.row(index)
            let place = unsafe list[row]
            let value = unsafe UnsafeRawBufferPointer(
                start: values.bytes.base + Int(truncatingIfNeeded: place &>> 32),
                count: Int(truncatingIfNeeded: place & 0xffff_ffff))
            scratch.values.removeAll()
            scratch.values.append(watermark)
            memtable.reserve(1)
            let at = unsafe memtable.locate(rows.hash(row), rows.key(row), rows.keyCount(row))
            if change == .merge, let operation = options.operation,
                let old = unsafe older(row, at.entry)
            {
                unsafe operation.combine(older: old, newer: value, to: &scratch.values)
            } else if let base = value.baseAddress {
                unsafe scratch.values.append(base, count: value.count)
            }
            unsafe memtable.set(
                at, rows.hash(row), rows.key(row), rows.keyCount(row), kind: .put,
                version: sequence,
                value: UnsafeRawBufferPointer(
                    start: scratch.values.slab.base, count: scratch.values.count))
        }
    }

    /// What a merge finds: what this operation has written, or what was read.
    private func older(_ row: Int, _ reference: UInt32) -> UnsafeRawBufferPointer? {
        if reference != KeyedMemtable.absent {
            let entry = memtable.entry(reference)
            if entry.version == sequence {
                guard entry.kind == .put else { return nil }
                return unsafe UnsafeRawBufferPointer(
                    rebasing: entry.value.dropFirst(Lifetime.headBytes))
            }
        }
        return scratch.found.isFound(row) ? unsafe scratch.found.bytes(of: row) : nil
    }

    /// Deletes all keys of a range.
    package func deleteRange(_ range: KeyRange) throws(StorageError) {
        addTombstone(range)
        try settleMemory()
    }

    private func addTombstone(_ range: KeyRange) {
        // Whoever takes the file over later has keys of other stores beside it.
        let range = range.intersection(options.range)
        guard !range.isEmpty else { return }
        sequence += 1
        let tombstone = RangeTombstone(
            lower: range.lower, upper: range.upper, version: sequence)
        memtable.watermark = watermark
        memtable.add(tombstone)
        tombstones.add(tombstone)
    }

    /// Carries out changes in order; no snapshot and no file has only some of them.
    package func apply(_ batch: KeyedBatch) throws(StorageError) {
        for change in batch.changes {
            switch change {
            case .merge(let key, let value):
                if options.operation == nil { throw noOperator }
                try check(key, value)
            case .put(let key, let value): try check(key, value)
            case .delete, .deleteRange: break
            }
        }
        sequence += 1
        for change in batch.changes {
            switch change {
            case .put(let key, let value): try write(key, .put, value)
            case .delete(let key): try write(key, .delete, nil)
            case .merge(let key, let value): try write(key, .merge, value)
            case .deleteRange(let range): addTombstone(range)
            }
        }
        try settleMemory()
    }

    private func check(_ key: [UInt8], _ value: [UInt8]) throws(StorageError) {
        let (keys, values) = alone(key, value)
        let rows = KeyedMemtable.Rows(keys, hashes: keys.hashes, rows: nil, count: 1)
        if let values { try check(rows, values) }
    }

    /// Changes a key within an operation.
    private func write(
        _ key: [UInt8], _ change: KeyedMemtable.Change, _ value: [UInt8]?
    ) throws(StorageError) {
        let (keys, values) = alone(key, value)
        let rows = KeyedMemtable.Rows(keys, hashes: keys.hashes, rows: nil, count: 1)
        if options.lifetime == nil {
            memtable.write(rows, change, values, version: sequence)
        } else {
            try changeLiving(rows, change, values)
        }
    }

    /// A key and a value as a batch of one row.
    func alone(_ key: [UInt8], _ value: [UInt8]?) -> (EncodedKeys, ByteValues?) {
        let padded = (key.count + 7) & ~7
        if scratch.key.byteCount < padded { scratch.key = Slab(byteCount: padded * 2) }
        if padded > 0 {
            unsafe scratch.key.base.storeBytes(
                of: 0, toByteOffset: padded - 8, as: UInt64.self)
        }
        unsafe key.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress {
                unsafe scratch.key.base.copyMemory(from: base, byteCount: bytes.count)
            }
        }
        unsafe scratch.place.base.storeBytes(of: UInt64(key.count), as: UInt64.self)
        let hash = unsafe Hash64.hash(scratch.key.base, count: key.count)
        unsafe scratch.hash.base.storeBytes(of: hash, as: UInt64.self)
        let keys = EncodedKeys(
            bytes: scratch.key, places: scratch.place, hashes: scratch.hash, rowCount: 1)
        guard let value else { return (keys, nil) }
        let place = Slab(byteCount: 8)
        unsafe place.base.storeBytes(of: UInt64(value.count), as: UInt64.self)
        return (keys, ByteValues(bytes: Slab(value), places: place))
    }

    /// Sets a value.
    package func put(_ key: [UInt8], _ value: [UInt8]) throws(StorageError) {
        try changeAlone(key, .put, value)
    }

    /// Deletes a key.
    package func delete(_ key: [UInt8]) throws(StorageError) {
        try changeAlone(key, .delete, nil)
    }

    /// Merges an operand into a value.
    package func merge(_ key: [UInt8], _ operand: [UInt8]) throws(StorageError) {
        try changeAlone(key, .merge, operand)
    }

    private func changeAlone(
        _ key: [UInt8], _ change: KeyedMemtable.Change, _ value: [UInt8]?
    ) throws(StorageError) {
        let (keys, values) = alone(key, value)
        let rows = KeyedMemtable.Rows(keys, hashes: keys.hashes, rows: nil, count: 1)
        try self.change(rows, change, values)
    }
}
