/// What went wrong with stored bytes: the operation, the path, the cause, and what to do.
package struct StorageError: Error, Equatable, CustomStringConvertible {
    /// What a caller may want to tell apart.
    package enum Kind: Sendable, Equatable {
        case notFound, alreadyExists, notPermitted, isDirectory, notDirectory
        /// The file system is full.
        case noSpace
        /// There is room, but not for this user.
        case quotaExceeded
        case tooManyOpenFiles, brokenPipe, inputOutput
        /// Nothing can be read or written just now, by one who does not wait.
        case wouldBlock
        /// Bytes that are there but cannot be right.
        case corrupt
        /// To go on would remove what somebody else still needs.
        case wouldLose
        case other
    }

    package let kind: Kind
    /// What was tried, as a verb: `open`, `read`, `decompress`.
    package let operation: String
    package let path: String
    /// Where in the file, if that is known.
    package let offset: Int?
    /// What the system, or the decoder, said.
    package let cause: String
    /// What can be done about it; may be empty.
    package let advice: String

    package init(
        _ kind: Kind, operation: String, path: String, offset: Int? = nil, cause: String,
        advice: String = ""
    ) {
        self.kind = kind
        self.operation = operation
        self.path = path
        self.offset = offset
        self.cause = cause
        self.advice = advice
    }

    package var description: String {
        let place = offset.map { " at offset \($0)" } ?? ""
        let hint = advice.isEmpty ? "" : "; \(advice)"
        return "cannot \(operation) \(path)\(place): \(cause)\(hint)"
    }
}
