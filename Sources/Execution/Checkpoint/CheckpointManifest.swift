import Dataflow
import Storage

/// What a complete checkpoint consists of: all that a run needs to go on behind it.
///
///     manifest = epoch: 8 | finished: 1 | pipeline | written at: 8 | next chunk: 8 | workers: 4
///              | sources: count, each | steps: count, each | sinks: count, each
///              | guess of each source: bytes (not in manifests of before)
///              | what waits for each sink: flag, `WaitingPieces` (nor this)
///     source   = name | binding | sequence: 8 | ended: 1 | position: flag, bytes
///              | tracker: flag, tracker | table: flag, file | rows: 8 | errors: 8 | bytes: 8
///     step     = name | binding | keys: count, text each | counters: 11 times 8
///              | parts: count, each
///     part     = worker: 4 | snapshot
///     sink     = name | binding | rows: 8 | bytes staged | to deliver: 8
///              | files: count, text each | log
///     binding  = meaning | definition
///
/// Texts and bytes stand behind their counts; see `ByteWriter`. Files are named without their
/// directory, and described in `FamilySnapshot`.
struct CheckpointManifest: Sendable {
    struct Source: Sendable {
        let name: String
        let binding: StateBinding
        let sequence: Int
        let hasEnded: Bool
        let position: SourcePosition?
        /// An encoded `WatermarkTracker`.
        let tracker: [UInt8]?
        /// The file with the rows of its table.
        let table: String?
        let counters: SourceCounters
        /// See `Plan.SourceNode.guess`.
        var guess: [UInt8] = []
    }

    struct Step: Sendable {
        let name: String
        let binding: StateBinding
        /// The columns of its keys: name, colon, type.
        let keys: [String]
        let counters: StepCounters
        let parts: [(worker: Int, snapshot: OperatorSnapshot)]
    }

    struct Sink: Sendable {
        let name: String
        let binding: StateBinding
        let rows: Int
        let staged: [UInt8]
        /// Bytes staged, and the files that are there until they are committed.
        let byteCount: Int
        let files: [String]
        /// The directory of the log in which they stand, if they do.
        let log: String
        /// Rows of its own log that its target has not taken.
        var waiting: WaitingPieces?
    }

    let epoch: Int
    /// Whether the input had ended: a later run starts afresh.
    let isFinished: Bool
    let pipeline: String
    /// The wall clock, in microseconds since the epoch.
    let writtenAt: Int64
    /// The number of the first chunk behind it.
    let nextChunk: Int
    let workers: Int
    var sources: [Source]
    var steps: [Step]
    var sinks: [Sink]

    /// Whether the run also did all that there was to do at its end. One that did not is completed
    /// by the next; behind one that did, the next begins anew.
    var hasEnded: Bool { isFinished && sources.isEmpty }

    /// The word that a run has ended, all that is left of it.
    var ended: CheckpointManifest {
        var ended = self
        (ended.sources, ended.steps, ended.sinks) = ([], [], [])
        return ended
    }

    /// The names of all files that it needs beside it.
    var files: Set<String> {
        var files: Set<String> = Set(sources.compactMap(\.table))
        for sink in sinks { files.formUnion(sink.waiting?.files ?? []) }
        for step in steps {
            for part in step.parts {
                for family in part.snapshot.families { files.formUnion(family.files) }
            }
        }
        return files
    }

    /// Where a source stands in it; nil where one of its name means something else by now.
    func position(of node: Plan.SourceNode) -> SourcePosition? {
        sources.first {
            $0.name == node.name && $0.binding.meaning == node.binding.meaning
        }?.position
    }

    /// The names of all files, each as often as a part of the checkpoint holds it.
    var holds: [String] {
        sources.compactMap(\.table) + sinks.flatMap { $0.waiting?.files ?? [] }
            + steps.flatMap {
                $0.parts.flatMap { $0.snapshot.families.flatMap { $0.files.sorted() } }
            }
    }
}

extension CheckpointManifest {
    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(Int64(epoch))
        writer.append(isFinished)
        writer.append(pipeline)
        writer.append(writtenAt)
        writer.append(Int64(nextChunk))
        writer.append(UInt32(workers))
        writer.append(count: sources.count)
        for source in sources { source.encode(to: &writer) }
        writer.append(count: steps.count)
        for step in steps { step.encode(to: &writer) }
        writer.append(count: sinks.count)
        for sink in sinks {
            sink.encode(to: &writer)
        }
        for source in sources { writer.append(counted: source.guess) }
        for sink in sinks {
            writer.append(sink.waiting != nil)
            sink.waiting?.encode(to: &writer)
        }
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(ByteReader.Damage) {
        var reader = ByteReader(bytes)
        epoch = Int(try reader.integer(Int64.self))
        isFinished = try reader.flag()
        pipeline = try reader.text()
        writtenAt = try reader.integer()
        nextChunk = Int(try reader.integer(Int64.self))
        workers = Int(try reader.integer(UInt32.self))
        sources = try reader.list { reader throws(ByteReader.Damage) in try Source(from: &reader) }
        steps = try reader.list { reader throws(ByteReader.Damage) in try Step(from: &reader) }
        sinks = try reader.list { reader throws(ByteReader.Damage) in try Sink(from: &reader) }
        if reader.rest > 0 {
            for index in sources.indices { sources[index].guess = try reader.countedArray() }
        }
        if reader.rest > 0 {
            for index in sinks.indices where try reader.flag() {
                sinks[index].waiting = try WaitingPieces(from: &reader)
            }
        }
        try reader.finish()
    }
}

