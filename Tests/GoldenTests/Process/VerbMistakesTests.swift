import Storage
import TestSupport
import Testing

/// Verbs that are given what is not there, and outputs that nobody takes.
struct VerbMistakesTests {
    private let directory = TemporaryDirectory()

    /// What a script ends with, and says.
    private func run(_ script: String) throws -> (status: Int32, output: String, errors: String) {
        let shell = try WeirProcess(shell: script)
        shell.closeInput()
        let output = shell.rest()
        let errors = shell.allErrors()
        return (shell.wait(), output, errors)
    }

    /// A log of three records in two partitions.
    private func makeLog() throws -> String {
        let log = directory("log")
        let made = try run(
            """
            "$WEIR" log create \(log) --partitions 2 &&
            printf 'a\\nb\\nc\\n' | "$WEIR" log append \(log)
            """)
        try #require(made.status == 0, "\(made.errors)")
        return log
    }

    /// A pipeline that was stopped behind a checkpoint; gives its file and its state.
    private func makeCheckpoint() throws -> (file: String, state: String) {
        let (file, state) = (directory("p.yaml"), directory("state"))
        try DiskFileSystem().write(
            """
            name: p
            settings: { state: { path: \(state) }, checkpoint: { every: 20ms, min_pause: 1ms } }
            sources:
              in:
                type: generate
                generator: orders
                rate: 20000/s
                schema: { order_id: string, ts: timestamp_ms }
                event_time: ts
                watermark: { max_delay: 5s }
            steps: { u: { type: dedup, key: order_id, bucket: 1m, retain: 1h } }
            sinks: { out: { type: file, path: "\(directory("out.ndjson"))" } }
            """, to: file)
        let made = try run(
            """
            "$WEIR" run \(file) & p=$!
            until "$WEIR" checkpoint list \(state) 2>&1 | grep -q bytes; do :; done
            kill -TERM $p; wait $p
            """)
        try #require(made.status == 0, "\(made.errors)")
        return (file, state)
    }

    @Test func aPartitionThatIsNotThereIsNamed() throws {
        let log = try makeLog()
        for verb in [
            "trim \(log) --to latest", "read \(log)", "tail \(log)", "read \(log) --from 1 --to 2",
        ] {
            for partition in ["2", "-1", "9223372036854775807"] {
                let found = try run("exec \"$WEIR\" log \(verb) --partition=\(partition)")
                #expect(found.status == 1, "\(verb) \(partition): \(found.errors)")
                #expect(found.errors.contains("there is no partition \(partition)"))
            }
        }
    }

    @Test func aDirectoryWithoutANameIsRefused() throws {
        let place = directory("empty")
        try DiskFileSystem().makeDirectories(place)
        for verb in [
            "log create ''", "log append '' --create", "log trim ''", "checkpoint list ''",
            "checkpoint restore '' --from x", "checkpoint export x --to ''", "state ls ''",
        ] {
            let found = try run("cd \(place); exec \"$WEIR\" \(verb)")
            #expect(found.status == 2, "\(verb): \(found.errors)")
        }
        #expect(try DiskFileSystem().names(in: place) == [])
    }

    @Test func outputThatCannotBeWrittenIsAnError() throws {
        let log = try makeLog()
        for verb in [
            "log stats \(log)", "log ls \(log)", "log read \(log)", "log verify \(log)", "version",
            "explain pipelines/w2-dedup.yaml", "check pipelines/w2-dedup.yaml",
        ] {
            let full = try run("exec \"$WEIR\" \(verb) > /dev/full")
            #expect(full.status == 1, "\(verb)")
            #expect(full.errors.contains("cannot write stdout: No space left"), "\(verb)")
            let closed = try run("\"$WEIR\" \(verb) | true; exit ${PIPESTATUS[0]}")
            #expect([0, 128 + 13].contains(closed.status), "\(verb): \(closed.errors)")
        }
    }

    @Test func aFileThatMayNotGrowIsAnError() throws {
        let found = try run(
            """
            ulimit -f 8
            exec "$WEIR" run pipelines/w1-filter.yaml --set sinks.out.type=file \
                --set sinks.out.path=\(directory("out.ndjson"))
            """)
        #expect(found.status == 1, "\(found.errors)")
        #expect(found.errors.contains("cannot write \(directory("out.ndjson"))"))
    }

    /// Not to be allowed to look is no damage.
    @Test func aPlanWhoseStateCannotBeReadFails() throws {
        let (file, state) = try makeCheckpoint()
        let place = directory("place")
        try DiskFileSystem().write("", to: place)
        let found = try run(
            """
            rm -r \(state); ln -s \(place) \(state)
            exec "$WEIR" plan \(file) \(file)
            """)
        #expect(found.status == 1, "\(found.errors)")
        #expect(found.errors.contains("cannot list \(state): Not a directory"))
    }

