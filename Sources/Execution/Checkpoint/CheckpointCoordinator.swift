import Dataflow
import Storage
import Synchronization

/// Makes checkpoints: places barriers, and when all parts of one are there, writes its manifest,
/// has the sinks' output committed, and lets go of what is older.
///
/// An epoch that fails costs nothing but its time: what was staged and flushed for it belongs to
/// the next one. Stepped by a thread of its own, or by a simulator; it never holds the data path
/// up.
final class CheckpointCoordinator {
    private enum Phase {
        case idle
        /// A barrier is on its way since a moment.
        case aligning(Barrier, since: Int64)
    }

    private let core: EngineCore
    /// By place in the plan; only what any thread may call is called here.
    private let sources: [any Source]
    private let settings: Plan.CheckpointSettings
    private let files: CheckpointFiles
    private let directory: StateDirectory
    private let log: @Sendable (String) -> Void
    /// Ends the wait for the next step.
    var waker: Waker { core.checkpointWaker }
    private var phase = Phase.idle
    private var nextEpoch: Int
    /// Complete checkpoints that are kept, the oldest first.
    private var kept: [CheckpointManifest]
    private var lastStart: Int64
    private var lastEnd: Int64
    /// The place of the last complete checkpoint.
    private var lastNumber: Int
    private var tableFiles: [Int: (version: ObjectIdentifier, name: String)] = [:]
    /// Versions whose files are known, kept alive so that no other has their identity.
    private var tableVersions: [Int: any TableVersion] = [:]
    private var base: CheckpointBase
    private let secondPlace: SecondPlace?
    private(set) var statistics = CheckpointStatistics()

    init(
        _ core: EngineCore, _ settings: Plan.CheckpointSettings, sources: [any Source],
        directory: StateDirectory, recovery: Recovery, log: @escaping @Sendable (String) -> Void
    ) {
        self.core = core
        self.sources = sources
        self.settings = settings
        self.directory = directory
        self.log = log
        files = CheckpointFiles(path: directory.path, fileSystem: directory.fileSystem)
        nextEpoch = recovery.lastEpoch + 1
        kept = recovery.readable
        lastNumber = recovery.manifest?.nextChunk ?? 0
        base = CheckpointBase(recovery.manifest, core.topology.plan)
        lastStart = core.clock.monotonicNanoseconds()
        lastEnd = lastStart
        secondPlace = settings.secondPlace.map {
            SecondPlace(
                $0, keep: settings.keep, directory: directory, clock: core.clock, log: log)
        }
        secondPlace?.start()
        keepSources(isFinished: false)
    }

    /// Ends what was begun beside the run.
    func close() { secondPlace?.finish() }

    /// Milliseconds until something may be due.
    static let waitMilliseconds = 10

    /// Does what is due.
    func step() -> Progress {
        let now = core.clock.monotonicNanoseconds()
        switch phase {
        case .idle:
            guard isDue(now) else { return .idle }
            lastStart = now
            phase = .aligning(place(), since: now)
            return .progressed
        case .aligning(let barrier, let start):
            if let parts = barrier.complete {
                phase = .idle
                finish(barrier, parts, isLast: false)
                lastEnd = core.clock.monotonicNanoseconds()
                return .progressed
            }
            if now - start > settings.timeout {
                log("checkpoint \(barrier.epoch) took more than its timeout; it is given up")
                statistics.failed += 1
                phase = .idle
                lastEnd = now
            }
            return .blocked
        }
    }

    private func isDue(_ now: Int64) -> Bool {
        if core.isCheckpointRequested.exchange(false, ordering: .relaxed) { return true }
        let number = core.sequencer.positions().number
        guard number != lastNumber else { return false }
        if let chunks = settings.everyChunks, number - lastNumber >= chunks { return true }
        return now - lastStart >= settings.every && now - lastEnd >= settings.minPause
    }

    private func place() -> Barrier {
        let waker = waker
        defer { nextEpoch += 1 }
        return core.placeBarrier(epoch: nextEpoch) { waker.wake() }
    }

