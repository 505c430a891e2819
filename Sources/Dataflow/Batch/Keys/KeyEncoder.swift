package import Storage

/// Turns key columns into flat bytes and back: the keys of all keyed state.
///
/// Format, version 1; the order of the bytes is the order of the values:
///
///     | key group: 2, big-endian | column | column | …
///     column: | 0 | for null, or | 1 | value |
///     bool: 1 byte
///     int, timestamp: 8 bytes, big-endian, sign bit flipped
///     float: 8 bytes, big-endian, sign bit flipped, or all bits where it was set
///     text, as last column: its bytes
///     text before others: its bytes with each 0 written as 0 255, then 0 1
package struct KeyEncoder: Sendable {
    package let columns: [Int]

    /// Bytes of the key group before the columns.
    package static let groupBytes = 2

    /// An encoder of the keys in `columns` of a batch.
    package init(columns: [Int]) { self.columns = columns }

    /// The keys of the selected rows, but for those that are too long; hashes are taken from the
    /// exchange where there was one.
    package func encode(_ batch: Batch) -> EncodedKeys {
        let rowCount = batch.columns.first?.count ?? 0
        // An exchange that sends all rows to one worker leaves the hashes of the one before it.
        let known = columns.isEmpty ? nil : batch.keyHashes
        let hashes = known ?? KeyHash.hashes(of: batch, columns: columns)
        let places = Slab(byteCount: rowCount * 8)
        let bytes: Slab
        var refused: [Int] = []
        if columns.count == 1, let column = columns.first.map({ batch.columns[$0] }),
            column.type == .string, column.validity == nil,
            let quick = encodeShort(column, batch.selection, hashes, places)
        {
            bytes = quick
        } else {
            let target = encodeAny(batch, hashes, places)
            bytes = target.slab
            refused = target.refused
        }
        return EncodedKeys(
            bytes: bytes, places: places, hashes: hashes.values, rowCount: rowCount,
            refused: refused)
    }

    /// Whether a key of the selected rows may be too long; by the lengths of their texts alone.
    package func mayRefuse(_ batch: Batch) -> Bool {
        var byteCountMax = 0
        for column in columns.map({ batch.columns[$0] }) where column.type.isText {
            let source = KeyColumnSource(column)
            var longest = 0
            withExtendedLifetime(column) {
                batch.selection.forEach { longest = max(longest, source.byteCountMax($0)) }
            }
            byteCountMax += longest
        }
        return byteCountMax + columns.count * 16 >= KeyBytes.keyBytesEnd
    }

    /// One column of short strings: every key is two words. Gives nil where a string is longer.
    private func encodeShort(
        _ column: Column, _ selection: Selection, _ hashes: Column, _ places: Slab
    ) -> Slab? {
        let bytes = Slab(byteCount: selection.count * 16)
        let views = column.strings
        let hashWords = hashes.int64s
        let words = unsafe bytes.base.assumingMemoryBound(to: UInt64.self)
        let out = unsafe places.base.assumingMemoryBound(to: UInt64.self)
        var place = 0
        var isShort = true
        selection.forEach { row in
            let view = views[row]
            isShort = isShort && view.isInline
            let group = UInt64(truncatingIfNeeded: KeyHash.group(of: hashWords[row]))
            let first = view.inlineWords.0
            let lead = (group &>> 8 | (group & 0xff) &<< 8) | 1 &<< 16
            unsafe words[place &* 2] = lead | first &<< 24
            unsafe words[place &* 2 &+ 1] = first &>> 40 | view.inlineWords.1 &<< 24
            unsafe out[row] =
                UInt64(truncatingIfNeeded: place &* 16) &<< 32
                | UInt64(truncatingIfNeeded: view.count &+ 3)
            place &+= 1
        }
        return isShort ? bytes : nil
    }

    private func encodeAny(_ batch: Batch, _ hashes: Column, _ places: Slab) -> KeyBytes {
        var target = KeyBytes(capacity: batch.count * (16 + columns.count * 24))
        let sources = columns.map { KeyColumnSource(batch.columns[$0]) }
        let hashWords = hashes.int64s
        let out = unsafe places.base.assumingMemoryBound(to: UInt64.self)
        withExtendedLifetime(batch) {
            unsafe sources.withUnsafeBufferPointer { sources in
                batch.selection.forEach { row in
                    var bound = 2
                    for index in 0..<sources.count {
                        bound &+= unsafe sources[index].byteCountMax(row)
                    }
                    target.reserve(bound)
                    let group = UInt16(truncatingIfNeeded: KeyHash.group(of: hashWords[row]))
                    var cursor = unsafe target.cursor
                    unsafe cursor.storeBytes(of: group.bigEndian, as: UInt16.self)
                    unsafe cursor += 2
                    for index in 0..<sources.count {
                        let isLast = index == sources.count &- 1
                        unsafe cursor = sources[index].write(row, isLast: isLast, to: cursor)
                    }
                    unsafe out[row] = target.end(cursor, row: row)
                }
            }
        }
        return target
    }
}