extension StateBinding {
    fileprivate func encode(to writer: inout ByteWriter) {
        writer.append(meaning)
        writer.append(definition)
    }

    fileprivate init(from reader: inout ByteReader) throws(ByteReader.Damage) {
        let meaning = try reader.text()
        self.init(meaning: meaning, definition: try reader.text())
    }
}

extension CheckpointManifest.Sink {
    fileprivate func encode(to writer: inout ByteWriter) {
        writer.append(name)
        binding.encode(to: &writer)
        writer.append(Int64(rows))
        writer.append(counted: staged)
        writer.append(Int64(byteCount))
        writer.append(count: files.count)
        for file in files { writer.append(file) }
        writer.append(log)
    }

    fileprivate init(from reader: inout ByteReader) throws(ByteReader.Damage) {
        name = try reader.text()
        binding = try StateBinding(from: &reader)
        rows = Int(try reader.integer(Int64.self))
        staged = try reader.countedArray()
        byteCount = Int(try reader.integer(Int64.self))
        files = try reader.list { reader throws(ByteReader.Damage) in try reader.text() }
        log = try reader.text()
    }
}

extension CheckpointManifest.Source {
    fileprivate func encode(to writer: inout ByteWriter) {
        writer.append(name)
        binding.encode(to: &writer)
        writer.append(Int64(sequence))
        writer.append(hasEnded)
        writer.append(position != nil)
        if let position { writer.append(counted: position.bytes) }
        writer.append(tracker != nil)
        if let tracker { writer.append(counted: tracker) }
        writer.append(table != nil)
        if let table { writer.append(table) }
        for count in [counters.rows, counters.errors, counters.bytes] {
            writer.append(Int64(count))
        }
    }

    fileprivate init(from reader: inout ByteReader) throws(ByteReader.Damage) {
        name = try reader.text()
        binding = try StateBinding(from: &reader)
        sequence = Int(try reader.integer(Int64.self))
        hasEnded = try reader.flag()
        position = try reader.flag() ? SourcePosition(try reader.countedArray()) : nil
        tracker = try reader.flag() ? try reader.countedArray() : nil
        table = try reader.flag() ? try reader.text() : nil
        var counters = SourceCounters()
        counters.rows = Int(try reader.integer(Int64.self))
        counters.errors = Int(try reader.integer(Int64.self))
        counters.bytes = Int(try reader.integer(Int64.self))
        self.counters = counters
    }
}

extension CheckpointManifest.Step {
    fileprivate func encode(to writer: inout ByteWriter) {
        writer.append(name)
        binding.encode(to: &writer)
        writer.append(count: keys.count)
        for key in keys { writer.append(key) }
        for count in counters.words { writer.append(Int64(count)) }
        writer.append(count: parts.count)
        for (worker, snapshot) in parts {
            writer.append(UInt32(worker))
            snapshot.encode(to: &writer)
        }
    }

    fileprivate init(from reader: inout ByteReader) throws(ByteReader.Damage) {
        name = try reader.text()
        binding = try StateBinding(from: &reader)
        keys = try reader.list { reader throws(ByteReader.Damage) in try reader.text() }
        var words: [Int] = []
        for _ in StepCounters().words { words.append(Int(try reader.integer(Int64.self))) }
        counters = StepCounters(words: words)
        parts = try reader.list { reader throws(ByteReader.Damage) in
            let worker = Int(try reader.integer(UInt32.self))
            return (worker: worker, snapshot: try OperatorSnapshot(from: &reader))
        }
    }
}

extension StepCounters {
    /// All counts, in the order in which they are kept.
    fileprivate var words: [Int] {
        [
            received, passed, filtered, duplicate, late, errors, unmatched, absorbed, held, emitted,
            missed,
        ]
    }

    fileprivate init(words: [Int]) {
        self.init()
        (received, passed, filtered, duplicate) = (words[0], words[1], words[2], words[3])
        (late, errors, unmatched, absorbed) = (words[4], words[5], words[6], words[7])
        (held, emitted, missed) = (words[8], words[9], words[10])
    }
}
