import Glibc
import Storage
import Synchronization

/// The place at which the process ends itself, as SIGKILL would from outside: for tests of what a
/// crash leaves behind.
///
///     WEIR_KILL_AT = OPERATION:PATTERN:COUNT:MOMENT
///     OPERATION    = write | sync | truncate | rename | unlink | syncdir
///     MOMENT       = before | within | after
///
/// It is the COUNTth operation of that kind on a path whose last parts match PATTERN, as many parts
/// as it has; of a rename the new name counts. `within` writes half of what was to be written.
final class KillPoint: Sendable {
    enum Operation: String { case write, sync, truncate, rename, unlink, syncdir }

    enum Moment: String { case before, within, after }

    private let operation: Operation
    private let pattern: [String]
    private let moment: Moment
    /// Operations that match, until then.
    private let remaining: Atomic<Int>

    /// Reads a point as the variable gives it; nil where that is none.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, let operation = Operation(rawValue: String(parts[0])),
            !parts[1].isEmpty, let count = Int(parts[2]), count > 0,
            let moment = Moment(rawValue: String(parts[3]))
        else { return nil }
        self.operation = operation
        pattern = parts[1].split(separator: "/").map(String.init)
        self.moment = moment
        remaining = Atomic(count)
    }

    /// Whether an operation on a path is the one to die at.
    private func isReached(by operation: Operation, _ path: String) -> Bool {
        guard operation == self.operation else { return false }
        let names = path.split(separator: "/").suffix(pattern.count)
        guard names.count == pattern.count,
            zip(pattern, names).allSatisfy({ FilePattern.matches($0, String($1)) })
        else { return false }
        return remaining.subtract(1, ordering: .relaxed).newValue == 0
    }

    /// Does an operation, and dies before or behind it if it is the one; `half` does the first half
    /// of it.
    func pass<Result, Failure: Error>(
        _ operation: Operation, _ path: String, half: () throws(Failure) -> Void = {},
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard isReached(by: operation, path) else { return try body() }
        switch moment {
        case .before: break
        case .within: try half()
        case .after: _ = try body()
        }
        Self.die()
    }

    private static func die() -> Never {
        kill(getpid(), SIGKILL)
        while true { pause() }
    }
}
