import TestSupport

@testable import Storage

/// Small tables in memory, and the dictionary that says what is in them.
struct TableWorld {
    /// An entry as a test thinks of it.
    struct Entry: Equatable {
        var key: [UInt8]
        var version: UInt64
        var kind: EntryKind
        var value: [UInt8]
    }

    static func hash(_ key: [UInt8]) -> UInt64 {
        let slab = Slab(key)
        return slab.hash(0..<key.count) >> 24
    }

    /// Random entries in the order of a table.
    static func entries(_ random: inout SplitMix64, keys: Int, versions: Int) -> [Entry] {
        let prefix = [UInt8](repeating: 9, count: random.pick([0, 1, 7, 20, 140]))
        var all: Set<[UInt8]> = []
        for _ in 0..<keys {
            var key = random.chance(0.9) ? prefix : []
            let alphabet = random.pick([2, 256])
            for _ in 0..<random.int(0...random.pick([2, 9, 30])) {
                key.append(UInt8(random.int(0..<alphabet)))
            }
            if random.chance(0.01) { key += [UInt8](repeating: 1, count: random.int(0...2000)) }
            all.insert(key)
        }
        var entries: [Entry] = []
        for key in all.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let count = random.chance(0.02) ? versions * 20 : random.int(1...versions)
            var taken: Set<UInt64> = []
            while taken.count < count {
                taken.insert(random.next() >> UInt64(random.pick([2, 40, 56])))
            }
            for version in taken.sorted(by: >) {
                let size = random.chance(0.01) ? random.int(0...9000) : random.int(0...150)
                entries.append(
                    Entry(
                        key: key, version: version, kind: random.pick([.put, .delete, .merge]),
                        value: [UInt8](repeating: UInt8(random.int(0...255)), count: size)))
            }
        }
        return entries
    }

    /// Writes a table, and gives its file.
    @discardableResult
    static func write(
        _ entries: [Entry], to path: String, in files: MemoryFileSystem,
        _ options: OrderedTableWriter.Options, attachment: [UInt8]? = nil
    ) throws -> TableProperties {
        let writer = try OrderedTableWriter(
            files.open(path, .write(truncating: true)), options: options)
        for entry in entries {
            try unsafe writer.add(
                key: entry.key.span.bytes, hash40: hash(entry.key), kind: entry.kind,
                version: entry.version, value: entry.value.span.bytes)
        }
        return try writer.finish(
            attachment: attachment.map { SlabSlice(Slab($0), 0..<$0.count) })
    }

    static func open(_ path: String, in files: MemoryFileSystem) throws -> OrderedTable {
        try OrderedTable(files.open(path, .read), number: 1)
    }

    /// What an iterator stands at.
    static func entry(_ iterator: OrderedTableIterator) -> Entry {
        Entry(
            key: array(iterator.key), version: iterator.version, kind: iterator.kind,
            value: array(iterator.value))
    }

    static func entry(_ key: [UInt8], _ found: TableEntry) -> Entry {
        Entry(key: key, version: found.version, kind: found.kind, value: array(found.value))
    }

    static func array(_ bytes: RawSpan) -> [UInt8] {
        (0..<bytes.byteCount).map { ByteScan.byte(in: bytes, at: $0) }
    }

    /// All that a table holds.
    static func all(_ table: OrderedTable, _ cache: BlockCache?) throws -> [Entry] {
        var entries: [Entry] = []
        let iterator = table.iterator(cache)
        try iterator.seekToFirst()
        while iterator.isValid {
            entries.append(entry(iterator))
            try iterator.next()
        }
        return entries
    }
}
