import Dataflow
import Storage

/// Rows that wait for the target of a sink, as a checkpoint contains them.
///
/// In the checkpoints of a run's own directory they stand in the sink's log, from which they are
/// trimmed when the target has taken them. In a copy of a checkpoint each piece is a file beside
/// the manifest, and what had been taken by then is left out.
///
///     waiting = place: 1 | log | end: 8 | pieces: count, each: name | first: 8 | end: 8 | level: 1
///     place   = 0 files beside the manifest | 1 the log, below the directory of the manifest
///             | 2 the log, somewhere else
///
/// `log` is a path, of place 1 one within the directory.
struct WaitingPieces: Sendable, Equatable {
    enum Place: Sendable, Equatable {
        case files
        case logBelow(String)
        case log(String)
    }

    /// A run of the log's offsets, under the name that its file has in copies.
    struct Piece: Sendable, Equatable {
        let name: String
        let first: Int64
        let end: Int64
        /// How often pieces were joined to it.
        let level: UInt8
    }

    var place: Place
    /// The end of the log.
    let end: Int64
    /// One behind the other, up to the end.
    var pieces: [Piece]

    /// The names of files beside the manifest.
    var files: [String] { place == .files ? pieces.map(\.name) : [] }

    /// The directory of the log in which they stand, for a manifest in a directory; nil for files.
    func log(for directory: String) -> String? {
        switch place {
        case .files: nil
        case .logBelow(let name): FilePath.join(directory, name)
        case .log(let path): path
        }
    }

    /// The place of a log, as a manifest in a directory has it.
    static func place(ofLog log: String, for directory: String) -> Place {
        let prefix = directory + "/"
        guard log.hasPrefix(prefix) else { return .log(log) }
        return .logBelow(String(log.dropFirst(prefix.count)))
    }
}

extension WaitingPieces {
    func encode(to writer: inout ByteWriter) {
        switch place {
        case .files:
            writer.append(UInt8(0))
            writer.append("")
        case .logBelow(let name):
            writer.append(UInt8(1))
            writer.append(name)
        case .log(let path):
            writer.append(UInt8(2))
            writer.append(path)
        }
        writer.append(end)
        writer.append(count: pieces.count)
        for piece in pieces {
            writer.append(piece.name)
            writer.append(piece.first)
            writer.append(piece.end)
            writer.append(piece.level)
        }
    }

    init(from reader: inout ByteReader) throws(ByteReader.Damage) {
        let kind = try reader.integer(UInt8.self)
        let path = try reader.text()
        switch kind {
        case 0: place = .files
        case 1: place = .logBelow(path)
        case 2: place = .log(path)
        default: throw ByteReader.Damage(cause: "rows wait at a place that is not known here")
        }
        end = try reader.integer()
        pieces = try reader.list { reader throws(ByteReader.Damage) in
            let name = try reader.text()
            let first = try reader.integer(Int64.self)
            let end = try reader.integer(Int64.self)
            guard first < end else { throw ByteReader.Damage(cause: "a piece of rows is empty") }
            return Piece(name: name, first: first, end: end, level: try reader.integer())
        }
    }
}
