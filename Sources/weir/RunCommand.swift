import ArgumentParser
import Connectors
import Dataflow
import Execution
import Logging
import Pipeline
import Storage

/// `weir run`
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs a pipeline to the end of its input, or until it is stopped.",
        discussion: """
            Ends with 0 at the end of the input, when standard output is closed, and after SIGTERM \
            or SIGINT; with 1 if the run failed, with 2 if the file is wrong, with 3 if to go on \
            would lose state or output that another pipeline has staged, with 4 if state or output \
            is damaged. A second signal stops at once, with 128 + its number.
            """)

    @OptionGroup var pipeline: PipelineArguments

    @Option(help: "Worker threads; overrides settings.workers.")
    var workers: Int?

    @Flag(help: "Reads what is there now and ends: followed files are read to their ends once.")
    var once = false

    @Option(
        name: .customLong("allow-reset"),
        help: ArgumentHelp(
            "Lets a step or source that was changed or removed begin anew, or a sink whose output "
                + "is not there any more.", valueName: "name"))
    var allowedResets: [String] = []

    @Flag(help: "Cuts output back that is newer than the checkpoint that can be restored.")
    var rollBackSinks = false

    @Flag(help: "Goes on behind output that is newer than the checkpoint that can be restored.")
    var acceptDuplicates = false

    @Flag(help: "Prints on standard error what became of the rows, per source, step and sink.")
    var stats = false

    func validate() throws {
        if let workers, workers < 1 { throw ValidationError("--workers takes 1 or more") }
        if rollBackSinks && acceptDuplicates {
            throw ValidationError("--roll-back-sinks and --accept-duplicates exclude each other")
        }
    }

    func run() throws {
        StopSignals.ignoreBrokenPipe()
        Machine.raiseFileLimit()
        var world = PipelineWorld.machine
        let input = StandardStream.input()
        world.sampleStandardInput(from: input)
        world.followsFiles = !once
        let samples = SampleRecord()
        world.sample = samples.noting(world.sample)
        let result = try PipelineChecking.check(
            pipeline.file,
            overrides: pipeline.overrides + (workers.map { ["settings.workers=\($0)"] } ?? []),
            world: world)
        // Without a record there are no fields to check against, and nothing to do.
        if result.pipeline == nil && !result.hasErrors && samples.hasOnlyEmpty { return }
        let checked = try pipeline.accept(result)
        if once { try refuseEndless(checked) }
        let logger = makeLogger(checked.settings.logLevel)
        let secrets = checked.secrets
        let notice: @Sendable (String) -> Void = { logger.notice("\(secrets.redact($0))") }
        var surroundings = Surroundings(
            fileSystem: Machine.files, clock: .system, zones: world.zones,
            standardInput: input, notice: notice)
        surroundings.workingDirectory = Machine.workingDirectory
        surroundings.recovery.allowedResets = Set(allowedResets)
        if rollBackSinks { surroundings.recovery.sinksAhead = .rollBack }
        if acceptDuplicates { surroundings.recovery.sinksAhead = .acceptDuplicates }
        let plan: Plan
        do {
            plan = try checked.plan(in: surroundings)
        } catch {
            StandardError.write("\(pipeline.file): error: \(secrets.redact("\(error)"))")
            throw ExitStatus.badConfiguration
        }
        try ResetNames.check(allowedResets, of: plan)
        let engine = Engine(plan, clock: .system, log: notice)
        StopSignals.hear(
            stop: { engine.stop() }, giveUp: { engine.giveUp() },
            checkpoint: { engine.requestCheckpoint() })
        let outcome = engine.run()
        if stats {
            StandardError.write(outcome.statistics.text)
            if let peak = Machine.peakKiB { StandardError.write("memory: peak \(peak) KiB") }
            if let written = Machine.writtenBytes {
                let rows = max(outcome.statistics.sources.reduce(0) { $0 + $1.counters.rows }, 1)
                let share = Int(Double(written) * 1e6 / Double(rows))
                StandardError.write("disk: wrote \(written) bytes, \(share) a million rows")
            }
        }
        if let failure = outcome.failure {
            StandardError.write("weir: error: \(secrets.redact("\(failure)"))")
            throw Self.status(of: failure, in: checked)
        }
    }

    /// How a run ends that failed: files of state that cannot be right are told apart.
    private static func status(
        of failure: any Error, in pipeline: CheckedPipeline
    ) -> ExitStatus {
        switch failure {
        case RestoreError.wouldLose: return .wouldLoseState
        case RestoreError.damaged, is SinkAhead: return .damagedState
        case let error as StorageError
        where error.kind == .corrupt && error.operation != "decompress":
            return .damagedState
        case let error as StorageError where error.kind == .wouldLose: return .wouldLoseState
        default: return .failed
        }
    }

    /// A logger of lines on standard error.
    private func makeLogger(_ level: String) -> Logger {
        var logger = Logger(label: "weir") { _ in
            StreamLogHandler.standardError(label: "weir")
        }
        logger.logLevel = Logger.Level(rawValue: level) ?? .info
        return logger
    }

    /// `--once` needs sources that can end.
    private func refuseEndless(_ pipeline: CheckedPipeline) throws(ExitStatus) {
        for source in pipeline.sources {
            let isEndless: Bool
            switch source.spec.kind {
            case .tcp: isEndless = true
            case .generate(let generator): isEndless = generator.isEndless
            case .file, .standardInput, .log: isEndless = false
            }
            guard isEndless else { continue }
            StandardError.write(
                "weir: error: --once: source '\(source.spec.name.value)' of type "
                    + "\(source.spec.type) never ends by itself")
            throw .badConfiguration
        }
    }
}
