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

    package init(meaning: String = "", definition: String = "") {
        self.meaning = meaning
        self.definition = definition
    }

    /// Whether state that was bound so is good for this one.
    package func takesOver(_ saved: StateBinding) -> Bool {
        saved.meaning == meaning || saved.meaning == formerMeaning
    }
}
