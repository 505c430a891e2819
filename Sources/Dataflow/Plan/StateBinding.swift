/// What ties that which a checkpoint holds of a source, step or sink to the one in the pipeline
/// file, besides its name.
package struct StateBinding: Sendable, Equatable {
    /// What its state is good for: state with another text means something else, and is lost.
    package var meaning: String
    /// All that the file says of it, for people: with another text but the same meaning, its state
    /// is taken over by what it has become.
    package var definition: String

    /// What an earlier version said for the same meaning, where that was something else.
    package var formerMeaning: String?

    /// What stands between the parts of a definition, and before the name and type of a field in
    /// those that say one.
    package static let separator = "; "
    package static let fieldMark = "field "

    package init(meaning: String = "", definition: String = "") {
        self.meaning = meaning
        self.definition = definition
    }

    /// Whether state that was bound so is good for this one.
    package func takesOver(_ saved: StateBinding) -> Bool {
        saved.meaning == meaning || saved.meaning == formerMeaning
    }

    /// What this one has in the place of one that was saved, in the words of the file: the parts of
    /// the definitions in which they differ; nil where they do not.
    package func change(from saved: StateBinding) -> String? {
        guard saved.definition != definition else { return nil }
        func parts(_ text: String) -> [String] {
            text.split(separator: Self.separator).map(String.init)
        }
        let (old, new) = (parts(saved.definition), parts(definition))
        var (less, more) = (old.filter { !new.contains($0) }, new.filter { !old.contains($0) })
        // The same parts in another order.
        if less.isEmpty && more.isEmpty { return "\(saved.definition) -> \(definition)" }
        // Fields that come or go because of another part say nothing more.
        if !(less + more).allSatisfy({ $0.hasPrefix(Self.fieldMark) }) {
            func isChanged(_ part: String, _ others: [String]) -> Bool {
                guard part.hasPrefix(Self.fieldMark), let end = part.lastIndex(of: ":") else {
                    return true
                }
                return others.contains { $0.hasPrefix(part[...end]) }
            }
            (less, more) = (
                less.filter { isChanged($0, more) }, more.filter { isChanged($0, less) }
            )
        }
        func text(_ parts: [String]) -> String {
            parts.isEmpty ? "nothing" : parts.joined(separator: Self.separator)
        }
        return "\(text(less)) -> \(text(more))"
    }
}