    /// Makes the last checkpoint, when no part of the engine runs any more. `isFinished` says that
    /// the input had ended.
    func finishRun(_ assembly: Assembly, isFinished: Bool) throws {
        if case .aligning(let barrier, _) = phase, let parts = barrier.complete {
            finish(barrier, parts, isLast: false)
        }
        let barrier = core.makeBarrier(epoch: nextEpoch, core.sequencer.positions()) {}
        nextEpoch += 1
        core.addTrackers(to: barrier)
        for worker in assembly.workers {
            try worker.addAll(to: barrier, isFinished: isFinished)
        }
        for sink in assembly.sinks { try sink.stage(for: barrier) }
        assembly.state?.settle()
        guard let parts = barrier.complete else {
            preconditionFailure("everybody has added their part")
        }
        if let error = finish(barrier, parts, isLast: isFinished) { throw error }
    }

    /// Completes a checkpoint of which all parts are there; gives why that failed.
    @discardableResult
    private func finish(
        _ barrier: Barrier, _ parts: Barrier.Parts, isLast: Bool
    ) -> (any Error)? {
        var manifest: CheckpointManifest?
        do {
            let staged = parts.sinks.sorted { $0.key < $1.key }.map(\.value.staged)
            for output in staged { try output.sync() }
            for source in sources { try source.sync() }
            let made = try base.manifest(
                barrier, parts, core, tables: isLast ? [:] : tables(of: barrier), isFinished: isLast
            )
            manifest = made
            if parts.hasFailed { throw CheckpointFailure() }
            if let secondPlace, secondPlace.isRequired { try secondPlace.copy(made) }
            try files.write(made)
            statistics.completed += 1
            lastNumber = barrier.positions.number
            kept.append(made)
            // From here on the checkpoint is complete, whatever happens.
            for output in staged { try output.commit() }
            for sink in core.arrivals { sink.committed(barrier.epoch) }
            try prune(to: isLast ? 1 : settings.keep)
            if let secondPlace, !secondPlace.isRequired { secondPlace.submit(made) }
            keepSources(isFinished: isLast)
            return nil
        } catch {
            log("checkpoint \(barrier.epoch) failed: \(error)")
            statistics.failed += 1
            if let manifest, kept.last?.epoch != manifest.epoch { letGo(of: manifest) }
            return error
        }
    }

    /// Tells the sources how far back they may have to be read again.
    private func keepSources(isFinished: Bool) {
        for (node, source) in zip(core.topology.plan.sources, sources) {
            var positions = kept.compactMap { $0.position(of: node.name) }
            // The first checkpoint will stand behind here.
            if kept.isEmpty, let position = source.position { positions = [position] }
            if let secondPlace, !isFinished {
                guard let there = secondPlace.positions(of: node.name) else { continue }
                positions += there
            }
            if positions.isEmpty { continue }
            do {
                try source.keep(from: positions, isFinished: isFinished)
            } catch {
                log("source '\(node.name)' keeps more than it needs: \(error)")
            }
        }
    }

    private func letGo(of manifest: CheckpointManifest) {
        for name in manifest.holds {
            do {
                try directory.release(name)
            } catch {
                log("\(error)")
            }
        }
    }

    /// Removes the manifests of all but the newest checkpoints, and the files that only they need.
    private func prune(to count: Int) throws {
        while kept.count > max(count, 1) {
            let oldest = kept.removeFirst()
            try files.remove(oldest.epoch)
            letGo(of: oldest)
        }
    }

    /// The files with the rows of the tables in force at a barrier, by source; written where their
    /// version is new.
    private func tables(of barrier: Barrier) throws -> [Int: String] {
        var names: [Int: String] = [:]
        for (source, node) in core.topology.plan.sources.enumerated() {
            guard let index = node.table?.index, let version = barrier.positions.tables[index]
            else {
                continue
            }
            if tableFiles[source]?.version != ObjectIdentifier(version) {
                let name = directory.makeBlobName()
                try ManifestFile.write(
                    version.encoded(), to: directory.path(of: name), in: directory.fileSystem)
                // The coordinator needs it as long as the version is in force.
                directory.hold(name)
                if let old = tableFiles[source] { try directory.release(old.name) }
                tableFiles[source] = (ObjectIdentifier(version), name)
                tableVersions[source] = version
            }
            guard let name = tableFiles[source]?.name else { continue }
            directory.hold(name)
            names[source] = name
        }
        return names
    }
}

/// State could not be flushed.
struct CheckpointFailure: Error, CustomStringConvertible {
    let description = "the state could not be written"
}

/// What came of the checkpoints of a run.
package struct CheckpointStatistics: Sendable, Equatable {
    package var completed = 0
    package var failed = 0
}
