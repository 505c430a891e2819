import Storage
import Synchronization

/// Looks for the newest checkpoint that can be used, here and in a second place.
struct CheckpointSearch {
    /// What was found.
    struct Found {
        var manifest: CheckpointManifest?
        /// The greatest epoch of any manifest, damaged ones too.
        var lastEpoch = 0
        /// What could not be used.
        var damage: [any Error] = []
    }

    let pipeline: String
    let here: StateFiles
    let there: StateFiles?
    /// By name of a sink: the log in which its rows wait.
    let logs: [String: String]
    /// Checks what is brought here.
    let executor: any BackgroundExecutor

    private static let damagedSuffix = ".damaged"

    private var manifestsHere: CheckpointFiles {
        CheckpointFiles(path: here.path, fileSystem: here.fileSystem)
    }

    private var manifestsThere: CheckpointFiles? {
        there.map { CheckpointFiles(path: $0.path, fileSystem: $0.fileSystem) }
    }

    /// The newest checkpoint that can be used; afterwards all of it is here. What stands in its way
    /// is set aside under another name.
    func newest(log: (String) -> Void) throws -> Found {
        var found = Found()
        let local = try manifestsHere.epochs()
        var remote: [Int] = []
        var unread: (any Error)?
        do {
            remote = try epochsThere()
        } catch {
            log("the second place cannot be read: \(error)")
            unread = error
        }
        try refuseOthers(remote)
        let epochs = Set(local + remote).sorted(by: >)
        found.lastEpoch = epochs.first ?? 0
        for epoch in epochs {
            do {
                let manifest = try complete(epoch, isHere: local.contains(epoch), log)
                // Behind the end of a run another one began, which is not to begin again.
                if manifest.isFinished && !found.damage.isEmpty { break }
                found.manifest = manifest
                break
            } catch {
                log("checkpoint \(epoch) cannot be used: \(error)")
                // What cannot be read now may be whole: nothing older is to take its place.
                if let error = error as? StorageError, !error.isDamage { throw error }
                found.damage.append(error)
            }
        }
        // What is damaged or lost here may be whole there: nothing older is to take its place.
        if let unread, found.manifest == nil || !found.damage.isEmpty { throw unread }
        guard let chosen = found.manifest?.epoch else { return found }
        for epoch in local where epoch > chosen { try setAside(epoch) }
        return found
    }

    /// Throws where the second place belongs to another pipeline: nothing of that is to come here,
    /// and nothing of this one is to go there.
    private func refuseOthers(_ epochs: [Int]) throws {
        guard let there, let manifestsThere else { return }
        var newest: CheckpointManifest?
        for epoch in epochs.reversed() where newest == nil {
            newest = try? manifestsThere.read(epoch)
        }
        guard let newest, !newest.hasEnded, newest.pipeline != pipeline else { return }
        throw RestoreError.wouldLose([
            "the state in the second place \(there.path) is that of pipeline "
                + "'\(newest.pipeline)', not of '\(pipeline)'; give this one a place of its own"
        ])
    }

    /// Gives a manifest another name, under which nobody takes it for one.
    private func setAside(_ epoch: Int) throws(StorageError) {
        let path = manifestsHere.path(of: epoch)
        guard try here.fileSystem.status(of: path) != nil else { return }
        try here.fileSystem.rename(path, to: path + Self.damagedSuffix)
    }

    private func epochsThere() throws -> [Int] {
        guard let there, let manifests = manifestsThere,
            try there.fileSystem.status(of: there.path) != nil
        else { return [] }
        return try manifests.epochs()
    }

    /// A checkpoint of which everything is here, or was brought here.
    private func complete(
        _ epoch: Int, isHere: Bool, _ log: (String) -> Void
    ) throws -> CheckpointManifest {
        var manifest: CheckpointManifest
        do {
            manifest = try manifestsHere.read(epoch)
        } catch {
            guard let manifestsThere else { throw error }
            do {
                manifest = try manifestsThere.read(epoch)
            } catch let other {
                // What cannot be read now may be whole.
                throw isHere && other.isDamage ? error : other
            }
            if isHere { log("\(error)") }
        }
        let hasCopies = try takeCopies(of: &manifest, log)
        try bringMissing(of: manifest, log)
        try here.fileSystem.syncDirectory(here.path)
        if hasCopies || (try? manifestsHere.read(epoch)) == nil {
            try manifestsHere.write(manifest)
        }
        return manifest
    }

