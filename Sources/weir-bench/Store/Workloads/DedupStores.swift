import Execution
import Storage

/// Dedup on tables in memory alone: what the store has to come close to.
final class MemoryDedup: DedupStore, MemoryStore {
    private var tables: [Int: HotTable] = [:]
    private var first = 0

    func insert(
        _ keys: EncodedKeys, _ part: DedupOperations.Part, entries: Slab
    ) throws -> Int {
        let table = tables[part.bucket] ?? HotTable(valueWidth: 0)
        tables[part.bucket] = table
        return table.getOrInsert(keys, rows: part.rows, count: part.count, into: entries)
    }

    func expire(before first: Int) throws {
        for bucket in self.first..<max(first, self.first) { tables[bucket] = nil }
        self.first = max(first, self.first)
    }

    func checkpoint() throws {}
}

/// Dedup on a bucketed family.
final class BucketedDedup: DedupStore {
    let form = "bucketed"
    private let store: StateStore
    private let family: BucketedFamily
    private let files: StoreFiles
    private var snapshots: [FamilySnapshot] = []
    private static let snapshotsKept = 3

    init(_ files: StoreFiles, memoryBytes: Int) throws {
        self.files = files
        let directory = try StateDirectory(files.path, fileSystem: files.fileSystem)
        store = StateStore(
            directory: directory, worker: 0,
            options: StateStore.Options(memoryBytes: memoryBytes), executor: BackgroundThreads())
        family = store.makeFamily("dedup", valueWidth: 0)
    }

    func insert(
        _ keys: EncodedKeys, _ part: DedupOperations.Part, entries: Slab
    ) throws -> Int {
        let bucket = Int64(part.bucket)
        _ = try family.getOrInsert(
            bucket: bucket, keys, rows: part.rows, count: part.count, into: entries)
        var made = 0
        let rows = unsafe part.rows.base.assumingMemoryBound(to: UInt32.self)
        let words = unsafe entries.base.assumingMemoryBound(to: UInt32.self)
        for index in 0..<part.count {
            if unsafe words[Int(rows[index])] & HotTable.isNewMark != 0 { made += 1 }
        }
        try family.balance(bucket)
        return made
    }

    func expire(before first: Int) throws {
        for bucket in family.starts where bucket < first { try family.drop(bucket) }
    }

    func checkpoint() throws {
        snapshots.append(family.checkpoint())
        if snapshots.count > Self.snapshotsKept {
            for file in snapshots.removeFirst().files { try store.directory.release(file) }
        }
    }

    func settle() throws -> (flushed: Int, merged: Int) {
        try store.settle()
        return store.writtenBytes
    }

    func flush() throws -> Int {
        family.evict(family.starts)
        try store.settle()
        return try files.byteCount
    }
}
