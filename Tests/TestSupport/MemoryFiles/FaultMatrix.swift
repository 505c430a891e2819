package import Storage

/// Runs something on files in memory over and over, and lets each of its operations and reads fail
/// in turn.
///
///     try FaultMatrix(seed: seed).run { files in
///         try work(on: files)
///     } check: { files, trial, error in
///         #expect(try reopen(files) == model.promised, "\(trial)")
///     }
///
/// The first run counts. Each further one is on fresh files, where one operation fails, or all
/// from it on. A run may end with a `StorageError`, which the check gets; any other error, or one
/// where nothing failed but a write was short, ends the matrix. The check finds the files healed.
package struct FaultMatrix: RunMatrix {
    /// One run and what fails in it.
    package struct Trial: Sendable, CustomStringConvertible {
        package enum Place: Sendable {
            case operation(Int)
            case read(Int)
            /// This operation and all that come behind it.
            case from(Int)
        }

        package let place: Place
        package let fault: MemoryFileSystem.Fault
        package let seed: UInt64

        package var description: String { "\(fault) at \(place); \(Seeds.note(seed))" }
    }

    /// What fails, once, at an operation or read.
    package var faults: [MemoryFileSystem.Fault] = [
        .error(.noSpace), .error(.inputOutput), .short(1), .short(1000),
    ]
    /// What goes on failing.
    package var lastingFaults: [StorageError.Kind] = [.noSpace, .quotaExceeded, .inputOutput]
    /// Faults are at all operations and reads if there are no more than these, else at so many.
    package var operationsMax = 400
    package var readsMax = 400
    package let start: RunStart

    package init(_ start: RunStart) { self.start = start }

    /// Runs, with faults, and checks; gives the number of runs that ended with an error.
    @discardableResult
    package func run(
        _ run: (MemoryFileSystem) throws -> Void,
        check: (MemoryFileSystem, Trial, StorageError?) throws -> Void
    ) throws -> Int {
        var errorCount = 0
        for trial in try trials(run) {
            let files = start.makeFiles()
            switch (trial.place, trial.fault) {
            case (.operation(let number), let fault): files.fail(operation: number, with: fault)
            case (.read(let number), let fault): files.fail(read: number, with: fault)
            case (.from(let number), .error(let kind)): files.failAll(from: number, with: kind)
            case (.from, .short): continue
            }
            let error = try outcome(of: trial) { try run(files) }
            if error != nil { errorCount += 1 }
            files.heal()
            do { try check(files, trial, error) } catch {
                throw CrashMatrix.Failure(description: "\(trial): \(error)")
            }
        }
        return errorCount
    }

    /// The error that a run ends with, if it is one that it may end with.
    private func outcome(of trial: Trial, _ body: () throws -> Void) throws -> StorageError? {
        do {
            try body()
            return nil
        } catch {
            guard let error = error as? StorageError, case .error = trial.fault else {
                throw CrashMatrix.Failure(description: "\(trial): \(error)")
            }
            return error
        }
    }

    /// Everything that is to fail, in one run each.
    private func trials(_ run: (MemoryFileSystem) throws -> Void) throws -> [Trial] {
        var random = SplitMix64(seed: start.seed)
        let files = start.makeFiles()
        let (operations, reads) = (files.operationCount, files.readCount)
        try run(files)
        let failing = random.sample(
            Array(operations..<files.operationCount), countMax: operationsMax)
        let failingReads = random.sample(Array(reads..<files.readCount), countMax: readsMax)
        let places: [Trial.Place] =
            failing.map { .operation($0 + 1) } + failingReads.map { .read($0 + 1) }
        return places.flatMap { place in
            var trials = faults.map { Trial(place: place, fault: $0, seed: start.seed) }
            if case .operation(let number) = place {
                trials += lastingFaults.map {
                    Trial(place: .from(number), fault: .error($0), seed: start.seed)
                }
            }
            return trials
        }
    }
}
