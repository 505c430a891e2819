import Dataflow
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Execution

struct SequencerTests {
    /// A sequencer over `sources` bare sources, and what it announced.
    private struct Bench {
        let sequencer: Sequencer
        let announced = Announced()

        final class Announced: Sendable {
            let tickets = Mutex<[Ticket]>([])
            let ends = Atomic<Int>(0)

            var all: [Ticket] { tickets.withLock { $0 } }
        }

        init(
            _ sources: [(isTable: Bool, isBounded: Bool)], tickets: Int = 0, bytes: Int = 1 << 20,
            isOpen: Bool = true
        ) {
            var settings = Plan.Settings()
            settings.chunksInFlight = tickets
            settings.bytesInFlight = bytes
            settings.workers = 2
            var plan = Plan(name: "test", settings: settings)
            var tables = 0
            for (index, source) in sources.enumerated() {
                var table: Plan.SourceNode.Table?
                if source.isTable {
                    table = Plan.SourceNode.Table(index: tables) {
                        preconditionFailure("no test of the sequencer builds a table")
                    }
                    tables += 1
                }
                plan.sources.append(
                    Plan.SourceNode(
                        name: "s\(index)", schema: Schema(), watermark: nil,
                        makeSource: { ScriptedSource([]) },
                        makeDecoder: { preconditionFailure("nothing is decoded") }, table: table))
            }
            let announced = announced
            sequencer = Sequencer(
                Topology(plan), clock: VirtualClock().clock,
                announce: { ticket in announced.tickets.withLock { $0.append(ticket) } },
                finished: { announced.ends.add(1, ordering: .relaxed) })
            if isOpen { sequencer.open(sources) }
        }

        /// Offers a chunk of `byteCount` bytes; says whether it was numbered.
        func offer(_ source: Int, bytes: Int = 0) -> Bool {
            let slab = Slab(byteCount: bytes)
            let chunk = RawChunk(
                slab: slab, range: 0..<bytes, place: SourcePlace(name: "", offset: 0))
            return sequencer.offer(.records(chunk), from: source, waking: Parker()) == .numbered
        }

        func end(_ source: Int) -> Bool {
            sequencer.offer(.end, from: source, waking: Parker()) == .numbered
        }

        var hasFinished: Bool { announced.ends.load(ordering: .relaxed) > 0 }
    }

    private final class NoTable: TableVersion {
        let count = 0
        let byteCount = 0
        func encoded() -> [UInt8] { [] }
    }

    @Test func aStopBeforeThereAreSourcesIsNoEndOfInput() {
        let bench = Bench([(false, true)], isOpen: false)
        bench.sequencer.stop()
        #expect(!bench.hasFinished)
        bench.sequencer.open([(false, true)])
        #expect(bench.sequencer.permission(of: 0, waking: Parker()) == .leave)
        bench.sequencer.leave(0)
        #expect(bench.hasFinished)
        #expect(!bench.sequencer.hasInputEnded)
    }

