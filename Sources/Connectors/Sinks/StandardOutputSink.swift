package import Dataflow
package import Storage

/// Writes to standard output, each part as soon as it comes.
///
/// While the reader does not read, a write waits, until an interrupt. When the reader is gone, it
/// throws `OutputClosed`, and the run ends quietly.
package final class StandardOutputSink: SinkWriter {
    private let stream: StandardStream

    package init(_ stream: StandardStream) { self.stream = stream }

    package func open() throws {}

    package func write(_ parts: [EncodedPart]) throws {
        do {
            let isWritten = try stream.write(parts.map { SlabSlice($0.slab, 0..<$0.byteCount) })
            if !isWritten { throw SinkInterrupted(target: stream.name) }
        } catch let error as StorageError where error.kind == .brokenPipe {
            throw OutputClosed()
        }
    }

    package func flush() throws {}

    package func close() throws {}

    package func interrupt() { stream.interrupt() }
}

/// A write that waited for its target was told to give up; what it held was not handed over whole.
package struct SinkInterrupted: Error, CustomStringConvertible {
    package let target: String

    package init(target: String) { self.target = target }

    package var description: String { "writing to \(target) was interrupted while it waited" }
}
