import Dataflow
import Storage

/// The state of one run on disk: its directory, a store for each worker, the threads behind them.
final class StateParts {
    let stores: [StateStore]
    let directory: StateDirectory
    let room: DiskRoom?
    private let threads = BackgroundThreads()
    private var keepsFiles: Bool

    /// Takes the directory over. Without checkpoints a run begins without state: what an earlier
    /// one left there is removed.
    init(
        _ settings: Plan.StateSettings, workers: Int, keepsFiles: Bool,
        log: (String) -> Void
    ) throws {
        self.keepsFiles = keepsFiles
        room = settings.room
        directory = try StateDirectory(settings.path, fileSystem: settings.fileSystem)
        if let problem = try room?.open() { log("state begins without its reserve: \(problem)") }
        if !keepsFiles { try directory.removeOrphans() }
        var options = settings.options
        options.memoryBytes /= workers
        let (directory, threads) = (directory, threads)
        stores = (0..<workers).map { worker in
            StateStore(
                directory: directory, worker: worker, options: options, executor: threads,
                hashes: KeyHash.storedHashes(ofWorker: worker, of: workers))
        }
    }

    /// Notes that no later run goes on with this state.
    func forget() { keepsFiles = false }

    /// Waits for the background work, of which there will be no more.
    func settle() { threads.finish() }

    /// Ends the background work, and removes the state if it ends with the run.
    func close() throws {
        room?.close()
        threads.finish()
        defer { directory.close() }
        if !keepsFiles { try directory.removeFiles() }
    }
}
