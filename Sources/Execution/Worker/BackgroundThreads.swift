import Dispatch
package import Storage
import Synchronization

/// What a run leaves to others beside its data path, and ends with the run.
package protocol BackgroundWork: BackgroundExecutor {
    /// Runs what is queued; there will be no more.
    func finish()
}

/// A thread for each kind of background job, shared by the stores of all workers.
///
/// Nobody waits for merges, so their thread has what all others leave of the processors; the others
/// do not interrupt the data path.
package final class BackgroundThreads: BackgroundWork {
    private let lanes: [BackgroundJob: Lane]

    /// Starts the threads.
    package init() {
        var lanes: [BackgroundJob: Lane] = [:]
        for kind in BackgroundJob.allCases {
            lanes[kind] = Lane(named: "\(kind)", stepsBack: kind == .merge)
        }
        self.lanes = lanes
    }

    package func submit(_ kind: BackgroundJob, _ job: @escaping @Sendable () -> Void) {
        lanes[kind]?.submit(job)
    }

    package func wait(_ waker: Waker, microseconds: Int) { waker.wait(microseconds: microseconds) }

    /// Runs what is queued, and ends the threads; once they have ended, nothing happens.
    package func finish() {
        for lane in lanes.values { lane.finish() }
    }
}

/// One thread and the jobs that wait for it.
private final class Lane: Sendable {
    private let jobs = Mutex<[@Sendable () -> Void]>([])
    private let available = DispatchSemaphore(value: 0)
    private let thread = Mutex<EngineThread?>(nil)

    init(named name: String, stepsBack: Bool) {
        let made = EngineThread(named: name) { [weak self] in
            if stepsBack { CurrentThread.stepBack() } else { CurrentThread.waitTurns() }
            while let self, self.runNext() {}
        }
        thread.withLock { $0 = made }
    }

    func submit(_ job: @escaping @Sendable () -> Void) {
        jobs.withLock { $0.append(job) }
        available.signal()
    }

    /// Runs the next job, waiting for it; false after the last one.
    private func runNext() -> Bool {
        available.wait()
        let job = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        guard let job else { return false }
        job()
        return true
    }

    func finish() {
        let ending = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let ending else { return }
        // A signal without a job ends the thread.
        available.signal()
        ending.join()
    }
}
