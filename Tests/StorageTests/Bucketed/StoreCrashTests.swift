import Storage
import TestSupport
import Testing

/// A store that is killed, loses power or has a failing disk, at each of its operations in turn.
struct StoreCrashTests {
    @Test(arguments: Seeds.list(2))
    func checkpointOutlivesEveryCrash(seed: UInt64) throws {
        #expect(try FamilyRun<BucketedWork>(seed: seed).crash() > 100)
    }

    @Test(arguments: Seeds.list(2))
    func failingDiskGivesErrorsAndNeverWrongAnswers(seed: UInt64) throws {
        #expect(try FamilyRun<BucketedWork>(seed: seed).fail() > 100)
    }

    @Test(arguments: Seeds.list(2))
    func answersStayRightWhileNothingCanBeWritten(seed: UInt64) throws {
        #expect(try FamilyRun<BucketedWork>(seed: seed).failLastingly() > 100)
    }

    @Test func newerValueIsFoundWhereAnOlderTableWasNotFlushed() throws {
        let files = MemoryFileSystem()
        let directory = try StateDirectory("state", fileSystem: files)
        let store = StateStore(
            directory: directory, worker: 0, options: .init(memoryBytes: 1 << 20),
            executor: InlineExecutor())
        let family = store.makeFamily("test", valueWidth: 8)
        let keys = HotTableTests.encoded([.init(bytes: Array("key".utf8), hash: 1 << 50)])
        let entries = Slab(byteCount: 4)
        let set = { (value: UInt64) in
            let table = try family.getOrInsert(bucket: 0, keys, rows: nil, count: 1, into: entries)
            let entry = HotTableTests.word(entries, 0) & ~HotTable.isNewMark
            table.setWord(of: entry, at: 0, to: value)
        }
        try set(1)
        files.inject(.error(.noSpace), on: .open)
        family.evict([0])
        #expect(throws: StorageError.self) { try store.settle() }
        try set(2)
        _ = family.checkpoint()
        try store.settle()
        family.evict([0])
        let table = try family.getOrInsert(bucket: 0, keys, rows: nil, count: 1, into: entries)
        #expect(HotTableTests.word(entries, 0) & HotTable.isNewMark == 0)
        #expect(table.word(of: HotTableTests.word(entries, 0), at: 0) == 2)
    }
}
