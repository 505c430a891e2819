import Dataflow
import Storage

/// The state of one run on disk: its directory, a store for each worker, the threads behind them.
final class StateParts {
    let stores: [StateStore]
    private let directory: StateDirectory
    private let threads = BackgroundThreads()

    /// Takes the directory over. What an earlier run left there is removed: a run begins without
    /// state.
    init(_ settings: Plan.StateSettings, workers: Int) throws {
        directory = try StateDirectory(settings.path, fileSystem: settings.fileSystem)
        try directory.removeOrphans()
        var options = settings.options
        options.memoryBytes /= workers
        let (directory, threads) = (directory, threads)
        stores = (0..<workers).map { worker in
            StateStore(directory: directory, worker: worker, options: options, executor: threads)
        }
    }

    /// Ends the background work, and removes the state: it ends with the run.
    func close() throws {
        threads.finish()
        try directory.removeFiles()
    }
}
