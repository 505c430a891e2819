import Dataflow
import Storage

/// The pieces of the rows that wait for each sink: what came since the last checkpoint is a new
/// one, so that rows that wait through many checkpoints are copied once.
///
/// When there are sixteen of a level they become one of the next, so that even a sink that waits
/// for days has few; those rows are copied once more.
struct PieceLedger {
    private let directory: StateDirectory
    /// By sink.
    private var known: [Int: [WaitingPieces.Piece]] = [:]

    private static let joinedCount = 16

    /// A ledger that goes on where a checkpoint stands: by sink the rows of then, if they are in
    /// the log of now.
    init(_ directory: StateDirectory, goingOnFrom saved: [Int: WaitingPieces]) {
        self.directory = directory
        known = saved.mapValues(\.pieces)
    }

    /// Gives what waits for sinks in a checkpoint; its data are not touched.
    mutating func note(_ sinks: [Int: WaitingRows]) -> [Int: WaitingPieces] {
        known = known.filter { sinks[$0.key] != nil }
        var waiting: [Int: WaitingPieces] = [:]
        for (sink, rows) in sinks.sorted(by: { $0.key < $1.key }) {
            let pieces = pieces(of: rows.offsets, after: known[sink] ?? [])
            known[sink] = pieces
            waiting[sink] = WaitingPieces(
                place: WaitingPieces.place(ofLog: rows.directory, for: directory.path),
                end: rows.offsets.upperBound, pieces: pieces)
        }
        return waiting
    }

    private func pieces(
        of offsets: Range<Int64>, after before: [WaitingPieces.Piece]
    ) -> [WaitingPieces.Piece] {
        // What was taken is done with.
        var pieces = Array(before.drop { $0.end <= offsets.lowerBound })
        let isContinued =
            pieces.first.map { $0.first <= offsets.lowerBound } ?? false
            && pieces.last.map { $0.end <= offsets.upperBound } ?? false
        if !isContinued { pieces = [] }
        let first = pieces.last?.end ?? offsets.lowerBound
        if first < offsets.upperBound {
            pieces.append(piece(first, offsets.upperBound, level: 0))
        }
        while let last = pieces.last, last.level < .max, pieces.count >= Self.joinedCount {
            let joined = pieces.suffix(Self.joinedCount)
            guard let first = joined.first, joined.allSatisfy({ $0.level == last.level }) else {
                break
            }
            let whole = piece(first.first, last.end, level: last.level + 1)
            pieces.removeLast(Self.joinedCount)
            pieces.append(whole)
        }
        return pieces
    }

    private func piece(_ first: Int64, _ end: Int64, level: UInt8) -> WaitingPieces.Piece {
        WaitingPieces.Piece(
            name: directory.makeRowsName(), first: first, end: end, level: level)
    }
}
