/// Why a run cannot go on from its last checkpoint.
package enum RestoreError: Error, CustomStringConvertible {
    /// The pipeline was changed so that state would be lost.
    case wouldLose([String])
    /// No checkpoint can be read, or a sink has more than any of them knows of.
    case damaged(String)

    package var description: String {
        switch self {
        case .wouldLose(let parts): parts.joined(separator: "\n")
        case .damaged(let cause): cause
        }
    }
}
