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