    @Test func chunksAreNumberedAsTheyCome() {
        let bench = Bench([(false, false), (false, false)])
        for source in [0, 1, 1, 0] { #expect(bench.offer(source)) }
        let chunks = bench.announced.all.map(\.chunk)
        #expect(chunks.map(\.number) == [0, 1, 2, 3])
        #expect(chunks.map(\.source) == [0, 1, 1, 0])
        #expect(chunks.map(\.sequence) == [0, 0, 1, 1])
    }

    @Test func noMoreTicketsAreOutThanAllowed() {
        let bench = Bench([(false, false)], tickets: 2)
        #expect(bench.offer(0) && bench.offer(0))
        #expect(!bench.offer(0))
        bench.sequencer.release(bench.announced.all[0])
        #expect(bench.offer(0))
        #expect(!bench.offer(0))
    }

    @Test func bytesAreBoundedButOneChunkAlwaysPasses() {
        let bench = Bench([(false, false)], tickets: 10, bytes: 100_000)
        #expect(bench.offer(0, bytes: 300_000))
        #expect(!bench.offer(0, bytes: 10))
        bench.sequencer.release(bench.announced.all[0])
        #expect(bench.offer(0, bytes: 20_000))
        #expect(bench.offer(0, bytes: 20_000))
        #expect(!bench.offer(0, bytes: 80_000))
    }

    @Test func ofBoundedSourcesTheOneWithTheLeastWatermarkGoes() {
        let bench = Bench([(false, true), (false, true), (false, false)])
        // All are at the beginning: the first in the file goes.
        #expect(!bench.offer(1))
        #expect(bench.offer(0))
        // Until its watermark is known, neither may; a live source always may.
        #expect(!bench.offer(0) && !bench.offer(1))
        #expect(bench.offer(2))
        bench.sequencer.passed(50, source: 0)
        #expect(!bench.offer(0))
        #expect(bench.offer(1))
        bench.sequencer.passed(70, source: 1)
        #expect(!bench.offer(1))
        #expect(bench.offer(0))
        bench.sequencer.passed(90, source: 0)
        #expect(bench.end(1))
        bench.sequencer.passed(90, source: 1)
        // The one that ended no longer counts.
        #expect(bench.offer(0) && bench.offer(0))
    }

    @Test func nothingPassesBeforeTheTablesAreLoaded() {
        let bench = Bench([(false, false), (true, true)])
        #expect(bench.sequencer.permission(of: 0, waking: Parker()) == .wait)
        #expect(!bench.offer(0))
        // Nor does what is wrong with rows of the table.
        #expect(!bench.offer(1))
        bench.sequencer.setTable(0, to: NoTable(), from: 1, at: nil)
        #expect(bench.sequencer.permission(of: 0, waking: Parker()) == .read)
        #expect(bench.offer(0))
        #expect(bench.announced.all.map(\.chunk.tables.count) == [1])
    }

    /// What tables have rejected comes before all other rows, in the order of the tables; until
    /// then a checkpoint has them as tables that are not loaded.
    @Test func rejectedRowsOfTablesComeFirst() {
        let bench = Bench([(false, false), (true, true), (true, true)])
        bench.sequencer.setTable(1, to: NoTable(), awaitingRowsOf: 2)
        #expect(!bench.offer(2))
        bench.sequencer.setTable(0, to: NoTable(), awaitingRowsOf: 1)
        #expect(bench.sequencer.permission(of: 0, waking: Parker()) == .wait)
        #expect(bench.sequencer.positions().tables.count { $0 != nil } == 0)
        #expect(!bench.offer(2) && !bench.offer(0))
        #expect(bench.offer(1))
        #expect(bench.sequencer.positions().tables.count { $0 != nil } == 1)
        #expect(!bench.offer(0))
        #expect(bench.offer(2))
        #expect(bench.offer(0))
        #expect(bench.sequencer.positions().tables.count { $0 != nil } == 2)
        #expect(bench.announced.all.map(\.chunk.source) == [1, 2, 0])
    }

    @Test func aStopEndsTheWaitForTables() {
        let bench = Bench([(false, false), (true, true), (true, true)])
        bench.sequencer.setTable(1, to: NoTable(), awaitingRowsOf: 2)
        let rows = Chunk.Content.rejected(Batch(columns: [], count: 0))
        #expect(bench.sequencer.offer(rows, from: 2, waking: Parker()) == .wait)
        bench.sequencer.stop()
        #expect(bench.sequencer.offer(rows, from: 2, waking: Parker()) == .leave)
        for source in 0..<3 { bench.sequencer.leave(source) }
        #expect(bench.hasFinished)
    }

    @Test func itIsFinishedWhenSourcesHaveEndedAndAllTicketsAreBack() {
        let bench = Bench([(false, true), (true, false)])
        bench.sequencer.setTable(0, to: NoTable(), from: 1, at: nil)
        #expect(bench.offer(0))
        bench.sequencer.passed(0, source: 0)
        #expect(bench.end(0))
        bench.sequencer.release(bench.announced.all[0])
        #expect(!bench.hasFinished)
        bench.sequencer.release(bench.announced.all[1])
        #expect(bench.hasFinished)
    }

    @Test func whatWasReadBeforeAStopIsStillNumbered() {
        let bench = Bench([(false, false), (false, false)], tickets: 1)
        #expect(bench.offer(0))
        #expect(!bench.offer(1))
        bench.sequencer.stop()
        #expect(bench.sequencer.permission(of: 0, waking: Parker()) == .leave)
        bench.sequencer.leave(0)
        bench.sequencer.release(bench.announced.all[0])
        // Source 1 still holds its chunk.
        #expect(!bench.hasFinished)
        #expect(bench.offer(1))
        bench.sequencer.leave(1)
        #expect(!bench.hasFinished)
        bench.sequencer.release(bench.announced.all[1])
        #expect(bench.hasFinished)
    }
}

struct WatermarkRelayTests {
    @Test func theWatermarkIsHandedOnInTheOrderOfChunks() {
        let relay = WatermarkRelay(
            WatermarkStrategy(delay: 5, idleTimeout: 10, maxFuture: nil, scope: .source))
        let parker = Parker()
        #expect(relay.take(1, waking: parker) == nil)
        guard var tracker = relay.take(0, waking: parker) else {
            Issue.record("nobody has chunk 0")
            return
        }
        var builder = ColumnBuilder(.int, capacity: 2)
        var times = builder.int64s
        times[0] = 100
        times[1] = 90
        let column = builder.finish(count: 2)
        var stamped = ColumnBuilder(.int, capacity: 2)
        var watermarks = stamped.int64s
        tracker.stamp(column.int64s, Selection(all: 2), partition: 0, into: &watermarks)
        relay.pass(tracker)
        let found = stamped.finish(count: 2)
        #expect([found.int64(at: 0), found.int64(at: 1)] == [EventTime.none, 95])
        #expect(relay.take(1, waking: parker)?.watermark == 95)
        #expect(relay.watermark == 95)
        // Whoever waited was woken.
        parker.park()
    }
}
