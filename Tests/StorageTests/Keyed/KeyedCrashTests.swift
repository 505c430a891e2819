import Storage
import TestSupport
import Testing

/// A keyed family that is killed, loses power or has a failing disk, at each of its operations in
/// turn.
struct KeyedCrashTests {
    @Test(arguments: Seeds.list(2))
    func checkpointOutlivesEveryCrash(seed: UInt64) throws {
        #expect(try FamilyRun<KeyedWork>(seed: seed).crash() > 100)
    }

    @Test(arguments: Seeds.list(2))
    func failingDiskGivesErrorsAndNeverWrongAnswers(seed: UInt64) throws {
        #expect(try FamilyRun<KeyedWork>(seed: seed).fail() > 100)
    }

    @Test(arguments: Seeds.list(2))
    func answersStayRightWhileNothingCanBeWritten(seed: UInt64) throws {
        #expect(try FamilyRun<KeyedWork>(seed: seed).failLastingly() > 100)
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
