import Dataflow
import Storage
import Synchronization

/// Copies complete checkpoints to a second place; stepped by a thread of its own, or by a
/// simulator.
///
/// Files that are there already are not copied again, so a copy that was interrupted goes on where
/// it was; the manifest comes last. Of the checkpoints that wait, only the newest is copied.
final class SecondPlace: Sendable {
    private struct State {
        var waiting: CheckpointManifest?
        /// Whether it was seen which checkpoints are there.
        var hasLooked = false
        var copied = 0
        var lastStart: Int64?
        /// What is being copied.
        var current: CheckpointManifest?
        /// The checkpoints that are there; nil while that is not known.
        var kept: [CheckpointManifest]?
    }

    private let settings: Plan.CheckpointSettings.SecondPlace
    private let keep: Int
    private let local: StateFiles
    private let remote: StateFiles
    private let directory: StateDirectory
    private let clock: EngineClock
    private let log: @Sendable (String) -> Void
    private let state = Mutex(State())
    /// Held from the first copy on.
    private let claim = Mutex<CopyClaim?>(nil)
    let waker = Waker()

    init(
        _ settings: Plan.CheckpointSettings.SecondPlace, keep: Int, directory: StateDirectory,
        clock: EngineClock, log: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.keep = keep
        self.directory = directory
        self.clock = clock
        self.log = log
        local = StateFiles(directory.path, fileSystem: directory.fileSystem)
        remote = StateFiles(settings.path, fileSystem: directory.fileSystem)
    }

    var isRequired: Bool { settings.isRequired }

    /// The newest epoch that is there; 0 for none of this run.
    var copiedEpoch: Int { state.withLock { $0.copied } }

    /// Milliseconds until something may be due.
    static let waitMilliseconds = 100

    /// Copies what waits, if it is time to.
    func step() -> Progress {
        if state.withLock({ $0.hasLooked }) { return copyWaiting(isLast: false) }
        noteKept()
        return .progressed
    }

    /// Copies what waits, when there will be no more.
    func finish() { _ = copyWaiting(isLast: true) }

    /// Has a checkpoint copied later, in place of one that waits. Its files are held until then.
    func submit(_ manifest: CheckpointManifest) {
        for name in manifest.files { directory.hold(name) }
        let replaced = state.withLock { state in
            defer { state.waiting = manifest }
            return state.waiting
        }
        if let replaced { letGo(of: replaced) }
        waker.wake()
    }

    private func copyWaiting(isLast: Bool) -> Progress {
        let now = clock.monotonicNanoseconds()
        let taken = state.withLock { state -> CheckpointManifest? in
            let isDue = state.lastStart.map { now - $0 >= settings.every } ?? true
            guard let waiting = state.waiting, isDue || isLast else { return nil }
            state.waiting = nil
            state.current = waiting
            state.lastStart = now
            return waiting
        }
        guard let manifest = taken else { return .idle }
        do {
            try copy(manifest)
        } catch {
            log("checkpoint \(manifest.epoch) is not in the second place: \(error)")
        }
        state.withLock { $0.current = nil }
        letGo(of: manifest)
        return .progressed
    }

    /// Where a source stands in the checkpoints that are there or on their way; nil while that is
    /// not known.
    func positions(of source: Plan.SourceNode) -> [SourcePosition]? {
        let (kept, current, waiting) = state.withLock { ($0.kept, $0.current, $0.waiting) }
        return kept.map { kept in
            (kept + [current, waiting].compactMap { $0 }).compactMap { $0.position(of: source) }
        }
    }

    /// Looks which checkpoints are there.
    private func noteKept() {
        state.withLock { $0.hasLooked = true }
        let manifests = CheckpointFiles(path: remote.path, fileSystem: remote.fileSystem)
        do throws(StorageError) {
            var kept: [CheckpointManifest] = []
            if try remote.fileSystem.status(of: remote.path) != nil {
                for epoch in try manifests.epochs() { kept.append(try manifests.read(epoch)) }
            }
            state.withLock { $0.kept = kept }
        } catch {
            log("\(error)")
        }
    }

