import Connectors
import Dataflow
import Storage
import Synchronization
import TestSupport
import Testing

@Suite(.serialized)
struct QueuedSinkTests {
    /// A target that takes nothing while it is away.
    private final class Target: SinkWriter {
        final class World: Sendable {
            struct State {
                var isAway = true
                var text = ""
                var writes = 0
                var isInterrupted = false
            }
            let state = Mutex(State())
            let waker = Waker()

            var text: String { state.withLock { $0.text } }

            func come() {
                state.withLock { $0.isAway = false }
                waker.wake()
            }

            func go() { state.withLock { $0.isAway = true } }
        }

        private let world: World

        init(_ world: World) { self.world = world }

        func open() throws {}

        func write(_ parts: [EncodedPart]) throws {
            while true {
                let (isAway, isInterrupted) = world.state.withLock { ($0.isAway, $0.isInterrupted) }
                if isInterrupted { throw SinkInterrupted(target: "target") }
                if !isAway { break }
                world.waker.wait(milliseconds: 100)
            }
            world.state.withLock { $0.writes += 1 }
            for part in parts {
                let text = String(decoding: part.slab.array(0..<part.byteCount), as: UTF8.self)
                world.state.withLock { $0.text += text }
            }
        }

        func flush() throws {}

        func close() throws {}

        func interrupt() {
            world.state.withLock { $0.isInterrupted = true }
            world.waker.wake()
        }
    }

    private func sink(
        _ world: Target.World, on files: MemoryFileSystem,
        _ change: (inout QueuedSink.Options) -> Void = { _ in }
    ) -> QueuedSink {
        var options = QueuedSink.Options(directory: "state/queue-out")
        options.log.segmentBytes = 4096
        change(&options)
        return QueuedSink(Target(world), name: "target", options, fileSystem: files)
    }

    private func lines(_ numbers: Range<Int>) -> String { numbers.map { "line \($0)\n" }.joined() }

    @Test func rowsArriveInOrderAndTheEndWaitsForThem() throws {
        let (world, files) = (Target.World(), MemoryFileSystem())
        let sink = sink(world, on: files)
        try sink.open()
        world.come()
        for number in 0..<100 { try sink.write([EncodedPart(lines(number..<number + 1))]) }
        try sink.close()
        #expect(world.text == lines(0..<100))
        #expect(files.paths.allSatisfy { !$0.hasSuffix(".segment") })
    }

    @Test func neitherWritesNorCheckpointsWaitForATargetThatIsAway() throws {
        let (world, files) = (Target.World(), MemoryFileSystem())
        let first = sink(world, on: files) { $0.memoryBytesMax = 200 }
        try first.open()
        for number in 0..<50 { try first.write([EncodedPart(lines(number..<number + 1))]) }
        let staged = try first.stage(for: 1)
        try staged.sync()
        try staged.commit()
        try first.write([EncodedPart(lines(50..<60))])
        try first.leave()
        #expect(world.text == "")
        // A restore sends what the checkpoint had; what came later is made anew.
        let later = Target.World()
        later.come()
        let second = sink(later, on: files)
        try second.resume(staged.own, epoch: 1)
        try second.write([EncodedPart(lines(50..<70))])
        try second.close()
        #expect(later.text == lines(0..<70))
    }

    @Test(arguments: Seeds.list(10))
    func whatIsInTheLogComesBeforeWhatIsInMemory(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (world, files) = (Target.World(), MemoryFileSystem())
        let sink = sink(world, on: files) { $0.memoryBytesMax = 300 }
        try sink.open()
        var written = 0
        var epoch = 0
        for _ in 0..<60 {
            switch random.int(0..<6) {
            case 0: world.come()
            case 1: world.go()
            case 2:
                epoch += 1
                let staged = try sink.stage(for: epoch)
                try staged.sync()
                try staged.commit()
            default:
                let end = written + random.int(1...20)
                try sink.write([EncodedPart(lines(written..<end))])
                written = end
            }
        }
        world.come()
        try sink.close()
        #expect(world.text.isEveryLine(upTo: written), "\(Seeds.note(seed))")
    }

    /// Nothing may be written any more that would come upon it.
    @Test func whatFailsInSendingIsTold() throws {
        let (world, files) = (Target.World(), MemoryFileSystem())
        let sink = sink(world, on: files) { $0.memoryBytesMax = 0 }
        try sink.open()
        let failed = Waker()
        sink.watch { failed.wake() }
        try sink.check()
        files.failAll(from: 0, with: .inputOutput, on: [.read])
        // The first rows may be under way from memory, the second can only come from the log.
        try sink.write([EncodedPart(lines(0..<10))])
        try? sink.write([EncodedPart(lines(10..<20))])
        world.come()
        failed.wait(milliseconds: 60_000)
        #expect(throws: StorageError.self) { try sink.check() }
        files.heal()
        // A run that ends otherwise tells it, too; the rows are left to a later one.
        #expect(throws: StorageError.self) { try sink.leave() }
        #expect(["", lines(0..<10)].contains(world.text))
    }

