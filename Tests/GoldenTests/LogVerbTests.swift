import Storage
import TestSupport
import Testing

/// The verbs of `weir log`, as a user calls them.
struct LogVerbTests {
    private let directory = TemporaryDirectory()

    /// What a script in the directory ends with, and says.
    private func run(_ script: String) throws -> (status: Int32, output: String, errors: String) {
        let shell = try WeirProcess(shell: "cd \(directory.path); \(script)")
        shell.closeInput()
        let output = shell.rest()
        let errors = shell.allErrors()
        return (shell.wait(), output, errors)
    }

    /// Whatever the log's `sync` says.
    @Test(arguments: ["os", "1s", "every"])
    func whatWasAppendedIsDurableInTheEnd(_ sync: String) throws {
        let found = try run(
            """
            seq 1 3 | "$WEIR" log append l --create --sync \(sync) &&
            exec "$WEIR" log stats l
            """)
        #expect(found.output.contains("offsets 0..<3, durable below 3"), "\(found)")
    }

}
