package import Dataflow
import Dispatch
import Storage
import Synchronization

/// Runs one plan from its sources' first record to their last, or until it is stopped.
///
/// Every source, worker and sink has a thread of its own; `run` waits for their end.
package final class Engine: Sendable {
    /// What a run came to.
    package struct Outcome: Sendable {
        /// Why it failed; nil if it did not.
        package let failure: (any Error)?
        package let statistics: Statistics
    }

    private let core: EngineCore
    private let ending: Ending
    private let ended = DispatchSemaphore(value: 0)
    private let inputs = Mutex<[any Interruptible]>([])
    private let outputs = Mutex<[SinkInterrupt]>([])
    private let clock: EngineClock

    /// An engine for `plan`; `log` takes lines for the user.
    package init(_ plan: Plan, clock: EngineClock, log: @escaping @Sendable (String) -> Void) {
        self.clock = clock
        let ended = ended
        ending = Ending { ended.signal() }
        core = EngineCore(Topology(plan), clock: clock, log: log, ending: ending)
    }

    /// Makes the sources stop where they are; what was read is still processed and written, and
    /// windows that are open are not flushed. May be called on any thread.
    package func stop() {
        stopInputs()
        outputs.withLock { for output in $0 { output.hurry() } }
    }

    private func stopInputs() {
        core.sequencer.stop()
        inputs.withLock { for input in $0 { input.interrupt() } }
    }

    /// Has a checkpoint made soon, if the pipeline makes any. May be called on any thread.
    package func requestCheckpoint() { core.isCheckpointRequested.store(true, ordering: .relaxed) }

    /// Ends the waits of sinks whose target does not take what is written, and those for room on
    /// the disk, of a run that starts, too: the run fails. May be called on any thread.
    package func giveUp() {
        core.topology.plan.state?.room?.giveUp()
        outputs.withLock { for output in $0 { output.interrupt() } }
    }

    /// Runs to the end; blocks the calling thread.
    package func run() -> Outcome {
        let assembly: Assembly
        do {
            assembly = try Assembly(core)
        } catch {
            DamagedFile.setAside(error, of: core.topology.plan, log: core.log)
            return Outcome(failure: error, statistics: Statistics(plan: core.topology.plan))
        }
        inputs.withLock { $0 = assembly.interruptibles }
        outputs.withLock { $0 = assembly.interruptibleSinks }
        let threads = start(assembly)
        ended.wait()
        // Whatever the reason, the sources must not go on.
        stopInputs()
        if case .complete = ending.reached {} else { giveUp() }
        for input in assembly.inputs { input.parker.wake() }
        for inbox in core.inboxes { inbox.parker.wake() }
        for arrivals in core.arrivals { arrivals.parker.wake() }
        core.checkpointWaker.wake()
        assembly.coordinator?.secondPlace?.waker.wake()
        for thread in threads { thread.join() }
        let failure = assembly.finish(ending)
        if let failure { DamagedFile.setAside(failure, of: core.topology.plan, log: core.log) }
        return Outcome(failure: failure, statistics: assembly.statistics)
    }

    private func start(_ assembly: Assembly) -> [EngineThread] {
        var threads: [EngineThread] = []
        for sink in assembly.sinks {
            let box = Handover(sink)
            threads.append(
                thread("sink-\(sink.index)", parker: sink.parker) {
                    try box.value.step()
                })
        }
        for worker in assembly.workers {
            let box = Handover(worker)
            threads.append(
                thread("worker-\(worker.index)", parker: worker.inbox.parker) {
                    try box.value.step()
                })
        }
        for (index, input) in assembly.inputs.enumerated() {
            let box = Handover(input)
            threads.append(inputThread("source-\(index)", box))
        }
        if let coordinator = assembly.coordinator {
            let box = Handover(coordinator)
            threads.append(
                EngineThread(named: "checkpoints") { [ending] in
                    while ending.reached == nil {
                        if box.value.step() == .progressed { continue }
                        box.value.waker.wait(milliseconds: CheckpointCoordinator.waitMilliseconds)
                    }
                })
            if let place = coordinator.secondPlace { threads.append(copyThread(place)) }
        }
        return threads
    }

    private func copyThread(_ place: SecondPlace) -> EngineThread {
        EngineThread(named: "second-place") { [ending] in
            while ending.reached == nil {
                if place.step() == .progressed { continue }
                place.waker.wait(milliseconds: SecondPlace.waitMilliseconds)
            }
        }
    }

    /// Milliseconds that a read may wait before the runner looks around.
    private static let readWaitMilliseconds = 100

    private func inputThread(_ name: String, _ box: Handover<any InputRunner>) -> EngineThread {
        EngineThread(named: name) { [ending] in
            let runner = box.value
            do {
                while ending.reached == nil && !runner.hasEnded {
                    let wait = Self.readWaitMilliseconds
                    if try runner.step(waitMilliseconds: wait) == .blocked { runner.parker.park() }
                }
            } catch {
                ending.reach(error)
            }
        }
    }

    private func thread(
        _ name: String, parker: Parker, step: @escaping @Sendable () throws -> Progress
    ) -> EngineThread {
        EngineThread(named: name) { [ending] in
            do {
                while ending.reached == nil {
                    if try step() != .progressed { parker.park() }
                }
            } catch {
                ending.reach(error)
            }
        }
    }
}

/// Carries a part of the engine to the thread that owns it from then on.
private struct Handover<Value>: @unchecked Sendable {
    // Sendable: after the start only the new thread uses the value, until it is joined.
    let value: Value

    init(_ value: Value) { self.value = value }
}
