import Connectors
import Dataflow
import Storage
import TestSupport

/// What came out of a source, as a test wants to see it.
struct SourceReading: Equatable {
    /// The text of each chunk.
    var chunks: [String] = []
    /// `name:offset` of each chunk.
    var places: [String] = []
    var partitions: [Int] = []
    /// `name:offset error` of each rejected record.
    var rejected: [String] = []
    var events: [PartitionEvent] = []
    var hasEnded = false

    var text: String { chunks.joined() }
    var isEmpty: Bool { chunks.isEmpty && rejected.isEmpty && events.isEmpty }

    /// Reads until there is nothing more now; waits for each read as long as said.
    mutating func read(
        _ source: some Source, byteCount: Int = 1 << 16, waitMilliseconds: Int = 0,
        until isEnough: (SourceReading) -> Bool = { _ in false }
    ) throws {
        while !isEnough(self) {
            switch try source.read(byteCount: byteCount, waitMilliseconds: waitMilliseconds) {
            case .chunk(let chunk):
                events += chunk.events
                if chunk.range.isEmpty { continue }
                let text = String(decoding: chunk.slab.array(chunk.range), as: UTF8.self)
                chunks.append(text)
                places.append(chunk.place.description)
                partitions.append(chunk.partition)
            case .rejected(let records):
                rejected += records.map { "\($0.place) \($0.error)" }
            case .nothing, .held:
                return
            case .end:
                hasEnded = true
                return
            }
        }
    }
}
