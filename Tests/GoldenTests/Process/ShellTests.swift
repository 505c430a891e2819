import Glibc
import Storage
import TestSupport
import Testing

/// The executable in a shell: pipes, trickles, ends and exit codes.
struct ShellTests {
    private let directory = TemporaryDirectory()

    /// A file of the test's own directory.
    private func file(_ name: String, _ text: String) throws -> String {
        try DiskFileSystem().write(text, to: directory(name))
        return directory(name)
    }

    private static let filter = "pipelines/shell-filter.yaml"

    private func order(_ number: Int, amount: Int = 200) -> String {
        "{\"id\":\"o-\(number)\",\"amount\":\(amount).5,\"note\":\"é\"}"
    }

    @Test func headEndsTheRunQuietly() throws {
        let shell = try WeirProcess(
            shell: """
                "$WEIR" generate orders --rows 50000 | "$WEIR" run \(Self.filter) | head -n 1
                echo "${PIPESTATUS[@]}"
                """)
        shell.closeInput()
        #expect(shell.line()?.hasPrefix("{\"order_id\":") == true)
        #expect(shell.line() == "0 0 0")
        #expect(shell.wait() == 0)
        #expect(shell.allErrors() == "")
    }

    @Test func aTrickleComesOutAtOnce() throws {
        let weir = try WeirProcess("run", Self.filter)
        for number in 0..<20 {
            weir.send(order(number) + "\n")
            #expect(weir.line() == order(number))
        }
        weir.send(order(1, amount: 1) + "\n" + order(21))
        weir.closeInput()
        #expect(weir.rest() == order(21) + "\n")
        #expect(weir.wait() == 0)
    }

    @Test func inputWithoutASchemaIsSampledAndNothingIsLost() throws {
        let orders = try GeneratedInput.orders(20_000)
        let path = try file("orders.ndjson", orders)
        for command in ["cat \(path) | \"$WEIR\"", "\"$WEIR\" < \(path)"] {
            let parts = command.split(separator: "<")
            let end = parts.count > 1 ? " <\(parts[1])" : ""
            let shell = try WeirProcess(
                shell: "\(parts[0]) run \(Self.filter) --set 'steps.keep.where=amount > 0'\(end)")
            shell.closeInput()
            #expect(shell.rest() == orders)
            #expect(shell.wait() == 0)
        }
    }

    @Test func noInputIsNoOutput() throws {
        for pipeline in [Self.filter, "pipelines/csv-hourly.yaml"] {
            let weir = try WeirProcess("run", pipeline)
            weir.closeInput()
            let output = weir.rest()
            #expect(output == "" || output.hasPrefix("hour,") && !output.dropLast().contains("\n"))
            #expect(weir.wait() == 0, "\(pipeline) \(weir.allErrors())")
        }
    }

    @Test func withoutARecordToKnowFieldsFromARunIsRefused() throws {
        let weir = try WeirProcess("run", Self.filter)
        weir.send("nonsense\n")
        let place = "\(Self.filter):11:3"
        #expect(weir.allErrors().contains("\(place): error: the fields of a source are not known"))
        #expect(weir.wait() == 2)
    }

    @Test func fieldsOfCSVAreKnownFromItsFirstRecord() throws {
        let weir = try WeirProcess("run", Self.filter, "--set", "sources.in.format=csv")
        weir.send("id,amount\n")
        weir.send("a,200.5\n")
        #expect(weir.line() == "{\"id\":\"a\",\"amount\":200.5}")
        weir.send("b,1\nc,300")
        weir.closeInput()
        #expect(weir.rest() == "{\"id\":\"c\",\"amount\":300.0}\n")
        #expect(weir.wait() == 0)
    }

    @Test func theLastRecordNeedsNoLineEnd() throws {
        let weir = try WeirProcess("run", Self.filter)
        weir.send("\(order(1))\n\n\(order(2))")
        weir.closeInput()
        #expect(weir.rest() == "\(order(1))\n\(order(2))\n")
        #expect(weir.wait() == 0)
    }

    @Test func mistakesEndWithTwoAndSayWhatTheyAre() throws {
        let bad = try file(
            "bad.yaml",
            """
            sources: { in: { type: stdin } }
            steps: { a: { type: filter, were: "x > 1" } }
            sinks: { out: { type: stdout } }
            """)
        for verb in ["run", "check", "explain"] {
            let weir = try WeirProcess(verb, bad)
            weir.closeInput()
            let errors = weir.allErrors()
            #expect(weir.wait() == 2, "\(verb)")
            #expect(errors.contains("\(bad):2:29: error: "), "\(verb): \(errors)")
            #expect(errors.contains("'where'"))
            #expect(weir.rest() == "")
        }
        for arguments in [
            "run", "run --wrong x", "run /no/such/file", "run \(Self.filter) --workers 0",
            "run \(Self.filter) --set x", "generate orders", "nonsense",
            "check --input /no/such \(Self.filter)",
        ] {
            let shell = try WeirProcess(shell: "exec \"$WEIR\" \(arguments)")
            shell.closeInput()
            #expect(shell.allErrors() != "", "\(arguments)")
            #expect(shell.wait() == 2, "\(arguments)")
        }
    }

    @Test func aFailureEndsWithOne() throws {
        let weir = try WeirProcess(
            "run", Self.filter, "--set", "sinks.out.type=file", "--set",
            "sinks.out.path=/proc/nothing/x")
        weir.send(order(1) + "\n")
        weir.closeInput()
        let errors = weir.allErrors()
        #expect(weir.wait() == 1)
        #expect(errors.contains("/proc/nothing"))
    }

    @Test func theSumsAreShownWithStats() throws {
        let shell = try WeirProcess(
            shell: """
                (echo '{"amount":150}'; echo '{"amount":50}'; echo nonsense; echo '{"a":1}') \
                | "$WEIR" run \(Self.filter) --stats --set sources.in.schema.amount=float
                """)
        shell.closeInput()
        #expect(shell.rest() == "{\"amount\":150}\n")
        let errors = shell.allErrors()
        #expect(shell.wait() == 0)
        #expect(errors.contains("source in: rows 3, errors 1, "))
        #expect(
            errors.contains(
                "step keep (filter): received 3 = passed 1 + filtered 2 + duplicate 0 + late 0 + "
                    + "errors 0 + unmatched 0 + absorbed 0 + held 0; emitted 0"))
        #expect(errors.contains("sink out: rows 1"))
        // The broken record is not only counted.
        #expect(errors.contains("in.errors: 1 row that no sink takes"))
    }

    @Test func onceReadsAFollowedFileToItsEnd() throws {
        let path = try file("orders.ndjson", order(1) + "\n" + order(2))
        let set = [
            "sources.in.type=file", "sources.in.paths=[ \"\(path)\" ]", "sources.in.follow=true",
            "sources.in.schema={ amount: float }",
        ]
        let weir = try WeirProcess(
            "run", Self.filter, "--once", "--set", set[0], "--set", set[1], "--set", set[2],
            "--set", set[3])
        #expect(weir.rest() == "\(order(1))\n\(order(2))\n")
        #expect(weir.wait() == 0)
        // Without it the file is followed, until a signal.
        let follower = try WeirProcess(
            "run", Self.filter, "--set", set[0], "--set", set[1], "--set", set[2], "--set", set[3])
        #expect(follower.line() == order(1))
        try DiskFileSystem().append("\n\(order(3))\n", to: path)
        #expect(follower.line() == order(2))
        #expect(follower.line() == order(3))
        follower.send(signal: SIGTERM)
        #expect(follower.rest() == "")
        #expect(follower.wait() == 0)
    }
}
