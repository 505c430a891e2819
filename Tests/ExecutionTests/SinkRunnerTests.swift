import Dataflow
import Storage
import TestSupport
import Testing

@testable import Execution

struct SinkRunnerTests {
    /// A sink with two inputs behind an exchange (on every worker) and one before it (on the worker
    /// that decodes), and chunks that are announced to it.
    private struct Bench {
        let core: EngineCore
        let runner: SinkRunner
        let collected = Collected()
        private(set) var tickets: [Ticket] = []

        init(workers: Int, chunks: Int) throws {
            let yaml = """
                sources:
                  in: { type: stdin, schema: { id: string, ts: timestamp_ms }, event_time: ts,
                        watermark: { max_delay: 0s } }
                steps:
                  unique: { type: dedup, key: id, bucket: 1m, retain: 1m }
                sinks:
                  out: { type: stdout, inputs: [ unique, in, unique.late ] }
                """
            let plan = try TestPlan(
                yaml, set: ["settings.workers=\(workers)", "settings.chunks_in_flight=\(chunks)"],
                sources: ["in": { ScriptedSource([]) }])
            core = EngineCore(
                Topology(plan.plan), clock: VirtualClock().clock, log: { _ in },
                ending: Ending {})
            core.sequencer.open([(false, true)])
            runner = SinkRunner(
                0, writer: CollectingWriter("out", into: collected), core: core,
                arrivals: core.arrivals[0])
            for number in 0..<chunks {
                let content = Chunk.Content.records(RawChunk(events: []))
                #expect(core.sequencer.offer(content, from: 0, waking: Parker()) == .numbered)
                let marks = core.inboxes[number % workers].take().marks
                if case .chunk(let ticket)? = marks.last { tickets.append(ticket) }
            }
        }

        func send(_ chunk: Int, input: Int, worker: Int) {
            let text = "\(chunk).\(input).\(worker)\n"
            let slice = SlabSlice(text)
            core.write(
                SinkPiece(
                    ticket: tickets[chunk], input: input, sender: worker,
                    parts: [
                        EncodedPart(
                            target: "", slab: slice.slab, byteCount: slice.byteCount, rowCount: 1)
                    ]),
                to: 0)
        }
    }

    @Test(arguments: Seeds.list(20))
    func piecesAreWrittenByChunkThenInputThenWorker(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (workers, chunks) = (random.int(2..<5), 4)
        let bench = try Bench(workers: workers, chunks: chunks)
        var pieces: [(chunk: Int, input: Int, worker: Int)] = []
        var expected: [String] = []
        for chunk in 0..<chunks {
            for input in 0..<3 {
                let senders = input == 1 ? [chunk % workers] : Array(0..<workers)
                for worker in senders {
                    pieces.append((chunk, input, worker))
                    expected.append("\(chunk).\(input).\(worker)")
                }
            }
        }
        pieces.shuffle(using: &random)
        for piece in pieces {
            bench.send(piece.chunk, input: piece.input, worker: piece.worker)
            if random.chance(0.5) { while try bench.runner.step() == .progressed {} }
            // What is written is never out of order.
            let written = bench.collected.lines("out")
            #expect(written == Array(expected.prefix(written.count)), "\(Seeds.note(seed))")
            #expect(!bench.collected.hasUnflushed || written.count < expected.count)
        }
        while try bench.runner.step() == .progressed {}
        #expect(bench.collected.lines("out") == expected, "\(Seeds.note(seed))")
        #expect(bench.runner.rowsWritten == expected.count)
        #expect(!bench.collected.hasUnflushed)
        #expect(try bench.runner.step() == .idle)
    }
}
