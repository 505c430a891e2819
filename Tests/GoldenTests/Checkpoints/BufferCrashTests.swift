import Connectors
import Dataflow
import Execution
import Pipeline
import Storage
import Synchronization
import TestSupport
import Testing

/// Power cuts of pipelines that take records in over a buffer: what senders were told is safe
/// comes out once, whatever was lost.
@Suite(.serialized)
struct BufferCrashTests {
    /// A pipeline that runs until it is stopped.
    private struct Running {
        let engine: Engine
        let thread: TestThread<String?>

        init(over files: MemoryFileSystem, port: Int) throws {
            let yaml = """
                settings:
                  state: { path: state, memory_limit: 1MiB }
                  checkpoint: { every: 10ms, keep: 2 }
                  workers: 2
                  batch_rows: 20
                sources:
                  in:
                    type: tcp
                    listen: "127.0.0.1:\(port)"
                    framing: acknowledged
                    schema: { n: int }
                    buffer: { type: log, sync: every, path: buffer }
                sinks: { out: { type: file, path: out.ndjson } }
                """
            let world = PipelineWorld.system(fileSystem: files, coreCount: 2) { _ in nil }
            let checked = Planner.check(Array(yaml.utf8), name: "buffered", world: world)
            let pipeline = try #require(checked.pipeline, "\(checked.diagnostics)")
            let surroundings = Surroundings(
                fileSystem: files, clock: .system, zones: world.zones, notice: { _ in })
            var plan = try pipeline.plan(in: surroundings)
            plan.checkpoint?.everyChunks = 2
            let engine = Engine(plan, clock: .system) { _ in }
            self.engine = engine
            thread = TestThread { engine.run().failure.map { "\($0)" } }
        }

        /// Stops it when its output has so many lines, and waits for its end.
        func stop(_ files: MemoryFileSystem, atLines count: Int) -> String?? {
            let waker = Waker()
            for _ in 0..<2000 {
                if files.bytes("out.ndjson").count(where: { $0 == 10 }) >= count { break }
                waker.wait(milliseconds: 5)
            }
            engine.stop()
            return thread.join()
        }
    }

    private static func freePort() throws -> Int {
        let listener = try #require(TestSocket.listen())
        defer { listener.finish() }
        return listener.port
    }

    private static func connect(_ port: Int) throws -> TestSocket {
        let waker = Waker()
        for _ in 0..<1000 {
            if let socket = TestSocket.connect(port: port) { return socket }
            waker.wait(milliseconds: 5)
        }
        return try #require(nil)
    }

    @Test(arguments: Seeds.list(2))
    func acknowledgedRecordsComeOutOnceAfterAPowerCut(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let files = MemoryFileSystem()
        let clones = CrashClones(seed: seed, rarity: 40)
        clones.watch(files)
        let port = try Self.freePort()
        let running = try Running(over: files, port: port)
        let client = try Self.connect(port)
        var sent = 0
        // By the clones there were when a count was acknowledged.
        var safe: [(clones: Int, count: Int)] = []
        for _ in 0..<30 {
            let count = random.int(1...40)
            client.send((sent..<sent + count).map { "{\"n\":\($0)}\n" }.joined())
            sent += count
            var last = 0
            while last < sent {
                let text = String(decoding: client.receive(), as: UTF8.self)
                try #require(!text.isEmpty)
                last = text.split(separator: "\n").last.flatMap { Int($0) } ?? 0
            }
            safe.append((clones.begunCount, sent))
        }
        let failure = running.stop(files, atLines: sent)
        #expect(failure == .some(.none))
        files.observe(nil)
        #expect(files.text("out.ndjson") == (0..<sent).map { "{\"n\":\($0)}\n" }.joined())
        #expect(clones.all.count > 3)
        for clone in clones.all {
            let told = safe.last { $0.clones <= clone.number }?.count ?? 0
            let again = try Running(over: clone.files, port: try Self.freePort())
            let failure = again.stop(clone.files, atLines: told)
            #expect(failure == .some(.none), "\(clone.note)")
            let lines = clone.files.text("out.ndjson")?.split(separator: "\n") ?? []
            let note = "\(lines.count) of \(told); \(clone.note); \(Seeds.note(seed))"
            #expect(lines.count >= told, "\(note)")
            let isInOrder = lines.enumerated().allSatisfy { $1 == "{\"n\":\($0)}" }
            #expect(isInOrder, "\(note)")
        }
    }
}
