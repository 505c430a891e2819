import Dataflow

/// The end of a run, when none of its parts is stepped any more.
extension Assembly {
    /// Makes the last checkpoint if the run came to its end in order, and closes everything; gives
    /// why the run failed.
    func finish(_ ending: Ending) -> (any Error)? {
        var failure: (any Error)?
        if case .failed(let error) = ending.reached { failure = error }
        if case .complete = ending.reached { failure = finishCheckpoints() }
        for input in inputs { input.source.close() }
        core.drops.sayRest()
        let sinks = closeSinks()
        failure = failure ?? sinks.failure
        coordinator?.close()
        do {
            // That it has ended is the last that is to be known of a run.
            let isWhole = failure == nil && !sinks.hasRest && core.sequencer.hasInputEnded
            try state?.close { if isWhole { try noteEnd() } }
        } catch {
            failure = failure ?? error
        }
        coordinator?.secondPlace?.leave()
        return failure
    }

    /// Makes the last checkpoint; gives why that failed.
    private func finishCheckpoints() -> (any Error)? {
        guard let coordinator else { return nil }
        do {
            let isFinished = core.sequencer.hasInputEnded
            try coordinator.finishRun(self, isFinished: isFinished)
            if isFinished { state?.forget() }
            return nil
        } catch {
            return error
        }
    }

    /// Leaves the word that a run, or an earlier one, has come to its end.
    private func noteEnd() throws {
        try coordinator?.noteEnd()
        guard let earlier, let last = earlier.finished else { return }
        try earlier.noteEnd(log: core.log)
        guard let state, let settings = core.topology.plan.checkpoint,
            let second = settings.secondPlace
        else { return }
        let place = SecondPlace(
            second, keep: settings.keep, directory: state.directory, clock: core.clock,
            log: core.log)
        place.noteEnd(of: last)
        place.leave()
    }

    /// Closes the sinks; gives why one failed, and whether one leaves output to the next run.
    private func closeSinks() -> (failure: (any Error)?, hasRest: Bool) {
        var failure: (any Error)?
        var hasRest = false
        for sink in sinks {
            do {
                let wasStopped = core.keepsPositions && !core.sequencer.hasInputEnded
                try sink.close(wasStopped: wasStopped)
            } catch is OutputLeft {
                hasRest = true
            } catch {
                if failure == nil && !(error is OutputClosed) { failure = error }
            }
        }
        return (failure, hasRest)
    }
}
