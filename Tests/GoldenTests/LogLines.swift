import Synchronization

/// Collects what is logged, from any thread.
final class LogLines: Sendable {
    private let collected = Mutex<[String]>([])

    func add(_ line: String) { collected.withLock { $0.append(line) } }

    var lines: [String] { collected.withLock { $0 } }
}
