package import Dataflow
import Storage

/// A run whose parts somebody else steps, one at a time and on one thread: what a simulator drives.
///
/// Its parts and its end are those of `Engine`; there are no threads, and nothing waits.
package final class SteppedRun {
    private let core: EngineCore
    private let ending: Ending
    private let assembly: Assembly
    private let parts: [(name: String, step: () throws -> Progress)]

    /// Opens everything, afresh or where the last checkpoint stands; `background` does what the
    /// engine leaves to other threads.
    package init(
        _ plan: Plan, clock: EngineClock, background: any BackgroundWork,
        log: @escaping @Sendable (String) -> Void
    ) throws {
        ending = Ending {}
        core = EngineCore(Topology(plan), clock: clock, log: log, ending: ending)
        do {
            assembly = try Assembly(core) { background }
        } catch {
            DamagedFile.setAside(error, of: plan, log: log)
            throw error
        }
        parts = Self.parts(of: assembly)
    }

    private static func parts(
        of assembly: Assembly
    ) -> [(name: String, step: () throws -> Progress)] {
        var parts: [(name: String, step: () throws -> Progress)] = []
        for (index, input) in assembly.inputs.enumerated() {
            parts.append(("source-\(index)", { try input.step(waitMilliseconds: 0) }))
        }
        for worker in assembly.workers {
            parts.append(("worker-\(worker.index)", { try worker.step() }))
        }
        for sink in assembly.sinks { parts.append(("sink-\(sink.index)", { try sink.step() })) }
        if let coordinator = assembly.coordinator {
            parts.append(("checkpoints", { coordinator.step() }))
            if let place = coordinator.secondPlace {
                parts.append(("second-place", { place.step() }))
            }
        }
        return parts
    }

    /// What can be stepped.
    package var partNames: [String] { parts.map(\.name) }

    /// Steps a part; what it throws ends the run.
    package func step(_ part: Int) -> Progress {
        do {
            return try parts[part].step()
        } catch {
            ending.reach(error)
            return .progressed
        }
    }

    /// Makes the sources stop where they are.
    package func stop() { core.sequencer.stop() }

    /// Whether no part is to be stepped any more.
    package var hasEnded: Bool { ending.reached != nil }

    /// Whether it ended because a part of it failed.
    package var hasFailed: Bool {
        if case .failed? = ending.reached { true } else { false }
    }

    /// Whether all sources came to their ends by themselves.
    package var hasInputEnded: Bool { core.sequencer.hasInputEnded }

    /// Makes the last checkpoint and closes everything.
    package func finish() -> Engine.Outcome {
        let failure = assembly.finish(ending)
        if let failure { DamagedFile.setAside(failure, of: core.topology.plan, log: core.log) }
        return Engine.Outcome(failure: failure, statistics: assembly.statistics)
    }
}
