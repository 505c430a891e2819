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

    /// Of several partitions some are shorter, or were trimmed.
    @Test func partitionsOfDifferentLengthsAreReadAndTrimmed() throws {
        let found = try run(
            """
            "$WEIR" log create l --partitions 3
            printf 'a\\nb\\nc\\nd\\n' | "$WEIR" log append l
            echo x | "$WEIR" log append l --partition 1
            "$WEIR" log read l --to 3; echo "to 3: $?"
            "$WEIR" log read l --from 3; echo "from 3: $?"
            "$WEIR" log read l --partition 1 --to 3; echo "one: $?"
            "$WEIR" log trim l --to 2; echo "trim: $?"
            "$WEIR" log trim l --to 1; echo "again: $?"
            "$WEIR" log trim l --partition 1 --to 9; echo "beyond: $?"
            """)
        #expect(
            found.output == """
                a
                b
                c
                x
                to 3: 0
                d
                from 3: 0
                one: 1
                partition 0 begins at 2
                partition 1 begins at 1
                partition 2 begins at 0
                trim: 0
                partition 0 begins at 2
                partition 1 begins at 1
                partition 2 begins at 0
                again: 0
                beyond: 1

                """, "\(found.errors)")
        #expect(found.errors.contains("cannot trim"), "\(found.errors)")
    }

    /// A pipeline that was removed holds a log until somebody lets go of it.
    @Test func aHoldOfAPipelineThatIsGoneIsReleased() throws {
        try DiskFileSystem().write(
            """
            settings: { state: { path: st }, checkpoint: { every: 20ms, min_pause: 1ms } }
            sources: { s: { type: log, path: l, follow: true, schema: { id: int } } }
            sinks: { o: { type: file, path: out.ndjson } }
            """, to: directory("gone.yaml"))
        let found = try run(
            """
            seq 1 9 | sed 's/.*/{"id":&}/' | "$WEIR" log append l --create
            "$WEIR" run gone.yaml & p=$!
            until "$WEIR" log stats l | grep -q 'held by'; do kill -0 $p || break; done
            kill -KILL $p; wait $p
            seq 10 19 | sed 's/.*/{"id":&}/' | "$WEIR" log append l
            "$WEIR" log trim l --to latest 2>trim.txt
            hold=$(sed -n 's/.*(hold \\(.*\\)).*/\\1/p' trim.txt)
            "$WEIR" log release l "$hold-x"; echo "unknown: $?"
            "$WEIR" log release l "$hold"; echo "known: $?"
            "$WEIR" log trim l --to latest
            """)
        #expect(
            found.output.hasSuffix("unknown: 2\nknown: 0\npartition 0 begins at 19\n"),
            "\(found)")
    }
}