    /// Makes sure that the files of a checkpoint are here, by getting from the second place what
    /// is not, or is damaged. All of a copy is checked before it takes the place of anything.
    private func bringMissing(
        of manifest: CheckpointManifest, _ log: (String) -> Void
    ) throws {
        var reasons: [String: StorageError] = [:]
        for name in manifest.files.sorted() {
            do throws(StorageError) { try here.check(name) } catch { reasons[name] = error }
        }
        guard let first = reasons.min(by: { $0.key < $1.key }) else { return }
        guard let there else { throw first.value }
        let checked = CheckedCopies(executor)
        var brought: [StateFiles.Copied] = []
        var failures: [String: StorageError] = [:]
        for (number, name) in reasons.keys.sorted().enumerated() {
            do throws(StorageError) {
                let copy = try there.copy(name, to: here)
                brought.append(copy)
                checked.add(copy, number: number)
            } catch {
                failures[name] = error
                break
            }
        }
        failures.merge(checked.finish()) { first, _ in first }
        guard let failure = failures.min(by: { $0.key < $1.key }) else {
            for copy in brought {
                if let reason = reasons[copy.name], reason.kind != .notFound {
                    log("\(reason); it is replaced by its copy in \(there.path)")
                }
                try copy.rename()
            }
            return
        }
        for copy in brought {
            // What is left of it is removed with whatever else nobody needs.
            do { try copy.discard() } catch { log("\(error)") }
        }
        log("the copy of \(failure.key) in \(there.path) cannot be used: \(failure.value)")
        // A copy that cannot be read now may be whole.
        throw failure.value.isDamage ? reasons[failure.key] ?? failure.value : failure.value
    }

    /// The checkpoints here that are older, the oldest first. A manifest that is damaged is set
    /// aside: nobody would remove it in its time.
    func older(than epoch: Int, log: (String) -> Void) throws -> [CheckpointManifest] {
        try manifestsHere.epochs().filter { $0 < epoch }.compactMap { older in
            do throws(StorageError) {
                return try manifestsHere.read(older)
            } catch {
                guard error.kind == .corrupt else { throw error }
                log("\(error)")
                try setAside(older)
                return nil
            }
        }
    }
}

extension StorageError {
    /// Whether something is not what it was, rather than out of reach for now.
    var isDamage: Bool { kind == .corrupt || kind == .notFound }
}

/// Copies of state that are checked and made durable in the background, while the next is read.
private final class CheckedCopies: Sendable {
    private struct State {
        var waiting = 0
        var failures: [String: StorageError] = [:]
    }

    private let executor: any BackgroundExecutor
    private let state = Mutex(State())
    private let waker = Waker()
    private static let waitMicroseconds = 100_000

    init(_ executor: any BackgroundExecutor) { self.executor = executor }

    /// Takes a copy on; `number` tells which of its threads is to have it.
    func add(_ copy: StateFiles.Copied, number: Int) {
        state.withLock { $0.waiting += 1 }
        // Not merges' thread, which may be kept waiting for as long as others want the processors.
        executor.submit(number.isMultiple(of: 2) ? .flush : .compact) { [self] in
            var failure: StorageError?
            do throws(StorageError) {
                try copy.verify()
                try copy.sync()
            } catch {
                failure = error
            }
            state.withLock { state in
                state.waiting -= 1
                state.failures[copy.name] = failure
            }
            waker.wake()
        }
    }

    /// Waits until all are done; gives those that failed, by name.
    func finish() -> [String: StorageError] {
        while state.withLock({ $0.waiting }) > 0 {
            executor.wait(waker, microseconds: Self.waitMicroseconds)
        }
        return state.withLock { $0.failures }
    }
}
