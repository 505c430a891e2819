import Dataflow
import Storage
import TestSupport
import Testing

@testable import Execution

/// What manifests say of rows that wait.
struct WaitingPiecesTests {
    private let directory: StateDirectory

    init() throws { directory = try StateDirectory("state", fileSystem: MemoryFileSystem()) }

    private func manifest(_ waiting: WaitingPieces?) -> CheckpointManifest {
        var source = CheckpointManifest.Source(
            name: "in", binding: StateBinding(), sequence: 1, hasEnded: false, position: nil,
            tracker: nil, table: "0000000000000001-0-9.tab", counters: SourceCounters())
        source.guess = [1, 2, 3]
        let sinks = [nil, waiting].map { waiting in
            CheckpointManifest.Sink(
                name: "out", binding: StateBinding(), rows: 3, staged: [4], byteCount: 5,
                files: ["f"], log: "l", waiting: waiting)
        }
        return CheckpointManifest(
            epoch: 7, isFinished: false, pipeline: "p", writtenAt: 1, nextChunk: 2, workers: 1,
            sources: [source], steps: [], sinks: sinks)
    }

    @Test(arguments: [
        WaitingPieces.Place.files, .logBelow("queue-out"), .log("/var/queue"), .log("queue"),
    ])
    func aManifestKeepsThem(_ place: WaitingPieces.Place) throws {
        let name = "0000000000000001-0-10.row"
        let waiting = WaitingPieces(
            place: place, end: 20,
            pieces: [WaitingPieces.Piece(name: name, first: 10, end: 20, level: 2)])
        let read = try CheckpointManifest(manifest(waiting).encoded())
        #expect(read.sinks.map(\.waiting) == [nil, waiting])
        #expect(read.sources[0].guess == [1, 2, 3])
        // In a run's own place they stand in the log.
        #expect(read.files.contains(name) == (place == .files))
        #expect(read.holds.contains(name) == (place == .files))
        #expect(read.ended.files == [])
    }

    @Test func manifestsOfBeforeAreRead() throws {
        let bytes = manifest(nil).encoded()
        // Without what waits for two sinks, and without the guess of a source.
        for count in [2, 2 + 4] {
            let read = try CheckpointManifest(Array(bytes.dropLast(count)))
            #expect(read.sinks.map(\.waiting) == [nil, nil] && read.sinks[1].log == "l")
            #expect(read.sources[0].guess.isEmpty == (count > 2))
        }
    }

    @Test func aLogBelowTheStateIsFoundWhereverThatIs() {
        let place = WaitingPieces.place(ofLog: "state/queue-out", for: "state")
        #expect(place == .logBelow("queue-out"))
        let waiting = WaitingPieces(place: place, end: 1, pieces: [])
        #expect(waiting.log(for: "/mnt/copy") == "/mnt/copy/queue-out")
        #expect(WaitingPieces.place(ofLog: "states/q", for: "state") == .log("states/q"))
    }

    /// Pieces cover what waits, without gaps, under names that mean the same for ever; there are
    /// few, and an offset is in few of them.
    @Test(arguments: Seeds.list(10))
    func piecesCoverWhatWaits(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var ledger = PieceLedger(directory, goingOnFrom: [:])
        var ranges: [String: Range<Int64>] = [:]
        var (first, end) = (Int64(0), Int64(0))
        for _ in 0..<3000 {
            end += Int64(random.pick([0, 1, 5]))
            if random.chance(0.01) { first += Int64(random.int(0...Int(end - first))) }
            guard first < end else {
                #expect(ledger.note([:]).isEmpty)
                continue
            }
            let rows = WaitingRows(in: "state/queue-out", first..<end)
            let waiting = try #require(ledger.note([3: rows])[3])
            let pieces = waiting.pieces
            #expect(waiting.end == end && pieces.last?.end == end)
            #expect((pieces.first?.first ?? .max) <= first && (pieces.first?.end ?? 0) > first)
            for (piece, next) in zip(pieces, pieces.dropFirst()) {
                #expect(piece.end == next.first)
            }
            #expect(pieces.count < 64)
            for piece in pieces {
                let range = piece.first..<piece.end
                #expect(ranges[piece.name] ?? range == range)
                ranges[piece.name] = range
            }
        }
        let copied = ranges.values.reduce(0) { $0 + Int($1.upperBound - $1.lowerBound) }
        #expect(copied < 4 * Int(end))
    }

    /// A log that began anew is no continuation of what was known.
    @Test func piecesOfAnotherLogAreForgotten() throws {
        var ledger = PieceLedger(directory, goingOnFrom: [:])
        func names(_ offsets: Range<Int64>) -> [String] {
            ledger.note([0: WaitingRows(in: "q", offsets)])[0]?.pieces.map(\.name) ?? []
        }
        let before = names(100..<200)
        #expect(names(100..<250).first == before.first)
        for offsets in [50..<250, 0..<90, 200..<220] as [Range<Int64>] {
            let known = names(100..<200)
            #expect(Set(known).isDisjoint(with: names(offsets)), "\(offsets)")
        }
    }
}
