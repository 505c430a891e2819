package import Storage

/// A run of whole records as a source read them, before it has a number.
package struct RawChunk: Sendable {
    /// The bytes; records with their line ends or length prefixes, never a part of one.
    package let slab: Slab
    package let range: Range<Int>
    /// Where the first byte stands: the file or connection, and the offset in it.
    package let place: SourcePlace
    /// Which of the source's partitions (files, connections) it comes from, if those are told
    /// apart.
    package let partition: Int
    /// What became of partitions before this chunk.
    package let events: [PartitionEvent]
    /// By what records are told apart for ever, where that is not the place.
    package let origin: Origin?

    /// What identifies the records of a chunk whenever they are read again.
    package struct Origin: Sendable {
        package let name: String
        /// The number of the first record or byte.
        package let base: Int64
        /// Whether each record, and not each byte, has a number.
        package let countsRecords: Bool

        package init(name: String, base: Int64, countsRecords: Bool) {
            self.name = name
            self.base = base
            self.countsRecords = countsRecords
        }
    }

    package init(
        slab: Slab, range: Range<Int>, place: SourcePlace, partition: Int = 0,
        events: [PartitionEvent] = [], origin: Origin? = nil
    ) {
        self.origin = origin
        self.slab = slab
        self.range = range
        self.place = place
        self.partition = partition
        self.events = events
    }

    /// A chunk without records that only tells of partitions.
    package init(events: [PartitionEvent]) {
        self.init(
            slab: Slab(byteCount: 0), range: 0..<0, place: SourcePlace(name: "", offset: 0),
            events: events)
    }
}

/// A place in the outside world that a message can name.
package struct SourcePlace: Sendable, CustomStringConvertible {
    /// A path, a peer's address, or `stdin`.
    package let name: String
    /// The byte offset of the chunk's first byte (after decompression).
    package let offset: Int

    package init(name: String, offset: Int) {
        self.name = name
        self.offset = offset
    }

    package var description: String { "\(name):\(offset)" }
}

/// A change of one partition of a source, between two chunks.
package enum PartitionEvent: Sendable, Equatable {
    case opened(Int)
    case idle(Int)
    case active(Int)
    case finished(Int)
}

/// A numbered place in the order of the world, and what stands there.
///
/// Numbers count all chunks of all sources from 0. Everything that must happen "between two rows"
/// for every worker at once (table updates, idle inputs, the end of a source) happens at a chunk.
package final class Chunk: Sendable {
    /// What stands at a place.
    package enum Content: Sendable {
        case records(RawChunk)
        /// Records that never became rows: a batch of `RejectedRows.schema`.
        case rejected(Batch)
        /// The source ends here; what it fed may be flushed.
        case end
    }

    package let number: Int
    /// The place among the chunks of its own source, from 0.
    package let sequence: Int
    /// The index of the source in the plan.
    package let source: Int
    package let content: Content
    /// The wall clock when it was read, in microseconds since the epoch; for `max_future` alone.
    package let arrival: Int64
    /// The table versions in force, by the table's index in the plan.
    package let tables: [any TableVersion]

    package init(
        number: Int, sequence: Int, source: Int, content: Content, arrival: Int64,
        tables: [any TableVersion]
    ) {
        self.number = number
        self.sequence = sequence
        self.source = source
        self.content = content
        self.arrival = arrival
        self.tables = tables
    }
}

/// One immutable version of a broadcast table; operators know the concrete type.
package protocol TableVersion: AnyObject, Sendable {
    /// Keys in it.
    var count: Int { get }
    /// Memory it holds, in bytes.
    var byteCount: Int { get }
    /// Its rows as bytes, which the builder of its table takes over after a restore.
    func encoded() -> [UInt8]
}
