import Storage
import TestSupport
import Testing

/// A keyed family that is killed, loses power or has a failing disk, at each of its operations in
/// turn.
struct KeyedCrashTests {
    @Test(arguments: Seeds.list(2))
    func checkpointOutlivesEveryCrash(seed: UInt64) throws {
        let run = KeyedRun(seed: seed, stepCount: 60)
        var matrix = CrashMatrix(seed: seed)
        matrix.operationsMax = 150
        let count = try matrix.run(run.run) { files, _ in try run.check(files) }
        #expect(count > 100)
    }

    @Test(arguments: Seeds.list(2))
    func failingDiskGivesErrorsAndNeverWrongAnswers(seed: UInt64) throws {
        let run = KeyedRun(seed: seed, stepCount: 60)
        var matrix = FaultMatrix(seed: seed)
        matrix.operationsMax = 60
        matrix.readsMax = 30
        let errorCount = try matrix.run(run.run) { files, _, _ in try run.check(files) }
        #expect(errorCount > 100)
    }

    @Test(arguments: Seeds.list(2))
    func answersStayRightWhileNothingCanBeWritten(seed: UInt64) throws {
        let run = KeyedRun(seed: seed, stepCount: 60)
        var matrix = FaultMatrix(seed: seed)
        matrix.operationsMax = 60
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

    @Test func tableWhoseFlushFailedIsWrittenForTheNextCheckpoint() throws {
        let files = MemoryFileSystem()
        let directory = try StateDirectory("state", fileSystem: files)
        let store = StateStore(
            directory: directory, worker: 0, options: .init(memoryBytes: 1 << 20),
            executor: InlineExecutor())
        let family = try store.makeKeyedFamily("test")
        try family.put([1], [2])
        files.inject(.error(.noSpace), on: .open)
        family.freeze()
        #expect(throws: StorageError.self) { try store.settle() }
        #expect(try family.get([1]) == [2])
        let state = family.checkpoint()
        try store.settle()
        #expect(state.files.count == 1)
        for file in state.files { #expect(files.paths.contains("state/" + file.name)) }
    }
}
