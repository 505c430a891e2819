import ArgumentParser
import Foundation
import Storage

/// `weir-bench soak`
struct SoakCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Kills runs of weir again and again, and compares their output.",
        discussion: """
            A trial runs a pipeline with checkpoints, kills it at named points and at random \
            instants, starts it again with other workers and backends, and holds its output \
            against that of an undisturbed run. A failing trial prints its seed: --seed gives it \
            back, and with --kills 1 it is the only one.
            """)

    @Option(help: "SIGKILLs, at least; a trial is always brought to its end.")
    var kills = 1000

    @Option(help: "The seed of the first trial; those after it follow.")
    var seed: UInt64?

    @Option(help: "SIGKILLs of a trial.")
    var trialKills = 8

    @Option(help: "Orders that a pipeline reads.")
    var rows = 50_000

    @Option(help: "Orders a second that it reads while it is killed.")
    var rate = 25_000

    @Option(help: "The longest life of a run that is killed from outside, in milliseconds.")
    var life = 400

    @OptionGroup var weir: WeirOption

    @Option(help: "The directory of the pipeline files.")
    var pipelines = "pipelines"

    @Option(help: "Where everything happens.")
    var folder = ".build/soak"

    @Flag(help: "Fails if nobody was killed at one of the named points.")
    var allPoints = false

    @Flag(help: "Prints a line for every trial.")
    var verbose = false

    func validate() throws {
        try require([
            "kills": kills, "trial-kills": trialKills, "rows": rows, "rate": rate, "life": life,
        ])
    }

    func run() throws {
        let first = seed ?? UInt64(SystemTime.wallMicroseconds() / 1000) % 1_000_000
        say("soak: seed \(first), \(kills) kills")
        var soak = try Soak(
            SoakTrial.Setting(
                weir: absolute(weir.path), pipelines: absolute(pipelines), rate: rate,
                kills: trialKills, lifeNanoseconds: Int64(life) * 1_000_000),
            rows: rows, folder: absolute(folder))
        var next = first
        while soak.tally.kills < kills {
            do {
                let name = try soak.trial(seed: next)
                if verbose { say("trial \(next): \(name): \(soak.tally.kills) kills") }
            } catch let failure as SoakTrial.Failure {
                say(soak.text)
                say("soak: \(failure)\nsoak: repeat with --seed \(next) --kills 1")
                throw ExitCode.failure
            }
            next += 1
        }
        say(soak.text)
        let missed = soak.missedPoints
        if !missed.isEmpty {
            say("soak: nobody was killed at: \(missed.joined(separator: ", "))")
            if allPoints { throw ExitCode.failure }
        }
        say("soak: all output is that of undisturbed runs")
    }

    /// Prints a line at once, into pipes too.
    private func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }

    private func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}
