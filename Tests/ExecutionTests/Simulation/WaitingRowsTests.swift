import Dataflow
import Execution
import Pipeline
import Storage
import Synchronization
import TestSupport
import Testing

/// Rows that wait in a sink's queue belong to the checkpoint, wherever that is.
struct WaitingRowsTests {
    private static let yaml = """
        settings:
          workers: 1
          state: { path: state, reserve: 8KiB }
          checkpoint: { every: 1s, min_pause: 0s, keep: 2 }
        sources:
          in: { type: file, paths: [ in.ndjson ], follow: true, schema: { id: int, s: string } }
        sinks:
          out: { type: tcp, connect: "127.0.0.1:9" }
        """

    private let clock = VirtualClock()
    private let receiver = AwayReceiver()

    /// A run, and what sends its rows.
    private struct Running {
        let life: Life
        let sender: AwayReceiver.Sender

        /// Gives the run rows, and a checkpoint of them.
        func add(_ numbers: ClosedRange<Int>, without held: Set<String> = []) {
            life.files.append("in.ndjson", WaitingRowsTests.rows(numbers))
            life.settle(without: held)
            sender.turn()
            life.pass(seconds: 2, without: held)
        }
    }

    enum Place: String {
        case required = "{ path: second, required: true }"
        case late = "{ path: second }"
        case none
    }

    private func run(
        over files: MemoryFileSystem, _ place: Place = .required, queue: String = "state/queue-out",
        state: String = "state"
    ) throws -> Running {
        let (make, sender) = receiver.sink(on: files, queue: queue)
        var set = ["settings.state.path=\(state)"]
        if place != .none {
            set.append("settings.checkpoint.second_place=\(place.rawValue)")
        }
        let life = try Life(Self.yaml, over: files, at: clock, set: set, sinks: ["out": make])
        return Running(life: life, sender: sender)
    }

    private static func rows(_ numbers: ClosedRange<Int>) -> String {
        let text = String(repeating: "x", count: 100)
        return numbers.map { "{\"id\":\($0),\"s\":\"\(text)\"}\n" }.joined()
    }

    private func lines(_ numbers: ClosedRange<Int>) -> Set<Substring> {
        Set(Self.rows(numbers).split(separator: "\n"))
    }

    private func files(_ text: String = "") -> MemoryFileSystem {
        let files = MemoryFileSystem()
        files.put("in.ndjson", text)
        return files
    }

    /// A new machine that has the input, and what is in one directory of the old one.
    private func box(with directory: String, of files: MemoryFileSystem) -> MemoryFileSystem {
        let box = MemoryFileSystem()
        for path in files.paths where path.hasPrefix(directory + "/") || path == "in.ndjson" {
            box.put(path, bytes: files.bytes(path))
        }
        return box
    }

    private func copies(in directory: String, of files: MemoryFileSystem) -> [String] {
        files.paths.filter { $0.hasPrefix(directory + "/") && $0.hasSuffix(".row") }
    }

    /// Lets the receiver take all that waits, and more; ends when a checkpoint says so.
    private func expectAll(_ numbers: ClosedRange<Int>, of running: Running) {
        receiver.isAway = false
        running.life.settle()
        running.sender.turn()
        expectTaken(numbers)
    }

    /// Expects that these rows were taken, now or before, and no others.
    private func expectTaken(_ numbers: ClosedRange<Int>, before: Set<Substring> = []) {
        let (taken, wanted) = (before.union(receiver.lines), lines(numbers))
        let missing = wanted.subtracting(taken).map { $0.prefix(12) }
        #expect(missing.sorted() == [])
        #expect(taken.subtracting(wanted).isEmpty)
    }

    @Test(arguments: [Place.required, .late], ["state/queue-out", "elsewhere/queue"])
    func rowsThatWaitOutliveTheBox(_ place: Place, _ queue: String) throws {
        let first = try run(over: files(), place, queue: queue)
        for number in 0..<4 { first.add(number * 100 + 1...number * 100 + 100) }
        #expect(receiver.text == "")
        let box = box(with: "second", of: first.life.files)
        let second = try run(over: box, place, queue: queue)
        second.add(401...500)
        // It goes on from its own log, in which they are now, and from yet another box.
        let third = try run(over: second.life.killed, place, queue: queue)
        third.add(501...510)
        let fourth = try run(
            over: self.box(with: "second", of: third.life.files), place, queue: queue)
        expectAll(1...510, of: fourth)
        // What was taken is in no checkpoint.
        for number in 511...513 { fourth.add(number...number) }
        #expect(copies(in: "second", of: fourth.life.files) == [])
        #expect(copies(in: "state", of: fourth.life.files) == [])
    }

