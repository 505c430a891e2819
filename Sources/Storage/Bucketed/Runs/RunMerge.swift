/// Merges the sections of one bucket, newest first, into one: of a key the newest entry stays.
///
/// Used on a background thread; reads around the block cache.
@safe
struct RunMerge: ~Copyable {
    private var inputs: [Input] = []
    private var scratch = GrowingBytes(capacity: 1 << 10)

    /// A section being read.
    private struct Input {
        let section: ColdSection
        var number = 0
        var block: HashedBlock
        var cursor: HashedBlock.Cursor
        var keyCount: Int

        init(_ section: ColdSection) throws(StorageError) {
            self.section = section
            block = try section.run.block(section.index.place(0))
            cursor = block.start
            keyCount = block.keyCount(cursor)
        }

        /// Moves to the next entry that counts; false at the end.
        mutating func advance() throws(StorageError) -> Bool {
            repeat {
                guard try advanceAny() else { return false }
            } while !section.hashes.contains(cursor.hash)
            return true
        }

        private mutating func advanceAny() throws(StorageError) -> Bool {
            block.advance(&cursor)
            if cursor.index == block.count {
                number += 1
                guard number < section.index.blockCount else { return false }
                block = try section.run.block(section.index.place(number))
                cursor = block.start
            }
            keyCount = block.keyCount(cursor)
            return true
        }
    }

    /// A merge of sections, the newest first.
    init(_ sections: [ColdSection]) throws(StorageError) {
        for section in sections {
            var input = try Input(section)
            var counts = section.hashes.contains(input.cursor.hash)
            if !counts { counts = try input.advance() }
            if counts { inputs.append(input) }
        }
    }

    /// Writes the entries of all inputs with hashes within a range to the section that `writer` has
    /// begun; `check` is called for each and may put an end to it.
    mutating func write(
        to writer: HashedRunWriter, within hashes: ClosedRange<UInt64>,
        check: () throws(StorageError) -> Void = {}
    ) throws(StorageError) {
        while !inputs.isEmpty {
            try check()
            var least = 0
            for index in inputs.indices.dropFirst() where compare(index, least) < 0 {
                least = index
            }
            let keyCount = inputs[least].keyCount
            scratch.removeAll()
            let key = unsafe scratch.extend(by: keyCount + 8)
            unsafe inputs[least].block.copyKey(inputs[least].cursor, to: key)
            let hash = inputs[least].cursor.hash
            if hashes.contains(hash) {
                unsafe try writer.add(
                    inputs[least].block, inputs[least].cursor, key: key, keyCount: keyCount)
            }
            unsafe try step(past: hash, key, keyCount)
        }
    }

    /// Moves all inputs behind a key.
    private mutating func step(
        past hash: UInt64, _ key: UnsafeRawPointer, _ keyCount: Int
    ) throws(StorageError) {
        for index in inputs.indices.reversed() {
            let input = inputs[index]
            guard input.cursor.hash == hash,
                unsafe input.block.isKey(input.cursor, key, count: keyCount)
            else { continue }
            if try !inputs[index].advance() { inputs.remove(at: index) }
        }
    }

    /// Hash, then key; inputs at the same key are equal, and the newer one comes first.
    @inline(__always)
    private mutating func compare(_ one: Int, _ other: Int) -> Int {
        let (first, second) = (inputs[one].cursor.hash, inputs[other].cursor.hash)
        if first != second { return first < second ? -1 : 1 }
        return compareKeys(one, other)
    }

    private func compareKeys(_ one: Int, _ other: Int) -> Int {
        let (first, second) = (inputs[one], inputs[other])
        let key = Slab(byteCount: first.keyCount + 8)
        let otherKey = Slab(byteCount: second.keyCount + 8)
        unsafe first.block.copyKey(first.cursor, to: key.base)
        unsafe second.block.copyKey(second.cursor, to: otherKey.base)
        return unsafe KeyOrder.compare(
            key.base, first.keyCount, otherKey.base, second.keyCount)
    }
}
