package import Dataflow

/// The rows of a batch for which an expression has no value, each with the reason.
package struct RowFailures: Sendable {
    /// Physical rows, each at most once, in the order they failed.
    package private(set) var rows: [Int] = []
    package private(set) var messages: [String] = []
    private var known: Set<Int> = []

    package init() {}

    package var count: Int { rows.count }
    package var isEmpty: Bool { rows.isEmpty }

    /// Fails a row, unless it has failed already.
    mutating func add(_ row: Int, _ message: String) {
        guard known.insert(row).inserted else { return }
        rows.append(row)
        messages.append(message)
    }

    /// The rows of `selection` that have not failed.
    package func excluded(from selection: Selection) -> Selection {
        guard !isEmpty, !selection.isEmpty else { return selection }
        let rowCount = max(selection[selection.count - 1], rows.max() ?? 0) + 1
        let sound = Bitmap(count: rowCount, valid: true)
        for row in rows { sound.set(row, valid: false) }
        return selection.valid(in: sound)
    }
}