    private func letGo(of manifest: CheckpointManifest) {
        for name in manifest.files {
            do {
                try directory.release(name)
            } catch {
                log("\(error)")
            }
        }
    }

    /// Lets others copy to it.
    func leave() { claim.withLock { $0 }?.release() }

    private func claimRemote() throws {
        guard claim.withLock({ $0 }) == nil else { return }
        try remote.fileSystem.makeDirectories(remote.path)
        let made = try CopyClaim(remote)
        claim.withLock { $0 = made }
    }

    /// Leaves the word there that a run has ended, in place of its checkpoints.
    func noteEnd(of manifest: CheckpointManifest) {
        do {
            try copy(manifest.ended)
        } catch {
            log("the end of the run is not noted in the second place: \(error)")
        }
    }

    /// Copies a checkpoint, and removes what no manifest there needs any more.
    func copy(_ manifest: CheckpointManifest) throws {
        try claimRemote()
        try CheckpointCopy.copy(manifest, from: local, to: remote)
        try CheckpointCopy.prune(remote, to: manifest.isFinished ? 1 : keep, log: log)
        state.withLock { $0.copied = manifest.epoch }
        noteKept()
    }
}

/// Copies of checkpoints between directories.
enum CheckpointCopy {
    /// Copies the files of a checkpoint that are missing, and rows that wait in logs as files, then
    /// its manifest; gives the bytes written.
    @discardableResult
    static func copy(
        _ manifest: CheckpointManifest, from source: StateFiles, to target: StateFiles
    ) throws(StorageError) -> Int {
        try target.fileSystem.makeDirectories(target.path)
        var copied: [StateFiles.Copied] = []
        for name in manifest.files.sorted() {
            guard let copy = try source.copyMissing(name, to: target) else { continue }
            copied.append(copy)
        }
        var manifest = manifest
        for (index, sink) in manifest.sinks.enumerated() {
            let waiting = sink.waiting
            manifest.sinks[index].waiting = try waiting?.copy(
                from: source, to: target, into: &copied)
        }
        for copy in copied { try copy.settle() }
        try target.fileSystem.syncDirectory(target.path)
        let manifests = CheckpointFiles(path: target.path, fileSystem: target.fileSystem)
        try manifests.write(manifest)
        return copied.reduce(0) { $0 + $1.byteCount }
    }

    /// Removes all but the newest checkpoints, and the files that none of those needs; nothing
    /// while a manifest is damaged. Where `othersCopy`, only files that the removed checkpoints
    /// needed: what no checkpoint knows may be that of one which is being copied.
    static func prune(
        _ place: StateFiles, to count: Int, othersCopy: Bool = false, log: (String) -> Void
    ) throws(StorageError) {
        let manifests = CheckpointFiles(path: place.path, fileSystem: place.fileSystem)
        var needed: Set<String> = []
        let epochs = try manifests.epochs()
        var kept: [Int] = []
        for epoch in epochs.reversed().prefix(count) {
            do throws(StorageError) {
                needed.formUnion(try manifests.read(epoch).files)
                kept.append(epoch)
            } catch {
                log("\(error)")
                return
            }
        }
        var removed: Set<String> = []
        for epoch in epochs where !kept.contains(epoch) {
            if othersCopy, let old = try? manifests.read(epoch) { removed.formUnion(old.files) }
            try manifests.remove(epoch)
        }
        for name in try place.fileSystem.names(in: place.path) {
            let isOurs = StateDirectory.incarnation(of: name) != nil
            // Copies that were interrupted are not needed by anything.
            guard isOurs && !needed.contains(name) || CheckpointFiles.isUnfinished(name) else {
                continue
            }
            if othersCopy && !removed.contains(name) { continue }
            try place.fileSystem.unlink(place.path(of: name))
        }
    }
}
