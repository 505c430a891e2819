import Connectors
import Dataflow

/// Shows the start of every file or connection of a CSV source to those who read its header.
final class HeaderNotingSource: Source {
    private let source: any Source
    private let headers: CSVHeaders

    init(_ source: any Source, _ headers: CSVHeaders) {
        self.source = source
        self.headers = headers
    }

    var isBounded: Bool { source.isBounded }

    func open() throws { try source.open() }

    func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        let result = try source.read(byteCount: byteCount, waitMilliseconds: waitMilliseconds)
        if case .chunk(let chunk) = result, chunk.place.offset == 0 { headers.note(chunk) }
        return result
    }

    func interrupt() { source.interrupt() }

    func close() { source.close() }

    var isReplayable: Bool { source.isReplayable }

    var position: SourcePosition? { get throws { try source.position } }

    func resume(at position: SourcePosition) throws { try source.resume(at: position) }

    func sync() throws { try source.sync() }

    func keep(from positions: [SourcePosition], isFinished: Bool) throws {
        try source.keep(from: positions, isFinished: isFinished)
    }
}
