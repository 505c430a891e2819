import Connectors
import Dataflow

/// Shows the start of every file or connection of a CSV source to those who read its header.
final class HeaderNotingSource: ForwardingSource {
    let source: any Source
    private let headers: CSVHeaders

    init(_ source: any Source, _ headers: CSVHeaders) {
        self.source = source
        self.headers = headers
    }

    func resume(at position: SourcePosition) throws {
        try source.resume(at: position)
        for (name, path) in source.movedFiles { headers.noteMoved(name, to: path) }
    }

    func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        let result = try source.read(byteCount: byteCount, waitMilliseconds: waitMilliseconds)
        if case .chunk(let chunk) = result, chunk.place.offset == 0 { headers.note(chunk) }
        return result
    }
}
