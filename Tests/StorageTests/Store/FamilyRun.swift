import Storage
import Synchronization
import TestSupport

/// A small run of a family against a dictionary, the same every time, and what it promised: the
/// state at its last complete checkpoint.
final class FamilyRun<Work: FamilyWork> {
    /// An answer that is not the dictionary's.
    struct WrongAnswer: Error { let what: String }

    /// What a complete checkpoint holds.
    private struct Promise {
        let snapshot: Work.Snapshot
        let twin: Work.Twin
    }

    private var promise: Promise?
    /// Errors that the run went on after.
    private var errors: [StorageError] = []
    private let seed: UInt64

    init(seed: UInt64) { self.seed = seed }

    // MARK: The matrices

    /// Crashes the run everywhere; gives the number of crashes.
    func crash() throws -> Int {
        var matrix = CrashMatrix(seed: seed)
        matrix.operationsMax = Work.crashesMax
        return try matrix.run { files in
            try run(files, goesOn: false)
        } check: { files, _ in
            try check(files)
        }
    }

    /// Lets the disk fail everywhere; gives the number of runs that ended with an error.
    func fail() throws -> Int {
        var matrix = FaultMatrix(seed: seed)
        matrix.operationsMax = Work.faultsMax
        matrix.readsMax = 30
        return try matrix.run { files in
            try run(files, goesOn: false)
        } check: { files, _, _ in
            try check(files)
        }
    }

    /// Goes on where nothing can be written any more; gives the number of errors.
    func failLastingly() throws -> Int {
        var matrix = FaultMatrix(seed: seed)
        matrix.operationsMax = Work.faultsMax
        matrix.readsMax = 0
        matrix.lastingFaults = [.noSpace]
        var errorCount = 0
        try matrix.run { files in
            try run(files, goesOn: true)
            errorCount += errors.count
        } check: { files, _, _ in
            try check(files)
        }
        return errorCount
    }

    // MARK: The run

    /// Runs to the end, or to the first error; where it is to, it goes on after errors that are
    /// not answers.
    private func run(_ files: MemoryFileSystem, goesOn: Bool) throws {
        promise = nil
        errors = []
        let directory = try StateDirectory("state", fileSystem: files)
        let work = try Work(directory, restoring: nil, seed: seed)
        for _ in 0..<Work.stepCount {
            do throws(StorageError) {
                try step(work, directory, files)
            } catch {
                guard goesOn else { throw error }
                errors.append(error)
            }
            if let wrong = work.wrong { throw WrongAnswer(what: wrong) }
        }
    }

    private func step(
        _ work: Work, _ directory: StateDirectory, _ files: MemoryFileSystem
    ) throws(StorageError) {
        let number = work.random.int(0..<Work.operationShare + 4 + Work.jobShare)
        switch number - Work.operationShare {
        case ..<0: try work.operate(number)
        case 0: try work.store.settle()
        case 1..<4: try checkpoint(work, directory, files)
        default: work.executor.runOne(work.random.pick(BackgroundJob.allCases))
        }
    }

    /// A checkpoint is complete when its files and their names are durable.
    private func checkpoint(
        _ work: Work, _ directory: StateDirectory, _ files: MemoryFileSystem
    ) throws(StorageError) {
        let snapshot = work.checkpoint()
        let twin = work.twin
        let isFlushed = Mutex(false)
        work.store.whenFlushed { failure in isFlushed.withLock { $0 = failure == nil } }
        try work.store.settle()
        while work.executor.runOne(.flush) {}
        guard isFlushed.withLock({ $0 }) else { return }
        try files.syncDirectory("state")
        let old = promise
        promise = Promise(snapshot: snapshot, twin: twin)
        for file in old.map({ Work.files(of: $0.snapshot) }) ?? [] { try directory.release(file) }
    }

    // MARK: What is left

    /// Opens what is left, and finds what was promised and nothing else.
    private func check(_ files: MemoryFileSystem) throws {
        let directory = try StateDirectory("state", fileSystem: files)
        let work = try Work(directory, restoring: promise?.snapshot, seed: seed)
        try directory.removeOrphans()
        let found = try work.takeContents()
        if found != promise?.twin ?? Work.emptyTwin {
            throw WrongAnswer(what: "not what the checkpoint had")
        }
        let kept = promise.map { work.filesLeft(of: $0.snapshot) } ?? []
        let expected = Set(kept.map { "state/" + $0 } + ["state/LOCK"])
        if Set(files.paths) != expected { throw WrongAnswer(what: "left: \(files.paths)") }
        try work.checkRestored(found)
        if let wrong = work.wrong { throw WrongAnswer(what: wrong) }
    }
}
