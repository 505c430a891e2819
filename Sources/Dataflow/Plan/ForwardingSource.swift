/// A source in front of another one, which does everything that it does not do itself; every one of
/// them reads in its own way.
package protocol ForwardingSource: Source {
    var source: any Source { get }
}

extension ForwardingSource {
    package var isBounded: Bool { source.isBounded }

    package func open() throws { try source.open() }

    package func interrupt() { source.interrupt() }

    package func close() { source.close() }

    package var isReplayable: Bool { source.isReplayable }

    package var position: SourcePosition? { get throws { try source.position } }

    package func resume(at position: SourcePosition) throws { try source.resume(at: position) }

    package var movedFiles: [String: String] { source.movedFiles }

    package func sync() throws { try source.sync() }

    package func keep(from positions: [SourcePosition], isFinished: Bool) throws {
        try source.keep(from: positions, isFinished: isFinished)
    }
}
