import Connectors
import Storage
import TestSupport
import Testing

/// What the executable says of a sink that not every build has.
struct SQLiteCheckTests {
    private let directory = TemporaryDirectory()

    private func run(_ arguments: String...) throws -> (Int32, output: String, errors: String) {
        try DiskFileSystem().write(
            """
            sources: { in: { type: stdin, schema: { n: int } } }
            sinks:
              out: { type: sqlite, path: \(directory("out.db")), table: t }
            """, to: directory("p.yaml"))
        let process = try WeirProcess(
            shell: "exec \"$WEIR\" \(arguments.joined(separator: " ")) \(directory("p.yaml"))")
        process.closeInput()
        let (output, errors) = (process.rest(), process.allErrors())
        return (process.wait(), output, errors)
    }

    @Test(arguments: ["check", "run"])
    func aBuildWithoutItSaysHowToGetOne(_ verb: String) throws {
        let (status, _, errors) = try run(verb)
        if SQLiteSupport.isBuiltIn {
            #expect(status == 0, "\(errors)")
        } else {
            #expect(status == 2)
            #expect(
                errors.hasPrefix(
                    "\(directory("p.yaml")):3:10: error: sink 'out': this weir was built without "
                        + "SQLite; install libsqlite3-dev"))
            #expect(errors.contains("--traits SQLite"))
        }
    }

    @Test func itIsExplainedByAnyBuild() throws {
        let (status, output, errors) = try run("explain")
        #expect(status == 0, "\(errors)")
        #expect(output.contains("out: sqlite, table t of \(directory("out.db")), values\n"))
    }
}
