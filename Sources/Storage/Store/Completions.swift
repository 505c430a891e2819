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
    let job: Int
    let made: Made
}

/// Where background jobs leave what they made, until the owner of the store comes for it.
final class Completions: Sendable {
    private let waiting = Mutex<[Completion]>([])
    private let hasSome = Atomic<Bool>(false)
    private let failed = Atomic<Bool>(false)
    let waker = Waker()

    /// Whether any job failed so far.
    var hasFailed: Bool { failed.load(ordering: .acquiring) }

    /// Whether something waits to be taken in.
    var hasAny: Bool { hasSome.load(ordering: .acquiring) }

    func noteFailure() { failed.store(true, ordering: .releasing) }

    func add(_ completion: Completion) {
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