    @Test func rowsThatWaitAreCopiedOnce() throws {
        let files = files()
        let written = Mutex(0)
        files.observe { note in
            guard note.operation == .rename, note.isBefore, note.path.hasPrefix("second/"),
                note.path.contains(".row")
            else { return }
            written.withLock { $0 += files.bytes(note.path).count }
        }
        let running = try run(over: files)
        for number in 0..<10 { running.add(number * 100 + 1...number * 100 + 100) }
        let bytesBefore = written.withLock { $0 }
        files.observe(nil)
        let bytes = copies(in: "second", of: files).reduce(0) { $0 + files.bytes($1).count }
        #expect(copies(in: "second", of: files).count == 10)
        #expect(bytes > 100_000)
        #expect(bytesBefore == bytes)
        // Another run goes on with what was copied, from its own log or from the copies.
        for box in [files.crashKeepingWritten(), box(with: "second", of: files)] {
            let before = copies(in: "second", of: box)
            let again = try run(over: box)
            again.add(2001...2100)
            #expect(Set(copies(in: "second", of: box)).subtracting(before).count == 1)
        }
        // Those of many checkpoints are joined now and then.
        for number in 1001...1040 { running.add(number...number) }
        #expect(copies(in: "second", of: files).count < 25)
        let again = try run(over: box(with: "second", of: files))
        expectAll(1...1040, of: again)
    }

    /// Of a checkpoint that is copied late, the receiver has taken some rows meanwhile.
    @Test(arguments: [1, 2, 3, nil])
    func whatWasTakenMeanwhileIsNotCopied(_ taken: Int?) throws {
        let running = try run(over: files(), .late)
        running.life.settle()
        let held: Set<String> = ["second-place"]
        for number in 0..<4 {
            running.add(number * 100 + 1...number * 100 + 100, without: held)
        }
        receiver.partsLeft = taken
        receiver.isAway = false
        running.sender.turn()
        receiver.isAway = true
        // The next checkpoint trims what was taken.
        running.add(401...402, without: held)
        running.life.step("second-place")
        let before = receiver.lines
        #expect(!before.isEmpty)
        let box = box(with: "second", of: running.life.files)
        #expect(copies(in: "second", of: box).count == 5 - (taken ?? 4))
        receiver.forget()
        receiver.partsLeft = nil
        let second = try run(over: box, .late)
        receiver.isAway = false
        second.life.settle()
        second.sender.turn()
        expectTaken(1...402, before: before)
    }

