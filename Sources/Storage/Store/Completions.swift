import Synchronization

/// What a background job of the store made.
struct Completion: Sendable {
    /// What was made, by the kind of family.
    enum Made: Sendable {
        case sections(Result<[ColdSection], StorageError>)
        case files(Result<KeyedOutput, StorageError>)
    }

    /// The number of the family among those of its kind.
    let family: Int
    let kind: BackgroundJob
    let job: Int
    let made: Made

    /// Bytes of the files that were made.
    fileprivate var byteCount: Int {
        switch made {
        case .sections(.success(let sections)): sections.first?.run.byteCount ?? 0
        case .files(.success(let output)): output.byteCount
        case .sections(.failure), .files(.failure): 0
        }
    }
}

/// Where background jobs leave what they made, until the owner of the store comes for it.
final class Completions: Sendable {
    private let waiting = Mutex<[Completion]>([])
    private let hasSome = Atomic<Bool>(false)
    private let written = Mutex((flushed: 0, merged: 0))
    private let firstFailure = Mutex<StorageError?>(nil)
    private let stopped = Atomic<Bool>(false)
    let waker = Waker()

    /// Why a flush failed, the first time.
    var failure: StorageError? { firstFailure.withLock { $0 } }

    /// Whether something waits to be taken in.
    var hasAny: Bool { hasSome.load(ordering: .acquiring) }

    /// Notes that a flush failed.
    func noteFailure(_ error: StorageError) {
        firstFailure.withLock { $0 = $0 ?? error }
    }

    /// Says that what merges make is not needed any more.
    func stopMerges() { stopped.store(true, ordering: .relaxed) }

    /// Throws where a job of a kind need not go on.
    func check(_ kind: BackgroundJob, writing path: String) throws(StorageError) {
        guard kind != .flush, stopped.load(ordering: .relaxed) else { return }
        throw StorageError(.other, operation: "write", path: path, cause: "the run ends")
    }

    /// Bytes of all files that were made.
    var writtenBytes: (flushed: Int, merged: Int) { written.withLock { $0 } }

    func add(_ completion: Completion) {
        written.withLock { written in
            switch completion.kind {
            case .flush: written.flushed += completion.byteCount
            case .compact, .merge: written.merged += completion.byteCount
            }
        }
        waiting.withLock { $0.append(completion) }
        hasSome.store(true, ordering: .releasing)
        waker.wake()
    }

    func take() -> [Completion] {
        guard hasSome.exchange(false, ordering: .acquiring) else { return [] }
        return waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}
