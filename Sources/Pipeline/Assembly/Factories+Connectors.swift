import Connectors
import Dataflow
import Storage

extension SourceSpec {
    /// How records stand in what the source reads.
    var framing: Framing {
        if case .tcp(let tcp) = kind, tcp.framing == .lengthPrefixed { return .lengthPrefixed }
        switch format {
        case .json: return .newline
        case .csv(let csv): return .csv(delimiter: csv.delimiter, quote: csv.quote)
        }
    }

    /// Rows a second that a generator is asked for.
    var generatedRate: Double? {
        if case .generate(let generator) = kind { generator.rate?.perSecond } else { nil }
    }

    /// The source without its rate limit, behind its buffer if it has one.
    func makeSource(
        _ framing: Framing, chunkBytes: Int, hold: LogSource.HoldName?, _ surroundings: Surroundings
    ) throws -> any Source {
        let source = try makeSource(framing, hold: hold, surroundings)
        guard let buffer else { return source }
        var options = BufferedSource.Options(directory: buffer.path)
        options.log = buffer.options
        options.framing = framing
        options.chunkBytes = chunkBytes
        options.givesUpPlace = surroundings.recovery.allowedResets.contains(name.value)
        return BufferedSource(
            source, options, fileSystem: surroundings.fileSystem,
            waiting: surroundings.waitingFiles, clock: surroundings.clock,
            notice: surroundings.notice)
    }

    /// The source as it reads the world.
    private func makeSource(
        _ framing: Framing, hold: LogSource.HoldName?, _ surroundings: Surroundings
    ) throws -> any Source {
        let scope = watermark?.scope ?? .source
        let givesUpPlace = surroundings.recovery.allowedResets.contains(name.value)
        switch kind {
        case .file(let file):
            var options = FileSource.Options(patterns: file.paths.map(\.value))
            options.framing = framing
            options.recordBytesMax = recordBytesMax
            options.isFollowing = file.follow
            options.partitionPerFile = scope == .file || scope == .partition
            options.givesUpPlace = givesUpPlace
            return FileSource(
                options, fileSystem: surroundings.fileSystem, clock: surroundings.clock,
                notice: surroundings.notice)
        case .standardInput:
            return StandardInputSource(
                surroundings.standardInput, framing: framing, recordBytesMax: recordBytesMax,
                clock: surroundings.clock)
        case .tcp(let tcp):
            var options = TCPSource.Options(host: tcp.listen.host, port: tcp.listen.port)
            options.framing = framing
            options.recordBytesMax = recordBytesMax
            options.connectionsMax = tcp.connectionsMax
            options.isAcknowledged = tcp.framing == .acknowledged
            options.partitionPerConnection = scope == .connection || scope == .partition
            return TCPSource(
                options, clock: surroundings.clock, notice: surroundings.notice)
        case .log(let log):
            var options = LogSource.Options(directory: log.path)
            options.start = log.start
            options.partitions = log.partitions
            options.isFollowing = log.follow
            options.recordBytesMax = recordBytesMax
            options.partitionPerPartition = scope == .partition
            options.hold = hold
            options.givesUpPlace = givesUpPlace
            return LogSource(
                options, fileSystem: surroundings.fileSystem, clock: surroundings.clock,
                notice: surroundings.notice)
        case .generate(let generator):
            return GenerateSource(try RecordGenerator(generator.options))
        }
    }
}

extension GeneratorSpec {
    /// Whether it makes records for ever.
    package var isEndless: Bool { options.rows == nil }

    /// The generator's options, with its defaults where the file says nothing.
    var options: GeneratorOptions {
        var options = GeneratorOptions(GeneratorOptions.Kind(rawValue: generator) ?? .orders)
        options.rows = rows ?? options.rows
        options.seed = seed.map(UInt64.init) ?? options.seed
        options.duplicates = duplicates ?? options.duplicates
        options.disorder = disorder ?? options.disorder
        options.late = late ?? options.late
        options.keys = keys ?? options.keys
        options.shops = shops ?? options.shops
        options.skew = skew ?? options.skew
        options.span = span
        options.start = start ?? options.start
        options.timeEncoding =
            time.flatMap { GeneratorOptions.TimeEncoding(rawValue: $0) } ?? options.timeEncoding
        options.rate = rate.map {
            GeneratorOptions.Rate(count: $0.count, microseconds: $0.microseconds)
        }
        return options
    }
}

extension WatermarkSpec {
    /// The watermark as the engine follows it; files and connections are partitions there.
    var strategy: WatermarkStrategy {
        WatermarkStrategy(
            delay: maxDelay, idleTimeout: idleTimeout, maxFuture: maxFuture,
            scope: scope == .source ? .source : .partition)
    }
}

