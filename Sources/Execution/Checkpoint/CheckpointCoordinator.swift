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
    private let room: DiskRoom?
    /// Steps until there may be room on the disk again.
    private var stepsToRoom = 0
    /// Whether the run is at its end, and the checkpoint is the last one.
    private var waits = false
    private let log: @Sendable (String) -> Void
    /// Ends the wait for the next step.
    var waker: Waker { core.checkpointWaker }
    private var phase = Phase.idle
    private var nextEpoch: Int
    /// Complete checkpoints that are kept, the oldest first.
    private var kept: [CheckpointManifest]
    /// Checkpoints that failed, and whose manifests could not be removed.
    private var givenUp: [CheckpointManifest] = []
    /// Barriers that took too long, and may still hold files.
    private var overdue: [Barrier] = []
    private var lastStart: Int64
    private var lastEnd: Int64
    /// The place of the last complete checkpoint.
    private var lastNumber: Int
    private var tables: TableFiles
    private var ledger: PieceLedger
    /// Why the run ends, where something could not be made durable.
    private var unwritten: (any Error)?
    private var base: CheckpointBase
    /// Copies what is complete, if there is another place.
    let secondPlace: SecondPlace?
    private var noted = CheckpointStatistics()
    /// From the start of one to the start of the next: longer than asked for where they take so
    /// long that the run would be busy with them.
    private var interval: Int64
    /// The longest interval that was reported.
    private var reported: Int64
    /// An interval is this many times as long as a checkpoint, at least.
    private static let intervalsPerCheckpoint: Int64 = 3

    init(
        _ core: EngineCore, _ settings: Plan.CheckpointSettings, sources: [any Source],
        _ state: StateParts, recovery: Recovery, waiting: [Int: WaitingPieces],
        log: @escaping @Sendable (String) -> Void
    ) {
        self.core = core
        self.sources = sources
        self.settings = settings
        self.log = log
        directory = state.directory
        tables = TableFiles(directory)
        ledger = PieceLedger(directory, goingOnFrom: waiting)
        room = state.room
        // For want of room a checkpoint fails; it does not wait.
        files = CheckpointFiles(
            path: directory.path, fileSystem: directory.fileSystem.impatient)
        nextEpoch = recovery.lastEpoch + 1
        kept = recovery.readable
        lastNumber = recovery.manifest?.nextChunk ?? 0
        interval = settings.every
        reported = settings.every
        base = CheckpointBase(recovery.manifest, core.topology.plan)
        lastStart = core.clock.monotonicNanoseconds()
        lastEnd = lastStart
        secondPlace = settings.secondPlace.map {
            SecondPlace(
                $0, keep: settings.keep, directory: state.directory, clock: core.clock, log: log)
        }
        keepSources(isFinished: false)
    }

    /// Ends what was begun beside the run; its own parts are not stepped any more.
    func close() { secondPlace?.finish() }

    /// Milliseconds until something may be due.
    static let waitMilliseconds = 10

    /// Does what is due.
    func step() -> Progress {
        let now = core.clock.monotonicNanoseconds()
        switch phase {
        case .idle:
            lookForRoom()
            letGoOfOverdue()
            guard isDue(now) else { return .idle }
            lastStart = now
            phase = .aligning(place(), since: now)
            return .progressed
        case .aligning(let barrier, let start):
            if let parts = barrier.complete {
                phase = .idle
                finish(barrier, parts, isLast: false)
                lastEnd = core.clock.monotonicNanoseconds()
                note(parts, duration: lastEnd - start)
                stepsToRoom = 0
                return .progressed
            }
            if now - start > settings.timeout {
                log("checkpoint \(barrier.epoch) took more than its timeout; it is given up")
                noted.failed += 1
                overdue.append(barrier)
                phase = .idle
                lastEnd = now
            }
            return .blocked
        }
    }

    /// Notes how long a checkpoint took, and stretches the interval if that was too long for it.
    private func note(_ parts: Barrier.Parts, duration: Int64) {
        noted.note(pauses: parts.pauses, duration: duration)
        interval = max(settings.every, duration * Self.intervalsPerCheckpoint)
        guard interval > reported + reported / 2 else { return }
        reported = interval
        let milliseconds: (Int64) -> Int64 = { $0 / 1_000_000 }
        log(
            "a checkpoint took \(milliseconds(duration)) ms; while they take so long, they are "
                + "made every \(milliseconds(interval)) ms instead of every "
                + "\(milliseconds(settings.every)) ms")
    }

    /// What came of the checkpoints so far.
    var statistics: CheckpointStatistics {
        var statistics = noted
        if let secondPlace, let newest = kept.last {
            statistics.epochsBehind = newest.epoch - secondPlace.copiedEpoch
        }
        return statistics
    }

    private static let stepsToRoomMax = 25

    private var isShortOfRoom: Bool { room?.isTight == true }

    /// Where the disk was full: keeps the newest checkpoint alone, and lets the sources go on when
    /// there is room for the reserve again.
    private func lookForRoom() {
        guard let room, room.isTight, !core.isCheckpointRequested.load(ordering: .relaxed) else {
            return
        }
        stepsToRoom -= 1
        guard stepsToRoom <= 0 else { return }
        stepsToRoom = Self.stepsToRoomMax
        do {
            try prune(to: 1)
        } catch {
            log("\(error)")
        }
        guard room.refill() else { return }
        log("there is room on the disk again")
        core.sequencer.goOn()
    }

    private func isDue(_ now: Int64) -> Bool {
        if core.isCheckpointRequested.exchange(false, ordering: .relaxed) { return true }
        let number = core.sequencer.positions().number
        guard number != lastNumber else { return false }
        if let chunks = settings.everyChunks, number - lastNumber >= chunks, !isShortOfRoom {
            return true
        }
        return now - lastStart >= interval && now - lastEnd >= settings.minPause
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
            // The run is at its end already, and nobody else hears of it.
            if let unwritten { throw unwritten }
        }
        let barrier = core.makeBarrier(epoch: nextEpoch, core.sequencer.positions()) {}
        nextEpoch += 1
        core.addTrackers(to: barrier)
        for worker in assembly.workers {
            try worker.addAll(to: barrier, isFinished: isFinished)
        }
        for sink in assembly.sinks { try sink.stage(for: barrier) }
        if isShortOfRoom { try prune(to: 1) }
        assembly.state?.settle()
        guard let parts = barrier.complete else {
            preconditionFailure("everybody has added their part")
        }
        waits = true
        if let error = finish(barrier, parts, isLast: isFinished) { throw error }
    }

    /// Leaves the word that the run has ended, if its last checkpoint stands at the end of the
    /// input.
    func noteEnd() throws {
        guard let last = kept.last, last.isFinished else { return }
        try CheckpointFiles(path: directory.path, fileSystem: directory.fileSystem)
            .writeEnd(of: last, log: log)
        secondPlace?.noteEnd(of: last)
    }

    /// Completes a checkpoint of which all parts are there; gives why that failed.
    @discardableResult
    private func finish(
        _ barrier: Barrier, _ parts: Barrier.Parts, isLast: Bool
    ) -> (any Error)? {
        let waiting = ledger.note(parts.sinks.compactMapValues(\.staged.waiting))
        // Whatever fails, what the tasks hold for it is let go of.
        var made = base.manifest(
            barrier, parts, core, tables: [:], waiting: waiting, isFinished: isLast)
        do {
            try sync(parts.sinks.sorted { $0.key < $1.key }.map(\.value.staged))
            if let failure = parts.failure { throw Unwritten(cause: failure) }
            if !isLast {
                let names = try tables.hold(
                    barrier.positions.tables, of: core.topology.plan,
                    in: waits ? directory.fileSystem : directory.fileSystem.impatient)
                made = base.manifest(
                    barrier, parts, core, tables: names, waiting: waiting, isFinished: false)
            }
            if let secondPlace, secondPlace.isRequired { try secondPlace.copy(made) }
            try write(made)
            noted.completed += 1
            kept.append(made)
            // From here on the checkpoint is complete, whatever happens.
            if isShortOfRoom { try prune(to: 1) }
            let failure = commit(parts, epoch: barrier.epoch)
            // What could not be committed is tried again soon, with the next one.
            if failure == nil { lastNumber = barrier.positions.number }
            try prune(to: isLast ? 1 : settings.keep)
            if let secondPlace, !secondPlace.isRequired { secondPlace.submit(made) }
            keepSources(isFinished: isLast)
            return failure
        } catch {
            log("checkpoint \(barrier.epoch) failed: \(error)")
            noted.failed += 1
            if kept.last?.epoch != made.epoch { giveUp(made) }
            guard let error = error as? Unwritten else { return error }
            unwritten = error.cause
            core.fail(error.cause)
            return error.cause
        }
    }

    /// Makes visible what sinks staged for a checkpoint that is complete; gives why that failed for
    /// one of them. Output that is not what it was will not be so by itself: the run ends.
    private func commit(_ parts: Barrier.Parts, epoch: Int) -> (any Error)? {
        var failure: (any Error)?
        for (sink, part) in parts.sinks.sorted(by: { $0.key < $1.key }) {
            do {
                try part.staged.commit()
                core.arrivals[sink].committed(epoch)
            } catch {
                log("the output of checkpoint \(epoch) waits to be committed: \(error)")
                if (error as? StorageError)?.kind == .corrupt { core.fail(error) }
                failure = failure ?? error
            }
        }
        return failure
    }

    /// Makes durable what the sinks staged, and what the sources gave.
    ///
    /// After a sync that failed nobody can say what is on the device, so it is not tried again;
    /// what waits for room is.
    private func sync(_ staged: [StagedOutput]) throws {
        do {
            for output in staged { try output.sync() }
            for source in sources { try source.sync() }
        } catch {
            if let error = error as? StorageError, error.isLackOfRoom { throw error }
            throw Unwritten(cause: error)
        }
    }

    /// Writes a manifest; the last one waits for room on the disk.
    private func write(_ manifest: CheckpointManifest) throws {
        // The names of its files are to last before its own does.
        if !manifest.files.isEmpty { try directory.fileSystem.syncDirectory(directory.path) }
        guard waits else { return try files.write(manifest) }
        try CheckpointFiles(path: directory.path, fileSystem: directory.fileSystem)
            .write(manifest)
    }

    /// Tells the sources how far back they may have to be read again.
    private func keepSources(isFinished: Bool) {
        for (node, source) in zip(core.topology.plan.sources, sources) {
            var positions = kept.compactMap { $0.position(of: node) }
            do {
                // The first checkpoint will stand behind here.
                if kept.isEmpty, let position = try source.position { positions = [position] }
                if let secondPlace, !isFinished {
                    guard let there = secondPlace.positions(of: node) else { continue }
                    positions += there
                }
                if positions.isEmpty { continue }
                try source.keep(from: positions, isFinished: isFinished)
            } catch {
                log("source '\(node.name)' keeps more than it needs: \(error)")
            }
        }
    }

    /// Takes back what there is of a checkpoint that failed: its manifest may have its name, and
    /// only that not be durable. As long as it cannot be removed, its files stay, too.
    private func giveUp(_ manifest: CheckpointManifest) {
        do {
            try files.remove(manifest.epoch)
            letGo(of: manifest)
        } catch {
            log("\(error)")
            givenUp.append(manifest)
        }
    }

    /// Lets go of what the tasks hold for barriers that nobody waits for any more.
    private func letGoOfOverdue() {
        overdue.removeAll { barrier in
            guard let parts = barrier.complete else { return false }
            letGo(of: base.manifest(barrier, parts, core, tables: [:], isFinished: false))
            return true
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

    /// Removes the manifests of all but the newest checkpoints, and the files that only they need;
    /// of an earlier run that had ended nothing is kept.
    private func prune(to count: Int) throws {
        let again = givenUp
        givenUp = []
        for manifest in again { giveUp(manifest) }
        while let oldest = kept.first, kept.count > 1,
            kept.count > count || oldest.isFinished
        {
            try files.remove(oldest.epoch)
            kept.removeFirst()
            letGo(of: oldest)
        }
    }
}

/// State or output that is not durable, and will not be in a later epoch either: the run ends, and
/// the next one makes it again.
private struct Unwritten: Error, CustomStringConvertible {
    let cause: any Error

    var description: String { "\(cause)" }
}
