package import Dataflow
import Synchronization

/// Counts rows and bytes and forgets them; it is never away.
package final class BlackholeSink: SinkWriter {
    private let rows = Atomic(0)
    private let bytes = Atomic(0)

    package init() {}

    package var rowCount: Int { rows.load(ordering: .relaxed) }
    package var byteCount: Int { bytes.load(ordering: .relaxed) }

    package func open() throws {}

    package func write(_ parts: [EncodedPart]) throws {
        for part in parts {
            rows.add(part.rowCount, ordering: .relaxed)
            bytes.add(part.byteCount, ordering: .relaxed)
        }
    }

    package func flush() throws {}

    package func close() throws {}

    package func interrupt() {}
}
