package import Storage

/// A checked pipeline, ready to run: a directed graph of nodes with the factories of what runs in
/// them.
///
/// Made by `Pipeline` from a file, or by hand in tests; `Execution` runs it and knows neither YAML
/// nor a concrete operator. Indices are places in the arrays.
package struct Plan: Sendable {
    package var name: String
    package var sources: [SourceNode] = []
    /// In an order in which every step stands behind its input.
    package var steps: [StepNode] = []
    package var sinks: [SinkNode] = []
    package var settings: Settings
    /// Where state lives; nil for memory alone.
    package var state: StateSettings?
    /// When checkpoints are made; nil for never. Needs `state`.
    package var checkpoint: CheckpointSettings?

    package init(name: String, settings: Settings = Settings()) {
        self.name = name
        self.settings = settings
    }

    /// State in an LSM store on disk.
    package struct StateSettings: Sendable {
        package let path: String
        package let fileSystem: any FileSystem
        /// For all workers together.
        package let options: StateStore.Options
        /// The room on disk, if `fileSystem` is guarded by it.
        package let room: DiskRoom?

        /// State below `path`, within what `options` say.
        package init(
            path: String, fileSystem: any FileSystem, options: StateStore.Options,
            room: DiskRoom? = nil
        ) {
            self.path = path
            self.fileSystem = fileSystem
            self.options = options
            self.room = room
        }
    }

    /// When checkpoints are made and how many are kept. Times in nanoseconds.
    package struct CheckpointSettings: Sendable {
        /// From the start of one to the start of the next.
        package var every: Int64 = 10_000_000_000
        /// From the end of one to the start of the next, at least.
        package var minPause: Int64 = 5_000_000_000
        /// After this time a checkpoint that is not complete has failed.
        package var timeout: Int64 = 600_000_000_000
        /// Complete checkpoints that are kept.
        package var keep = 3
        /// A directory to which complete checkpoints are copied.
        package var secondPlace: SecondPlace?
        /// Steps and sources whose state may be lost by a change of the pipeline.
        package var allowedResets: Set<String> = []
        /// Makes one after so many chunks as well.
        package var everyChunks: Int?

        /// Another place for checkpoints.
        package struct SecondPlace: Sendable {
            package let path: String
            /// From the start of one copy to the start of the next, at least.
            package let every: Int64
            /// Whether a checkpoint is only complete when it is there too.
            package let isRequired: Bool

            package init(path: String, every: Int64, isRequired: Bool) {
                self.path = path
                self.every = every
                self.isRequired = isRequired
            }
        }

        package init() {}
    }

    /// How the engine runs it.
    package struct Settings: Sendable {
        /// Worker threads.
        package var workers = 1
        /// Bytes a source reads at once, at most (a longer record is read whole).
        package var chunkBytes = 512 << 10
        /// Rows of a batch, at most.
        package var batchRows = 4096
        /// Chunks under way at once, at most.
        package var chunksInFlight = 0
        /// Bytes of chunks under way at once, at most (one chunk always is).
        package var bytesInFlight = 32 << 20

        package init() {}
    }

    /// Where rows come from: an output of a source or step.
    package struct Edge: Hashable, Sendable {
        package enum Node: Hashable, Sendable {
            case source(Int)
            case step(Int)
        }
        package let node: Node
        package let port: Port

        package init(_ node: Node, _ port: Port = .main) {
            self.node = node
            self.port = port
        }
    }

    /// A source of rows for steps, or of upserts for a broadcast table.
    package struct SourceNode: Sendable {
        package let name: String
        /// The schema of its main output.
        package let schema: Schema
        package let watermark: WatermarkStrategy?
        package let makeSource: @Sendable () throws -> any Source
        package let makeDecoder: @Sendable () -> any Decoder
        package var binding = StateBinding()
        /// The fields that were guessed from a sample, in the form of whoever guesses; none where
        /// they are declared. Checkpoints keep them.
        package var guess: [UInt8] = []
        /// What would be left behind of what the source has taken in, if it went on from a position
        /// as the file says now; nil for nothing.
        package var left: @Sendable (SourcePosition) -> String? = { _ in nil }
        /// The table it fills; such a source has no main output.
        package let table: Table?

        /// The broadcast table behind a source.
        package struct Table: Sendable {
            /// Its place in `Chunk.tables`; tables are numbered from 0 without gaps.
            package let index: Int
            package let makeBuilder: @Sendable () -> any TableBuilder

            package init(index: Int, makeBuilder: @escaping @Sendable () -> any TableBuilder) {
                self.index = index
                self.makeBuilder = makeBuilder
            }
        }

        package init(
            name: String, schema: Schema, watermark: WatermarkStrategy?,
            makeSource: @escaping @Sendable () throws -> any Source,
            makeDecoder: @escaping @Sendable () -> any Decoder, table: Table? = nil
        ) {
            self.table = table
            self.name = name
            self.schema = schema
            self.watermark = watermark
            self.makeSource = makeSource
            self.makeDecoder = makeDecoder
        }
    }

    /// A step of the pipeline.
    package struct StepNode: Sendable {
        package let name: String
        /// The step's type in the file, for `explain` and statistics.
        package let type: String
        package let input: Edge
        /// The schema of its input.
        package let inputSchema: Schema
        /// The schemas of its outputs.
        package let outputs: [Port: Schema]
        /// Columns of the input that decide which worker a row goes to; nil for a step without
        /// keyed state, an empty list for a step that one worker does alone.
        package let key: [Int]?
        /// Whether its result depends on the order of rows with the same key.
        package let needsOrder: Bool
        /// What it keeps and what bounds that, for `explain`.
        package let stateDescription: String?
        package let binding: StateBinding
        package let makeOperator: @Sendable (StepContext) -> any Operator

        package init(
            name: String, type: String, input: Edge, inputSchema: Schema, outputs: [Port: Schema],
            key: [Int]? = nil, needsOrder: Bool = false, stateDescription: String? = nil,
            binding: StateBinding = StateBinding(),
            makeOperator: @escaping @Sendable (StepContext) -> any Operator
        ) {
            self.name = name
            self.type = type
            self.input = input
            self.inputSchema = inputSchema
            self.outputs = outputs
            self.key = key
            self.needsOrder = needsOrder
            self.stateDescription = stateDescription
            self.binding = binding
            self.makeOperator = makeOperator
        }
    }

    /// A sink and what it takes.
    package struct SinkNode: Sendable {
        package let name: String
        package let inputs: [Input]
        package let makeWriter: @Sendable () throws -> any SinkWriter
        package var binding = StateBinding()

        /// One of the outputs that a sink writes.
        package struct Input: Sendable {
            package let edge: Edge
            package let makeEncoder: @Sendable () -> any Encoder

            package init(edge: Edge, makeEncoder: @escaping @Sendable () -> any Encoder) {
                self.edge = edge
                self.makeEncoder = makeEncoder
            }
        }

        package init(
            name: String, inputs: [Input],
            makeWriter: @escaping @Sendable () throws -> any SinkWriter
        ) {
            self.name = name
            self.inputs = inputs
            self.makeWriter = makeWriter
        }
    }
}

