import Storage
import TestSupport
import Testing

/// A store that is killed, loses power or has a failing disk, at each of its operations in turn.
struct StoreCrashTests {
    @Test(arguments: Seeds.list(2))
    func checkpointOutlivesEveryCrash(seed: UInt64) throws {
        let run = StoreRun(seed: seed, stepCount: 40)
        let count = try CrashMatrix(seed: seed).run(run.run) { files, _ in try run.check(files) }
        #expect(count > 100)
    }

    @Test(arguments: Seeds.list(2))
    func failingDiskGivesErrorsAndNeverWrongAnswers(seed: UInt64) throws {
        let run = StoreRun(seed: seed, stepCount: 40)
        var matrix = FaultMatrix(seed: seed)
        matrix.readsMax = 30
        let errorCount = try matrix.run(run.run) { files, _, _ in try run.check(files) }
        #expect(errorCount > 100)
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

    @Test(arguments: Seeds.list(2))
    func answersStayRightWhileNothingCanBeWritten(seed: UInt64) throws {
        let run = StoreRun(seed: seed, stepCount: 40)
        var matrix = FaultMatrix(seed: seed)
        matrix.readsMax = 0
        matrix.lastingFaults = [.noSpace]
        var errorCount = 0
        try matrix.run { files in
            try run.run(files, goesOn: true)
            errorCount += run.errors.count
        } check: { files, _, _ in
            try run.check(files)
        }
        #expect(errorCount > 100)
    }
}
