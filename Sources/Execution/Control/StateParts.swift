import Dataflow
import Storage

/// The state of one run on disk: its directory, a store for each worker, the work behind them.
final class StateParts {
    let stores: [StateStore]
    let directory: StateDirectory
    let room: DiskRoom?
    let background: any BackgroundWork
    private var keepsFiles: Bool

    /// Takes the directory over; `copies` are other places with checkpoints of it. Without
    /// checkpoints a run begins without state: what an earlier one left there is removed, unless a
    /// later one could go on from it.
    init(
        _ settings: Plan.StateSettings, workers: Int, keepsFiles: Bool, copies: [String],
        background: any BackgroundWork, log: (String) -> Void
    ) throws {
        self.background = background
        self.keepsFiles = keepsFiles
        room = settings.room
        directory = try StateDirectory(
            settings.path, fileSystem: settings.fileSystem, copies: copies)
        if !keepsFiles { try Self.refuseToLose(directory) }
        if let problem = try room?.open() { log("state begins without its reserve: \(problem)") }
        if !keepsFiles { try directory.removeOrphans() }
        var options = settings.options
        options.memoryBytes /= workers
        let directory = directory
        stores = (0..<workers).map { worker in
            StateStore(
                directory: directory, worker: worker, options: options, executor: background,
                hashes: KeyHash.storedHashes(ofWorker: worker, of: workers))
        }
    }

    /// Throws where there are checkpoints of a run that has not ended.
    private static func refuseToLose(_ directory: StateDirectory) throws {
        let manifests = CheckpointFiles(path: directory.path, fileSystem: directory.fileSystem)
        guard let newest = try manifests.epochs().last,
            (try? manifests.read(newest))?.hasEnded != true
        else { return }
        throw RestoreError.wouldLose([
            "there are checkpoints in \(directory.path), and without settings.checkpoint this run "
                + "would not go on from them; remove the directory to begin without"
        ])
    }

    /// Notes that no later run goes on with this state.
    func forget() { keepsFiles = false }

    /// Waits for the background work, of which there will be no more; merges, which help nobody
    /// any more, stop where they are.
    func settle() {
        for store in stores { store.stopMerges() }
        background.finish()
    }

    /// Ends the background work, removes the state if it ends with the run, and does `last` before
    /// anybody else can have the directory.
    func close(_ last: () throws -> Void) throws {
        room?.close()
        settle()
        defer { directory.close() }
        if !keepsFiles { try directory.removeFiles() }
        try last()
    }
}