    @Test func anExportHasThem() throws {
        let running = try run(over: files(), .none)
        for number in 0..<3 { running.add(number * 100 + 1...number * 100 + 100) }
        let files = running.life.killed
        let inspection = CheckpointInspection("state", fileSystem: files)
        #expect(try inspection.verify().map(\.description) == [])
        _ = try inspection.copy(to: "export")
        let export = CheckpointInspection("export", fileSystem: files)
        #expect(try export.verify().map(\.description) == [])
        let box = box(with: "export", of: files)
        _ = try CheckpointInspection("export", fileSystem: box).copy(to: "new/state")
        for path in box.paths where path.hasPrefix("export/") { try box.unlink(path) }
        let second = try run(over: box, .none, queue: "new/state/queue-out", state: "new/state")
        expectAll(1...300, of: second)
        #expect(
            try CheckpointInspection("new/state", fileSystem: box).verify().map(\.description)
                == [])
    }

    /// What was taken is not missed by checkpoints that had it, and what was not is.
    @Test func verifyNamesDamageOfWhatWaits() throws {
        let running = try run(over: files())
        for number in 0..<3 { running.add(number * 100 + 1...number * 100 + 100) }
        let files = running.life.killed
        let segment = try #require(
            files.paths.filter { $0.hasPrefix("state/queue-out/") && $0.hasSuffix(".segment") }
                .min())
        let copy = try #require(copies(in: "second", of: files).min())
        for (path, directory) in [(segment, "state"), (copy, "second")] {
            for damage in ["changed", "cut", "gone"] {
                let box = files.crashKeepingWritten()
                var bytes = box.bytes(path)
                switch damage {
                case "changed": bytes[bytes.count / 2] ^= 1
                case "cut": bytes.removeLast(bytes.count / 2)
                default: bytes = []
                }
                if bytes.isEmpty { box.remove(path) } else { box.setBytes(path, bytes) }
                let problems = try CheckpointInspection(directory, fileSystem: box).verify()
                #expect(problems.contains { $0.description.contains(path) }, "\(damage) \(path)")
                #expect(problems.allSatisfy { $0.description.contains("rows that wait for sink") })
            }
        }
        receiver.isAway = false
        running.sender.turn()
        receiver.isAway = true
        running.add(301...302)
        for directory in ["state", "second"] {
            let problems = try CheckpointInspection(directory, fileSystem: running.life.files)
                .verify()
            #expect(problems.map(\.description) == [])
        }
    }

    /// Of a log that is damaged or gone while its checkpoint is whole, the second place has the
    /// rows.
    @Test(arguments: ["changed", "gone", "all"])
    func aDamagedQueueIsReplaced(_ damage: String) throws {
        let running = try run(over: files())
        for number in 0..<3 { running.add(number * 100 + 1...number * 100 + 100) }
        let files = running.life.killed
        let log = files.paths.filter { $0.hasPrefix("state/queue-out/") }
        let segment = try #require(log.filter { $0.hasSuffix(".segment") }.min())
        switch damage {
        case "changed":
            var bytes = files.bytes(segment)
            bytes[bytes.count / 2] ^= 1
            files.setBytes(segment, bytes)
        case "gone": files.remove(segment)
        default: for path in log { files.remove(path) }
        }
        let second = try run(over: files)
        #expect(second.life.log.lines.contains { $0.contains("they are taken from second") })
        expectAll(1...300, of: second)
    }

    /// Without a second place what is lost is told.
    @Test func aQueueThatIsLostIsTold() throws {
        let running = try run(over: files(), .none)
        running.add(1...100)
        let files = running.life.killed
        for path in files.paths where path.hasPrefix("state/queue-out/") { files.remove(path) }
        let error = #expect(throws: StorageError.self) { try run(over: files, .none) }
        #expect(error?.kind == .corrupt)
    }

    /// An edited pipeline does not leave them behind unasked, wherever it goes on.
    @Test func whoeverDropsTheSinkIsAsked() throws {
        let running = try run(over: files())
        running.add(1...100)
        for files in [running.life.killed, box(with: "second", of: running.life.files)] {
            let place = "settings.checkpoint.second_place=\(Place.required.rawValue)"
            let yaml = Self.yaml.replacing("  out:", with: "  other:")
            let error = #expect(throws: RestoreError.self) {
                try Life(yaml, over: files, at: clock, set: [place])
            }
            #expect(error?.description.contains("--allow-reset out") == true)
        }
    }

    /// Whatever happens when, rows arrive: where the machine goes on, and where it is lost.
    @Test func noCrashCostsRows() throws {
        var taken: Set<Substring> = []
        let crashes = try CrashMatrix(seed: Seeds.base, startingWith: { self.files() }).run {
            files in
            receiver.forget()
            receiver.isAway = true
            defer { taken = receiver.lines }
            let first = try run(over: files)
            first.add(1...20)
            first.add(21...40)
            receiver.partsLeft = 1
            receiver.isAway = false
            first.sender.turn()
            first.add(41...50)
            for path in files.paths where path.hasPrefix("state/") { try files.unlink(path) }
            let second = try run(over: files)
            second.add(51...60)
            second.add(61...70)
        } check: { files, crash in
            let written = files.text("in.ndjson")?.split(separator: "\n") ?? []
            for isLost in [false, true] {
                let box = isLost ? box(with: "second", of: files) : files.crashKeepingWritten()
                receiver.forget()
                receiver.partsLeft = nil
                receiver.isAway = false
                let again = try run(over: box)
                again.life.settle()
                again.sender.turn()
                again.life.pass(seconds: 2)
                let missing = Set(written).subtracting(taken.union(receiver.lines))
                #expect(missing.isEmpty, "\(crash) \(isLost)")
            }
        }
        #expect(crashes > 100)
    }
}
