package import Storage

/// The `settings` of a file.
package struct SettingsSpec: Sendable {
    /// Worker threads; one per core where nil.
    package var workers: Int?
    package var deadLetter: Located<String>?
    package var chunkBytes = 512 << 10
    package var batchRows = 4096
    /// Chunks under way; the engine's choice where nil.
    package var chunksInFlight: Int?
    package var bytesInFlight = 32 << 20
    package var logLevel = "info"
    /// Where state lives; nil for memory alone.
    package var state: StateSpec?
    /// When checkpoints are made; nil for never.
    package var checkpoint: CheckpointSpec?

    package init() {}
}

/// The `settings.checkpoint` of a file. Times in microseconds.
package struct CheckpointSpec: Sendable {
    /// Where it stands in the file.
    let place: Place
    package var every: Int64 = 10_000_000
    package var minPause: Int64 = 5_000_000
    package var timeout: Int64 = 600_000_000
    package var keep = 3
    package var secondPlace: SecondPlace?

    package struct SecondPlace: Sendable {
        package let path: String
        /// Where the path stands in the file.
        let place: Place
        package let every: Int64
        package let isRequired: Bool
    }

    init(place: Place) { self.place = place }
}

/// The `settings.state` of a file that names a path.
package struct StateSpec: Sendable {
    /// Whether tables leave memory for disk when they fill it.
    package let evicts: Bool
    /// The directory of its files.
    package let path: String
    /// Bytes of memory, for all workers together.
    package let memoryBytes: Int
    /// Bytes of its files, at most, the reserve among them.
    package let quotaBytes: Int?
    /// Bytes on disk that are kept free for checkpoints.
    package let reserveBytes: Int
    package let compression: BlockCodec
    /// The compression of merged files.
    package let coldCompression: BlockCodec
}

/// Everything a file declares, before names are looked up.
package struct PipelineFile: Sendable {
    package let name: String
    package let settings: SettingsSpec
    package let sources: [Declared<SourceSpec>]
    package let steps: [Declared<StepSpec>]
    package let sinks: [Declared<SinkSpec>]
    /// Sections that are not mappings: what they lack is not reported.
    let unreadable: Set<String>
}

/// A name of the file, and what it stands for if that could be read.
package struct Declared<Spec: Sendable>: Sendable {
    package let name: Located<String>
    /// Nil where it has mistakes; the name is known all the same.
    package let spec: Spec?
    /// Whether it is written as a table.
    let isTable: Bool
    /// Whether it is of a type of step that leaves the fields of its rows as they are, even where
    /// it has mistakes: what stands behind it can be checked all the same.
    let keepsFields: Bool
}