/// What an operator is told of its place.
package struct StepContext {
    package let step: String
    package let worker: Int
    package let workers: Int
    /// The names of the plan's sources, by index.
    package let sources: [String]
    /// Where the step's state lives; nil for memory alone.
    package let store: StateStore?

    package init(
        step: String, worker: Int, workers: Int, sources: [String], store: StateStore? = nil
    ) {
        self.store = store
        self.sources = sources
        self.step = step
        self.worker = worker
        self.workers = workers
    }
}

/// How a source's watermark follows its rows. Times in microseconds.
package struct WatermarkStrategy: Sendable, Equatable {
    /// Which inputs have a watermark of their own; the source's is the least of the active ones.
    package enum Scope: Sendable, Equatable { case source, partition }

    package var delay: Int64
    package var idleTimeout: Int64
    package var maxFuture: Int64?
    package var scope: Scope

    package init(delay: Int64, idleTimeout: Int64, maxFuture: Int64?, scope: Scope) {
        self.delay = delay
        self.idleTimeout = idleTimeout
        self.maxFuture = maxFuture
        self.scope = scope
    }
}

/// Builds the versions of a broadcast table from the rows of its source.
package protocol TableBuilder: AnyObject {
    /// Takes upserts of the decoder's schema; rows with a key that is null or too long go to
    /// `rejects`, with what `position` says of their physical row. Throws when the table's memory
    /// guard is passed.
    func add(
        _ batch: Batch, rejects: inout RejectedRows, position: (_ row: Int) -> String
    ) throws
    /// The table as of now, immutable from here on.
    func version() -> any TableVersion
    /// Takes over the rows of a version that was encoded.
    func restore(_ encoded: [UInt8]) throws
}
