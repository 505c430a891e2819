import Synchronization

/// The room that a pipeline has on disk: a quota for its state, a reserve that only takes room, and
/// what happens when nothing is left.
///
/// All that is written through `files` is guarded. A write that finds the disk full, or the quota
/// used up, first gives the reserve up and goes on in its place; whoever watches holds the sources
/// back and makes room. Where even that is not enough the write waits, and what waits for it does,
/// until there is room or nobody wants to wait any more. Nothing that was promised is lost by it.
///
///     state directory = files of state | RESERVE
package final class DiskRoom: Sendable {
    /// What there is room for.
    package struct Options: Sendable {
        /// The directory of the state: what the quota counts, and where the reserve is kept.
        package var statePath: String
        /// Bytes of that directory, at most, the reserve among them; nil for no limit.
        package var quota: Int?
        /// Bytes of the reserve.
        package var reserve = 0
        /// Whether somebody watches, and calls `refill` when there may be room again.
        package var isTended = false
        /// Directories whose disk is another's business.
        package var elsewhere: [String] = []

        package init(statePath: String) { self.statePath = statePath }
    }

    private struct State {
        /// Bytes of the files in the state's directory, by path.
        var sizes: [String: Int] = [:]
        var usedBytes = 0
        var hasReserve = false
        /// What found no room, as long as the reserve is not back.
        var shortage: StorageError?
        var hasGivenUp = false
        var watcher: (@Sendable (StorageError) -> Void)?
        /// What a write does between two attempts; it sleeps where that is nil.
        var pause: (@Sendable () -> Void)?
    }

    let options: Options
    let base: any FileSystem
    private let state = Mutex(State())
    private let prefix: String
    private static let reserveName = "RESERVE"
    private static let waitNanoseconds: Int64 = 20_000_000

    /// The room for what is written over `base`.
    package init(_ options: Options, over base: any FileSystem) {
        self.options = options
        self.base = base
        prefix = options.statePath + "/"
    }

    /// The files of `base`, guarded.
    package var files: any FileSystem { RoomFileSystem(room: self, isPatient: true) }

    private var reservePath: String { prefix + Self.reserveName }

    /// Counts what is in the state's directory, and makes the reserve; gives why that could not be
    /// done.
    package func open() throws(StorageError) -> StorageError? {
        if try base.status(of: reservePath) != nil { try base.unlink(reservePath) }
        var sizes: [String: Int] = [:]
        for name in try base.names(in: options.statePath) {
            let path = prefix + name
            sizes[path] = try base.status(of: path)?.byteCount
        }
        state.withLock { state in
            state.usedBytes = sizes.values.reduce(0, +)
            state.sizes = sizes
        }
        do throws(StorageError) {
            try makeReserve()
            return nil
        } catch {
            return error
        }
    }

    /// Removes the reserve.
    package func close() {
        _ = takeReserve()
        giveUp()
    }

    /// Calls `body` when there is no room left, on the thread that finds out; at once where that
    /// was found out before.
    package func watch(_ body: @escaping @Sendable (StorageError) -> Void) {
        let shortage = state.withLock { state in
            state.watcher = body
            return state.shortage
        }
        if let shortage { body(shortage) }
    }

    /// Has writes that wait for room do `body` again and again, in place of sleeping.
    package func wait(by body: @escaping @Sendable () -> Void) {
        state.withLock { $0.pause = body }
    }

    /// Whether there was no room, and the reserve is not back yet.
    package var isTight: Bool { state.withLock { $0.shortage != nil } }

    /// Bytes that the state's files have.
    package var usedBytes: Int { state.withLock { $0.usedBytes } }

    /// Ends all waiting: writes fail where there is no room.
    package func giveUp() { state.withLock { $0.hasGivenUp = true } }

    /// Makes the reserve again, where there is room for it; says whether all is well.
    package func refill() -> Bool {
        do throws(StorageError) {
            try makeReserve()
            state.withLock { $0.shortage = nil }
            return true
        } catch {
            return false
        }
    }

    private func makeReserve() throws(StorageError) {
        guard options.reserve > 0, !state.withLock({ $0.hasReserve }) else { return }
        try claim(reservePath, upTo: options.reserve)
        do throws(StorageError) {
            let file = try base.open(reservePath, .write(truncating: true))
            try file.allocate(options.reserve)
            state.withLock { $0.hasReserve = true }
        } catch {
            forget(reservePath)
            do throws(StorageError) { try base.unlink(reservePath) } catch {}
            throw error
        }
    }

    /// Gives the reserve's room away; false where there is none.
    private func takeReserve() -> Bool {
        let hadSome = state.withLock { state in
            defer { state.hasReserve = false }
            return state.hasReserve
        }
        guard hadSome else { return false }
        do throws(StorageError) { try base.unlink(reservePath) } catch { return false }
        forget(reservePath)
        return true
    }

    // MARK: What is written

    /// Does something that needs room, again and again until there is some; an impatient one gets
    /// the error instead.
    func needing<Result>(
        _ path: String, isPatient: Bool, _ body: () throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        var hasWaited = false
        while true {
            do throws(StorageError) {
                let result = try body()
                if hasWaited && !options.isTended { state.withLock { $0.shortage = nil } }
                return result
            } catch {
                guard error.isLackOfRoom, guards(path) else { throw error }
                noteTight(error)
                if takeReserve() { continue }
                guard isPatient, !state.withLock({ $0.hasGivenUp }) else { throw error }
            }
            hasWaited = true
            if let pause = state.withLock({ $0.pause }) {
                pause()
            } else {
                SystemTime.sleep(nanoseconds: Self.waitNanoseconds)
            }
        }
    }

    private func guards(_ path: String) -> Bool {
        !options.elsewhere.contains { path.hasPrefix(FilePath.join($0, "")) }
    }

    private func noteTight(_ error: StorageError) {
        let watcher = state.withLock { state in
            defer { state.shortage = state.shortage ?? error }
            return state.shortage == nil ? state.watcher : nil
        }
        watcher?(error)
    }

    // MARK: The quota

    /// Whether a file counts.
    func counts(_ path: String) -> Bool { path.hasPrefix(prefix) }

    /// Takes room for the first bytes of a file in the state's directory.
    func claim(_ path: String, upTo byteCount: Int) throws(StorageError) {
        let used = state.withLock { state -> Int? in
            let growth = byteCount - state.sizes[path, default: 0]
            guard growth > 0 else { return nil }
            if let quota = options.quota, state.usedBytes + growth > quota {
                return state.usedBytes
            }
            state.sizes[path] = byteCount
            state.usedBytes += growth
            return nil
        }
        guard let used else { return }
        throw StorageError(
            .quotaExceeded, operation: "write", path: path,
            cause: "the state has \(used) bytes, and a quota of \(options.quota ?? 0)",
            advice: "raise 'quota', or keep less: a shorter 'retain', fewer checkpoints")
    }

    /// Notes how large a file is.
    func note(_ path: String, byteCount: Int) {
        state.withLock { state in
            state.usedBytes += byteCount - state.sizes[path, default: 0]
            state.sizes[path] = byteCount
        }
    }

    /// Notes that a file is gone.
    func forget(_ path: String) {
        state.withLock { state in state.usedBytes -= state.sizes.removeValue(forKey: path) ?? 0 }
    }

    /// Notes that a file has another name.
    func noteRename(_ path: String, to newPath: String) throws(StorageError) {
        if counts(path) { forget(path) }
        if counts(newPath) {
            note(newPath, byteCount: try base.status(of: newPath)?.byteCount ?? 0)
        }
    }

    func byteCount(of path: String) -> Int { state.withLock { $0.sizes[path, default: 0] } }
}

extension StorageError {
    /// Whether it would go away if there were more room.
    package var isLackOfRoom: Bool { kind == .noSpace || kind == .quotaExceeded }
}