    /// No more of a sample is read than is needed, whatever it is.
    @Test func aSampleMayBeOfAnySize() throws {
        let sample = directory("sample.ndjson")
        try DiskFileSystem().write("{\"amount\":1}\n", to: sample)
        let check = "exec \"$WEIR\" check pipelines/shell-filter.yaml --input"
        for input in [sample, "/dev/null", "/dev/zero", "\(sample) --set a=b"] {
            let found = try run("\(check) \(input)")
            #expect([0, 2].contains(found.status), "\(input): \(found.errors)")
        }
        let sparse = try run("truncate -s 1T \(sample) && \(check) \(sample)")
        #expect(sparse.status == 0, "\(sparse.errors)")
        let none = try run("\(check) /no/such")
        #expect(none.status == 2)
        #expect(none.errors.contains("/no/such: error: "))
    }

    @Test func optionsThatWouldChangeNothingAreRefused() throws {
        let log = try makeLog()
        for verb in ["trim \(log) --partition 1", "tail \(log) --count 0"] {
            let found = try run("exec \"$WEIR\" log \(verb)")
            #expect(found.status == 2, "\(verb): \(found.errors)")
        }
    }

    @Test func keysAreReadAsTheyWereAppended() throws {
        let log = directory("log")
        let found = try run(
            """
            printf 'a:1\\nb:2:3\\na\\n' | "$WEIR" log append \(log) --create --key : --compression lz4
            "$WEIR" log read \(log) --key :
            "$WEIR" log read \(log)
            "$WEIR" log tail \(log) --from earliest --count 3 --key tab
            """)
        #expect(found.output == "a:1\nb:2:3\na\n1\n2:3\na\t1\nb\t2:3\na\n", "\(found.errors)")
        #expect(found.status == 0)
    }

    /// Damage in a log is told once, however often its end moves on.
    @Test func damageIsToldOnce() throws {
        let log = try makeLog()
        let found = try run(
            """
            segment=$(ls \(log)/*.segment | head -n 1)
            printf 'd\\n' | "$WEIR" log append \(log)
            printf 'X' | dd of=$segment bs=1 seek=70 conv=notrunc status=none
            coproc tail { exec "$WEIR" log tail \(log) --from earliest; }
            for row in e f g; do
                printf "$row\\n" | "$WEIR" log append \(log) 2> /dev/null
                while read -r got && [ "$got" != $row ]; do :; done <&${tail[0]}
            done
            kill $tail_PID
            """)
        let told = found.errors.split(separator: "\n").filter { $0.contains("weir: ") }
        #expect(told.count == 1, "\(found.errors)")
    }

    @Test func logsAreListedBesideOneThatIsDamaged() throws {
        let log = try makeLog()
        let found = try run(
            """
            cp -r \(log) \(directory("other")); echo x > \(log)/log.meta
            exec "$WEIR" log ls \(directory.path)
            """)
        #expect(found.status == 4, "\(found.errors)")
        #expect(found.errors.contains("cannot read \(log)/log.meta"))
        #expect(found.output.contains("\(directory("other"))  2 partitions"), "\(found.output)")
    }

    @Test func tailEndsWhenItsReaderHasEnough() throws {
        let log = try makeLog()
        let found = try run("\"$WEIR\" log tail \(log) --from earliest | head -n 1")
        #expect(found.output == "a\n")
        #expect(found.status == 0)
    }

    @Test func checkpointsAndStepsThatAreNotThereAreNamed() throws {
        let state = try makeCheckpoint().state
        let epoch = try run("exec \"$WEIR\" checkpoint verify \(state) --epoch 999999")
        #expect(epoch.status == 2)
        #expect(epoch.errors.contains("there is no checkpoint 999999 in \(state)"))
        let empty = try run("exec \"$WEIR\" checkpoint verify \(directory.path)")
        #expect(empty.status == 4)
        #expect(empty.errors.contains("there is no checkpoint in \(directory.path)"))
        for verb in ["scan", "get --key k"] {
            let step = try run("exec \"$WEIR\" state \(verb) --step nope \(state)")
            #expect(step.status == 1, "\(verb)")
            #expect(step.errors.contains("no state of a step 'nope'; there are: u"), "\(verb)")
        }
        for arguments in [
            "checkpoint now \(state) --timeout 9223372036854775807",
            "checkpoint now \(state) --timeout=-1", "state scan \(state) --step u --limit=-1",
        ] {
            #expect(try run("exec \"$WEIR\" \(arguments)").status == 2, "\(arguments)")
        }
    }

