import Dataflow
import Synchronization

/// Says, at a limited rate, which rows leave through an output that nobody takes.
///
/// They are counted by their steps; here the first one and then one a second is shown, so that
/// nothing disappears without a word.
final class DropLog: Sendable {
    private struct Entry {
        var lastNanoseconds: Int64
        var unsaid = 0
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let clock: EngineClock
    private let log: @Sendable (String) -> Void
    private static let intervalNanoseconds: Int64 = 1_000_000_000

    init(clock: EngineClock, log: @escaping @Sendable (String) -> Void) {
        self.clock = clock
        self.log = log
    }

    /// Notes the rows of a batch that goes nowhere. A main output without a taker is no loss: the
    /// plan's author may want only the side outputs.
    func note(_ batch: Batch, from name: String, port: Port) {
        guard let portName = port.name, port != .main else { return }
        let key = "\(name).\(portName)"
        let now = clock.monotonicNanoseconds()
        let unsaid: (count: Int, isFirst: Bool)? = entries.withLock { entries in
            guard var entry = entries[key] else {
                entries[key] = Entry(lastNanoseconds: now)
                return (batch.count, true)
            }
            entry.unsaid += batch.count
            defer { entries[key] = entry }
            guard now - entry.lastNanoseconds >= Self.intervalNanoseconds else { return nil }
            let count = entry.unsaid
            entry.unsaid = 0
            entry.lastNanoseconds = now
            return (count, false)
        }
        guard let unsaid else { return }
        let rows = "\(unsaid.count)\(unsaid.isFirst ? "" : " more") rows"
        log("\(key): \(rows) that no sink takes\(reason(batch, port))")
    }

    /// Says what has not been said, when no more rows come.
    func finish() {
        let rest = entries.withLock { entries in
            let rest = entries.filter { $0.value.unsaid > 0 }
            entries = [:]
            return rest
        }
        for (key, entry) in rest.sorted(by: { $0.key < $1.key }) {
            log("\(key): \(entry.unsaid) more rows that no sink takes")
        }
    }

    private func reason(_ batch: Batch, _ port: Port) -> String {
        guard port == .errors, let error = batch.columns.first else { return "" }
        let row = batch.selection[0]
        let position = batch.columns[3].text(at: row)
        return "; \(position.description): \(error.text(at: row).description)"
    }
}