extension SinkSpec {
    /// What each row's target is made from, where not all have the same.
    var targetTemplate: PathTemplate? {
        switch kind {
        case .file(let file): file.template.literal == nil ? file.template : nil
        case .log(let log): log.key.map { PathTemplate(field: $0.value) }
        case .standardOutput, .tcp, .http, .sqlite, .blackhole: nil
        }
    }

    /// What writes the encoded rows, of these fields; with checkpoints, `state` is their directory.
    func makeWriter(
        _ surroundings: Surroundings, of pipeline: String, fields: [Field], header: String,
        state: String?
    ) -> any SinkWriter {
        let isStaged = state != nil
        switch kind {
        case .standardOutput: return StandardOutputSink(.output())
        case .file(let file):
            var options = FileSink.Options(path: file.template.literal)
            options.header = Array(header.utf8)
            options.directoryLevels = file.template.directoryLevels
            options.rollBytes = file.rollBytes
            options.rollNanoseconds = file.rollEvery.map { $0 * 1000 }
            let place = OutputPlace(file.template, pipeline: pipeline, sink: name.value)
            if isStaged {
                return StagedFileSink(
                    options, at: place, ahead: surroundings.recovery.sinksAhead,
                    fileSystem: surroundings.fileSystem,
                    clock: surroundings.clock)
            }
            return FileSink(
                options, at: place, fileSystem: surroundings.fileSystem, clock: surroundings.clock)
        case .tcp(let tcp):
            var options = TCPSink.Options(host: tcp.connect.host, port: tcp.connect.port)
            options.isLengthPrefixed = tcp.framing == .lengthPrefixed
            options.firstPauseMilliseconds = tcp.delivery.firstPauseMilliseconds
            options.longestPauseMilliseconds = tcp.delivery.longestPauseMilliseconds
            options.isAcknowledged = tcp.framing == .acknowledged
            let sink = TCPSink(options, clock: surroundings.clock, notice: surroundings.notice)
            return queued(
                sink, to: "\(tcp.connect)", tcp.delivery.queue, surroundings,
                state: state)
        case .http(let http):
            var options = http.options
            options.firstPauseMilliseconds = http.delivery.firstPauseMilliseconds
            options.longestPauseMilliseconds = http.delivery.longestPauseMilliseconds
            let sink = HTTPSink(
                options, fileSystem: surroundings.fileSystem, clock: surroundings.clock,
                notice: surroundings.notice)
            return queued(
                sink, to: options.address.shown, http.delivery.queue, surroundings,
                state: state)
        case .log(let log):
            var options = LogSink.Options(
                directory: log.path.value,
                owner: LogOwner(pipeline: pipeline, sink: name.value))
            options.log = log.options
            options.isStaged = isStaged
            options.ahead = surroundings.recovery.sinksAhead
            if surroundings.recovery.allowedResets.contains(name.value) {
                options.others = .discarded
            }
            return LogSink(
                options, fileSystem: surroundings.fileSystem, clock: surroundings.clock,
                notice: surroundings.notice)
        case .sqlite(let sqlite):
            return makeWriter(
                sqlite, surroundings, of: pipeline, fields: fields,
                state: state)
        case .blackhole: return BlackholeSink()
        }
    }

    /// A sink behind a queue, where there is a directory for state.
    private func queued(
        _ sink: any SinkWriter, to target: String, _ queue: QueueSpec,
        _ surroundings: Surroundings, state: String?
    ) -> any SinkWriter {
        guard let state else { return sink }
        var options = QueuedSink.Options(
            directory: queue.path?.value ?? FilePath.join(state, "queue-\(name.value)"))
        options.log.quota = queue.quota
        options.log.segmentBytes = min(queue.quota / 16, 64 << 20)
        return QueuedSink(sink, name: target, options, fileSystem: surroundings.fileSystem)
    }

    /// What writes to a table; with checkpoints, `state` is their directory.
    private func makeWriter(
        _ sqlite: SQLiteSinkSpec, _ surroundings: Surroundings, of pipeline: String,
        fields: [Field], state: String?
    ) -> any SinkWriter {
        #if SQLite
        var shape = TableShape(
            table: sqlite.table.value, columns: fields.map { TableShape.Column($0) })
        shape.key = sqlite.key.map(\.value)
        shape.isMade = sqlite.isMade
        var options = SQLiteSink.Options(
            path: sqlite.path.value, shape: shape,
            owner: RowOwner(pipeline: pipeline, sink: name.value))
        options.staging = state.map { FilePath.join($0, "rows-\(name.value)") }
        options.ahead = surroundings.recovery.sinksAhead
        return SQLiteSink(
            options, fileSystem: surroundings.fileSystem, notice: surroundings.notice)
        #else
        preconditionFailure("a pipeline with such a sink is refused: \(SQLiteSupport.advice)")
        #endif
    }
}

extension DeliverySpec {
    fileprivate var firstPauseMilliseconds: Int { Int(max(1, retryMin / 1000)) }
    fileprivate var longestPauseMilliseconds: Int { Int(max(1, retryMax / 1000)) }
}