    /// Output of a pipeline that was killed between its manifest and the mark of its log.
    @Test func aLogInWhichOutputWaitsIsLeftAlone() throws {
        let (file, log) = (directory("l.yaml"), directory("log"))
        try DiskFileSystem().write(
            """
            name: p
            settings: { state: { path: \(directory("state")) }, checkpoint: { every: 1s } }
            sources: { in: { type: generate, generator: orders, rows: 100 } }
            sinks: { out: { type: log, path: \(log) } }
            """, to: file)
        let killed = try run(
            "WEIR_KILL_AT=write:log.marks:3:before exec \"$WEIR\" run \(file)")
        #expect(killed.status == 137, "\(killed.errors)")
        for verb in ["append", "trim"] {
            let found = try run("echo x | \"$WEIR\" log \(verb) \(log)")
            #expect(found.status == 3, "\(verb): \(found.errors)")
            #expect(found.errors.contains("sink 'out' of pipeline 'p'"), "\(found.errors)")
            #expect(found.errors.contains("--discard-staged"), "\(found.errors)")
        }
        let left = try run("cp -r \(log) \(log)-copy; cp -r \(directory("state")) \(file)-state")
        #expect(left.status == 0)
        #expect(try run("exec \"$WEIR\" run \(file)").status == 0)
        let lines = try run("\"$WEIR\" log read \(log) | wc -l").output
        #expect(lines == "100\n")
        // Given up, it is missed.
        let given = try run(
            """
            rm -r \(log) \(directory("state"))
            mv \(log)-copy \(log); mv \(file)-state \(directory("state"))
            echo x | "$WEIR" log append \(log) --discard-staged && "$WEIR" log read \(log)
            """)
        #expect(given.status == 0 && given.output == "x\n", "\(given.errors)")
        let missed = try run("exec \"$WEIR\" run \(file)")
        #expect(missed.status == 4 && missed.errors.contains("--allow-reset"))
    }

    /// As a bad argument, with those that there are.
    @Test func anEpochThatIsNotThereIsABadArgument() throws {
        let state = try makeCheckpoint().state
        let list = try run("exec \"$WEIR\" checkpoint list \(state)").output
        let epochs = list.split(separator: "\n").compactMap { $0.split(separator: " ").first }
        let (first, last) = (try #require(epochs.first), try #require(epochs.last))
        let other = directory("other")
        for verb in [
            "state ls \(state)", "state stats \(state)", "state scan \(state) --step u",
            "state get \(state) --step u --key k", "checkpoint verify \(state)",
            "checkpoint export \(state) --to \(other)",
            "checkpoint restore \(other) --from \(state)",
        ] {
            for (epoch, nearest) in [("999999", last), ("0", first)] {
                let found = try run("exec \"$WEIR\" \(verb) --epoch \(epoch)")
                #expect(found.status == 2, "\(verb): \(found.errors)")
                let told = "there is no checkpoint \(epoch) in \(state); the nearest is \(nearest)"
                #expect(found.errors.contains(told), "\(verb): \(found.errors)")
            }
        }
    }

    @Test func aJournalOfASinkThatIsFarTooLargeIsDamage() throws {
        let (file, _) = try makeCheckpoint()
        let journal = directory(".out.ndjson.weir-journal")
        let found = try run("truncate -s 1T \(journal) && exec \"$WEIR\" run \(file)")
        #expect(found.status == 4, "\(found.errors)")
        #expect(found.errors.contains("\(journal) at offset"), "\(found.errors)")
    }

    /// Those of checkpoints are known, too: what was taken out of the file may be let go of.
    @Test func aNameThatCannotBeResetIsABadArgument() throws {
        let (file, _) = try makeCheckpoint()
        let plan = try run("exec \"$WEIR\" plan \(file) \(file) --allow-reset outt")
        #expect(plan.status == 2 && plan.errors.contains("did you mean 'out'?"), "\(plan)")
        let other = directory("other.yaml")
        let found = try run(
            """
            "$WEIR" run \(file) --allow-reset u --allow-reset zzz; echo $?
            sed '/^steps:/d' \(file) > \(other)
            "$WEIR" plan \(file) \(other) --allow-reset u > /dev/null; echo $?
            """)
        #expect(found.output == "2\n0\n", "\(found)")
        #expect(found.errors.contains("no source, step or sink is called 'zzz'"), "\(found)")
    }
}
