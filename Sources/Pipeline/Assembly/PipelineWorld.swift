package import Connectors
import Dataflow
package import Storage

/// What a pipeline file may ask of the world while it is checked.
package struct PipelineWorld: Sendable {
    /// Why a file cannot be read.
    package struct Problem: Error, Sendable {
        package let message: String
        package init(_ message: String) { self.message = message }
    }

    /// An environment variable.
    package var environment: @Sendable (String) -> String?
    /// The bytes of a file, which has at most so many; used for `${file:…}`.
    package var readFile: @Sendable (String, Int) -> Result<[UInt8], Problem>
    /// The files that a path or glob stands for, sorted; empty where there are none.
    package var expandPath: @Sendable (String) -> [String]
    /// First records of a source without a schema, where they can be had without taking them away.
    package var sample: @Sendable (SourceSpec) -> [UInt8]?
    /// What a checkpoint in one of some directories keeps of a source's guessed fields, by its
    /// name; the first directory that has any counts.
    package var guess: @Sendable ([String], String) -> [UInt8]? = { _, _ in nil }
    /// Cores, for `workers: auto`.
    package var coreCount: Int
    /// Whether sinks of type `sqlite` can run; where they cannot, they are refused.
    package var hasSQLite = SQLiteSupport.isBuiltIn
    /// Whether `follow: true` holds; otherwise files are read to their ends once.
    package var followsFiles = true

    /// The rules of time zones.
    package var zones: TimeZoneDatabase {
        TimeZoneDatabase { path in try? readFile(path, PipelineWorld.zoneBytesMax).get() }
    }

    /// Bytes of a file of rules.
    private static let zoneBytesMax = 1 << 20

    package init(
        environment: @escaping @Sendable (String) -> String?,
        readFile: @escaping @Sendable (String, Int) -> Result<[UInt8], Problem>,
        expandPath: @escaping @Sendable (String) -> [String],
        sample: @escaping @Sendable (SourceSpec) -> [UInt8]?,
        coreCount: Int
    ) {
        self.environment = environment
        self.readFile = readFile
        self.expandPath = expandPath
        self.sample = sample
        self.coreCount = coreCount
    }
}

extension PipelineWorld {
    /// The world of a machine: its files, and the environment that the caller hands in.
    ///
    /// Samples come from the first file of a source; sources of other kinds have none, unless the
    /// caller replaces `sample`.
    package static func system(
        fileSystem: some FileSystem, coreCount: Int,
        environment: @escaping @Sendable (String) -> String?
    ) -> PipelineWorld {
        PipelineWorld(
            environment: environment,
            readFile: { path, byteCountMax in
                do throws(StorageError) {
                    return .success(try read(path, byteCountMax + 1, fileSystem, codec: nil))
                        .flatMap { bytes in
                            bytes.count <= byteCountMax
                                ? .success(bytes)
                                : .failure(Problem("it has more than \(byteCountMax) bytes"))
                        }
                } catch {
                    return .failure(Problem(error.cause))
                }
            },
            expandPath: { path in (try? FilePattern(path).expand(in: fileSystem)) ?? [] },
            sample: { source in
                if case .log(let log) = source.kind { return sample(of: log, fileSystem) }
                guard case .file(let files) = source.kind, let first = files.files.first else {
                    return nil
                }
                let count = SampleInference.bytesMax
                return try? read(first, count, fileSystem, codec: Codec(path: first))
            },
            coreCount: coreCount)
    }

    /// The first records of a log; nil where there is none.
    private static func sample(
        of spec: LogSourceSpec, _ fileSystem: any FileSystem
    ) -> [UInt8]? {
        guard let view = try? LogView(spec.path, fileSystem: fileSystem) else { return nil }
        for partition in spec.partitions ?? Array(0..<view.options.partitionCount) {
            guard let reader = try? LogReader(view, partition: partition, from: .earliest),
                let batch = try? reader.next()
            else { continue }
            var bytes: [UInt8] = []
            var records = batch.records
            while bytes.count < SampleInference.bytesMax, let record = try? records.next() {
                guard let value = record.value else { continue }
                bytes += batch.body.slab.array(value) + [UInt8(ascii: "\n")]
            }
            return bytes
        }
        return nil
    }

    /// The first bytes of a file.
    package static func read(
        _ path: String, _ byteCountMax: Int, _ fileSystem: any FileSystem, codec: Codec?
    ) throws(StorageError) -> [UInt8] {
        let reader = FileReader(try fileSystem.open(path, .read), codec: codec)
        let slab = Slab(byteCount: byteCountMax)
        var count = 0
        while count < byteCountMax {
            let read = try reader.read(into: slab, count..<byteCountMax)
            if read == 0 { break }
            count += read
        }
        return slab.array(0..<count)
    }
}
