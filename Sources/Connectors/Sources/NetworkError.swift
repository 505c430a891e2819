/// What went wrong with a socket: what was tried, with whom, the cause, and what to do.
package struct NetworkError: Error, Equatable, CustomStringConvertible {
    /// What was tried, as a verb: `listen on`, `connect to`.
    package let operation: String
    /// `host:port`.
    package let address: String
    package let cause: String
    /// May be empty.
    package let advice: String

    package init(operation: String, address: String, cause: String, advice: String = "") {
        self.operation = operation
        self.address = address
        self.cause = cause
        self.advice = advice
    }

    package var description: String {
        "cannot \(operation) \(address): \(cause)" + (advice.isEmpty ? "" : "; \(advice)")
    }
}
