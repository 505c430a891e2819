/// Whole columns of keys at once.
///
/// Rows are gone through in groups: the slots of a group are read first, then the entries they
/// name, so that the memory of many rows is on its way at once; then each row is done in order.
extension KeyedMemtable {
    /// Rows of a group.
    private static let groupRows = 32

    /// What is done to every row.
    enum Change {
        case put, delete, merge
    }

    /// The keys of some rows.
    @safe
    struct Rows {
        let places: UnsafeMutablePointer<UInt64>
        let hashes: UnsafeMutablePointer<UInt64>
        let bytes: UnsafeMutableRawPointer
        let list: UnsafeMutablePointer<UInt32>?
        let count: Int
        /// Physical rows.
        var rowCount: Int { keys.rowCount }
        // The pointers are good as long as these are held.
        private let keys: EncodedKeys
        private let rows: Slab?
        let hashed: Slab

        init(_ keys: EncodedKeys, hashes: Slab, rows: Slab?, count: Int) {
            self.keys = keys
            self.rows = rows
            self.count = count
            hashed = hashes
            unsafe places = keys.places.base.assumingMemoryBound(to: UInt64.self)
            unsafe self.hashes = hashes.base.assumingMemoryBound(to: UInt64.self)
            unsafe bytes = keys.bytes.base
            unsafe list = rows.map { unsafe $0.base.assumingMemoryBound(to: UInt32.self) }
        }

        /// Some of the rows, which `list` names.
        func listing(_ list: Slab, count: Int) -> Rows {
            Rows(keys, hashes: hashed, rows: list, count: count)
        }

        @inline(__always)
        func row(_ index: Int) -> Int {
            if let list = unsafe list { return unsafe Int(list[index]) }
            return index
        }

        @inline(__always)
        func key(_ row: Int) -> UnsafeRawPointer {
            unsafe UnsafeRawPointer(bytes + Int(truncatingIfNeeded: places[row] &>> 32))
        }

        @inline(__always)
        func keyCount(_ row: Int) -> Int { Int(unsafe places[row] & 0xff_ffff) }

        @inline(__always)
        func hash(_ row: Int) -> UInt64 { unsafe hashes[row] }
    }

    /// Reads what a group of rows will ask for; gives a number that depends on all of it.
    @inline(__always)
    private func touch(_ rows: Rows, _ from: Int, _ to: Int) -> UInt64 {
        let words = unsafe slots.base.assumingMemoryBound(to: UInt64.self)
        return unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: Self.groupRows) {
            found in
            for index in from..<to {
                let hash = rows.hash(rows.row(index))
                unsafe found[index &- from] = words[Int(truncatingIfNeeded: hash &>> 32) & mask]
            }
            var sum: UInt64 = 0
            for index in 0..<to &- from {
                let word = unsafe found[index]
                guard word != 0 else { continue }
                let reference = UInt32(truncatingIfNeeded: word) &- 1
                sum &+= entry(reference).header
            }
            return sum
        }
    }

    /// Calls `body` with every row, in order, when its memory is at hand.
    @inline(__always)
    private func forEach(_ rows: Rows, growing: Bool, _ body: (Int) -> Void) {
        var sum: UInt64 = 0
        var start = 0
        while start < rows.count {
            let end = min(start &+ Self.groupRows, rows.count)
            if growing { reserve(end &- start) }
            sum &+= touch(rows, start, end)
            for index in start..<end { body(rows.row(index)) }
            start = end
        }
        touched = sum
    }

    /// Puts the operands of rows, of 8 bytes each, together with what their keys have.
    func merge(_ rows: Rows, words operands: Slab, by operation: MergeOperator, version: UInt64) {
        let list = unsafe operands.base.assumingMemoryBound(to: Int64.self)
        let hasTombstones = !hidden.isEmpty
        let integer = operation.isInteger || operation == .last
        forEach(rows, growing: true) { row in
            let (hash, keyCount) = (rows.hash(row), rows.keyCount(row))
            let place = unsafe locate(hash, rows.key(row), keyCount)
            if place.entry != Self.absent, place.entry >= frozenEnd, !hasTombstones, integer {
                let entry = entry(place.entry)
                if entry.tag & 3 != UInt64(EntryKind.delete.rawValue), entry.valueCount == 8 {
                    let value = unsafe entry.valueBase.assumingMemoryBound(to: Int64.self)
                    unsafe value.pointee = operation.combine(value.pointee, list[row])
                    entry.tag = version &<< 2 | entry.tag & 3
                    return
                }
            }
            unsafe merge(
                place, hash, rows.key(row), keyCount, version: version,
                operand: UnsafeRawBufferPointer(start: list + row, count: 8))
        }
    }

    /// Sets, deletes or merges the values of rows.
    func write(_ rows: Rows, _ change: Change, _ values: ByteValues?, version: UInt64) {
        let places = unsafe values.map {
            unsafe $0.places.base.assumingMemoryBound(to: UInt64.self)
        }
        let base = unsafe values?.bytes.base
        forEach(rows, growing: true) { row in
            let (hash, keyCount) = (rows.hash(row), rows.keyCount(row))
            let place = unsafe locate(hash, rows.key(row), keyCount)
            var value = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
            if let places = unsafe places, let base = unsafe base {
                let word = unsafe places[row]
                unsafe value = UnsafeRawBufferPointer(
                    start: base + Int(truncatingIfNeeded: word &>> 32),
                    count: Int(truncatingIfNeeded: word & 0xffff_ffff))
            }
            switch change {
            case .merge:
                unsafe merge(
                    place, hash, rows.key(row), keyCount, version: version, operand: value)
            case .put:
                unsafe set(
                    place, hash, rows.key(row), keyCount, kind: .put, version: version,
                    value: value)
            case .delete:
                unsafe set(
                    place, hash, rows.key(row), keyCount, kind: .delete, version: version,
                    value: value)
            }
        }
    }

    /// Sets the values of rows to words of 8 bytes.
    func put(_ rows: Rows, words: Slab, version: UInt64) {
        let list = unsafe words.base.assumingMemoryBound(to: Int64.self)
        forEach(rows, growing: true) { row in
            let (hash, keyCount) = (rows.hash(row), rows.keyCount(row))
            let place = unsafe locate(hash, rows.key(row), keyCount)
            unsafe set(
                place, hash, rows.key(row), keyCount, kind: .put, version: version,
                value: UnsafeRawBufferPointer(start: list + row, count: 8))
        }
    }

    /// Writes, by row, the newest entry that is no newer than `version`, or `absent`.
    func find(_ rows: Rows, version: UInt64, into entries: Slab) {
        let out = unsafe entries.base.assumingMemoryBound(to: UInt32.self)
        forEach(rows, growing: false) { row in
            unsafe out[row] = find(
                rows.hash(row), rows.key(row), rows.keyCount(row), version: version)
        }
    }
}
