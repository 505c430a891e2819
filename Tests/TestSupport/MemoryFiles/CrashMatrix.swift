import Storage
import Synchronization

/// Runs something on files in memory over and over, and ends it before each of its operations in
/// turn: killed, and by power cuts.
///
///     try CrashMatrix(seed: seed).run { files in
///         model = Model()
///         try work(on: files, model)
///     } check: { files, crash in
///         #expect(try reopen(files) == model.promised, "\(crash)")
///     }
///
/// The first run counts the operations. Each further one is on fresh files, and from its
/// operation on everything fails, so that it ends there: what the run has promised by then must
/// hold in each of the crashes. The run must do the same every time.
package struct CrashMatrix: RunMatrix {
    /// One crash of one run.
    package struct Crash: Sendable, CustomStringConvertible {
        /// How the run ended.
        package enum Kind: Sendable, Equatable {
            case kill
            case powerCut(seed: UInt64)
        }

        package let kind: Kind
        /// The operation that was not done any more; nil if all were.
        package let next: MemoryFileSystem.Note?
        package let seed: UInt64

        package var description: String {
            let place = next.map { "\($0)" } ?? "after the last operation"
            return "\(kind) \(place); \(Seeds.note(seed))"
        }
    }

    /// A check that threw, or a run that failed by itself.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Crashes are at all operations if there are no more than these, else at so many of them.
    package var operationsMax = 400
    /// Power cuts at each operation, beside the kill.
    package var powerCutCount = 3
    package let start: RunStart

    package init(_ start: RunStart) { self.start = start }

    /// Runs, crashes and checks; gives the number of crashes.
    @discardableResult
    package func run(
        _ run: (MemoryFileSystem) throws -> Void,
        check: (MemoryFileSystem, Crash) throws -> Void
    ) throws -> Int {
        var random = SplitMix64(seed: start.seed)
        let whole = start.makeFiles()
        let before = whole.operationCount
        try run(whole)
        let last = whole.operationCount + 1
        let numbers = random.sample(Array(before + 1...last), countMax: operationsMax)
        var crashCount = 0
        for number in numbers {
            let files = start.makeFiles()
            let cuts = (0..<powerCutCount).map { _ in random.next() }
            for (left, crash) in try end(run, on: files, at: number, cuts) {
                do { try check(left, crash) } catch {
                    throw Failure(description: "\(crash): \(error)")
                }
                crashCount += 1
            }
        }
        return crashCount
    }

    /// Runs up to an operation, and gives what crashes leave there.
    private func end(
        _ run: (MemoryFileSystem) throws -> Void, on files: MemoryFileSystem, at number: Int,
        _ cuts: [UInt64]
    ) throws -> [(MemoryFileSystem, Crash)] {
        let found = Mutex<[(MemoryFileSystem, Crash)]>([])
        let seed = start.seed
        let crash = { @Sendable (next: MemoryFileSystem.Note?) in
            var crashes = [
                (files.crashKeepingWritten(), Crash(kind: .kill, next: next, seed: seed))
            ]
            for cut in cuts {
                let crash = Crash(kind: .powerCut(seed: cut), next: next, seed: seed)
                crashes.append((files.crash(seed: cut), crash))
            }
            found.withLock { $0 = crashes }
        }
        files.observe { note in if note.isBefore && note.number == number { crash(note) } }
        // The observer holds the files, which hold it.
        defer { files.observe(nil) }
        files.failAll(from: number, with: .inputOutput)
        do { try run(files) } catch {
            let isEnd = files.operationCount >= number
            if !isEnd { throw Failure(description: "\(error) before operation \(number)") }
        }
        if files.operationCount < number { crash(nil) }
        return found.withLock { $0 }
    }
}
