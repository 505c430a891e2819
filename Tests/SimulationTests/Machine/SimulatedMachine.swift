import Storage
import TestSupport

/// The machine of a simulation: its disk and clock, and the processes on it, which take turns, also
/// in the middle of each other's file operations.
final class SimulatedMachine: @unchecked Sendable {
    // Sendable: a simulation has one thread.

    /// The disk; another one after a power cut.
    private(set) var files = MemoryFileSystem()
    let clock: VirtualClock
    let trace: Trace
    /// Processes that run.
    private(set) var runs: [SimulatedRun] = []
    /// Whose file operations are under way, the innermost last.
    private var acting: [SimulatedProcess] = []
    /// Whether anything may have failed of which a run may fail.
    private(set) var hasFaults = false
    private(set) var powerCuts = 0
    /// Files of state that were ever made on disks of before.
    private var stateFiles = 0
    /// Lets the others on the machine go on, while one of them does something.
    var whileBusy: () -> Void = {}
    private var depth = 0

    private static let depthMax = 2

    init(clock: VirtualClock, trace: Trace) {
        self.clock = clock
        self.trace = trace
        watch()
    }

    private func watch() {
        files.observe { [unowned self] note in
            for run in runs { run.hazards.pass(note, files) }
            let actor = acting.last
            actor?.observer(note)
        }
    }

    /// Files of state that were ever made.
    var stateFileCount: Int { stateFiles + files.createdCount("state") }

    func begin(_ process: SimulatedProcess) { acting.append(process) }

    func end() { acting.removeLast() }

    /// Starts a process; while none runs, nothing of an earlier one's faults is left.
    func start(_ run: SimulatedRun) {
        if runs.isEmpty {
            files.heal()
            hasFaults = false
        }
        hasFaults = hasFaults || run.hazards.hasFaults
        run.hazards.prepare(files)
        runs.append(run)
    }

    func leave(_ run: SimulatedRun) {
        runs.removeAll { $0 === run }
        if run.hazards.trouble != nil { files.heal() }
    }

    /// Takes the disk as a power cut leaves it; what is still done on the old one does not count.
    func cutPower(seed: UInt64) {
        let left = files.crash(seed: seed)
        stateFiles += files.createdCount("state")
        files.failAll(from: 0, with: .inputOutput)
        files.observe(nil)
        for run in runs { run.die() }
        files = left
        powerCuts += 1
        watch()
    }

    /// Lets others go on in the middle of what a run does.
    func goOnElsewhere() {
        guard depth < Self.depthMax else { return }
        depth += 1
        whileBusy()
        depth -= 1
    }
}