    @Test func fullQueueWaitsForItsTarget() throws {
        let (world, files) = (Target.World(), MemoryFileSystem())
        let sink = sink(world, on: files) {
            $0.memoryBytesMax = 100
            $0.log.quota = 10_000
        }
        try sink.open()
        let text = lines(0..<200)
        nonisolated(unsafe) let writing = sink
        let thread = TestThread { () -> Int in
            var written = 0
            while written < 20, (try? unsafe writing.write([EncodedPart(text)])) != nil {
                written += 1
            }
            return written
        }
        world.waker.wait(milliseconds: 30)
        let size = files.paths.filter { $0.hasSuffix(".segment") }.reduce(0) {
            $0 + files.bytes($1).count
        }
        #expect(size <= 10_000)
        world.come()
        #expect(thread.join() == 20)
        try sink.close()
        #expect(world.text.split(separator: "\n").count >= 20 * 200)
    }

    @Test func interruptEndsTheWaitForTheEnd() throws {
        let (world, files) = (Target.World(), MemoryFileSystem())
        let sink = sink(world, on: files)
        try sink.open()
        try sink.write([EncodedPart("one\n")])
        sink.interrupt()
        #expect(throws: SinkInterrupted.self) { try sink.close() }
    }

    /// At the end of its input a run may be told to stop while it waits for the target.
    @Test func aRunThatIsToldToStopLeavesTheRest() throws {
        let (world, files) = (Target.World(), MemoryFileSystem())
        let first = sink(world, on: files)
        try first.open()
        try first.write([EncodedPart(lines(0..<10))])
        let staged = try first.stage(for: 1)
        try staged.sync()
        first.hurry()
        #expect(throws: OutputLeft.self) { try first.close() }
        world.state.withLock { $0.isInterrupted = false }
        world.come()
        let second = sink(world, on: files)
        try second.resume(staged.own, epoch: 1)
        second.hurry()
        while world.text != lines(0..<10) { SystemTime.sleep(nanoseconds: 1_000_000) }
        try second.close()
    }

    /// A target that is far away answers once for many checkpoints.
    @Test func whatWaitsIsSentInFewWrites() throws {
        let (world, files) = (Target.World(), MemoryFileSystem())
        let sink = sink(world, on: files)
        try sink.open()
        for number in 0..<200 {
            try sink.write([EncodedPart(lines(number..<number + 1))])
            _ = try sink.stage(for: number + 1)
        }
        world.come()
        try sink.close()
        #expect(world.text == lines(0..<200))
        // What was on its way goes alone.
        #expect(world.state.withLock { $0.writes } <= 3)
    }

    /// The segment that is written to is all there is, and all of it is taken.
    @Test func rowsThatFillTheQuotaMakeRoomOnceTheyAreTaken() throws {
        let (world, files) = (Target.World(), MemoryFileSystem())
        let sink = sink(world, on: files) {
            $0.log.quota = 16 << 10
            $0.memoryBytesMax = 1
        }
        world.come()
        try sink.open()
        var text = ""
        for number in 0..<20 {
            let row = String(repeating: "\(number % 10)", count: 9000) + "\n"
            try sink.write([EncodedPart(row)])
            text += row
        }
        while world.text != text { SystemTime.sleep(nanoseconds: 1_000_000) }
        world.go()
        #expect(throws: StorageError.self) {
            try sink.write([EncodedPart(String(repeating: "x", count: 20_000) + "\n")])
        }
        sink.interrupt()
        #expect(throws: StorageError.self) { try sink.close() }
    }

    /// After a power cut behind a checkpoint everything up to it arrives, and nothing behind it.
    @Test(arguments: Seeds.list(10))
    func noPowerCutCostsWhatACheckpointHas(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (world, files) = (Target.World(), MemoryFileSystem())
        let first = sink(world, on: files) { $0.memoryBytesMax = random.int(50...2000) }
        try first.open()
        var written = 0
        var cuts: [(disk: MemoryFileSystem, own: [UInt8], written: Int, taken: Int)] = []
        for epoch in 1...12 {
            if random.chance(0.3) { world.come() } else { world.go() }
            for _ in 0..<random.int(0...8) {
                let end = written + random.int(1...20)
                try first.write([EncodedPart(lines(written..<end))])
                written = end
            }
            let staged = try first.stage(for: epoch)
            let before = written
            try staged.sync()
            if random.chance(0.5) { try first.write([EncodedPart("behind\n")]) }
            let taken = world.text
            cuts.append(
                (files.crash(seed: random.next()), staged.own, before, taken.utf8.count))
            if random.chance(0.7) { try staged.commit() }
            if random.chance(0.5) { try first.write([EncodedPart("behind\n")]) }
        }
        try first.leave()
        for (number, cut) in cuts.enumerated() {
            let later = Target.World()
            later.come()
            let again = sink(later, on: cut.disk)
            try again.resume(cut.own, epoch: number + 1)
            try again.close()
            let before = String(decoding: Array(world.text.utf8.prefix(cut.taken)), as: UTF8.self)
            let all = Set((before + later.text).split(separator: "\n"))
            #expect(
                all.isSuperset(of: lines(0..<cut.written).split(separator: "\n")),
                "\(Seeds.note(seed))")
        }
    }
}

extension String {
    /// Whether every line up to a number is there, in the order of the first time.
    fileprivate func isEveryLine(upTo count: Int) -> Bool {
        var next = 0
        for line in split(separator: "\n") where line == "line \(next)" { next += 1 }
        return next == count
    }
}
