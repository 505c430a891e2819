import Execution
import Foundation
import Glibc
import Storage

/// One pipeline, run and killed a number of times and then run to its end; all of it follows from a
/// seed, but for the moments at which a kill from outside falls.
struct SoakTrial {
    /// What is the same for all trials.
    struct Setting {
        let weir: String
        let pipelines: String
        /// Records a second that a source lets in while there are kills.
        let rate: Int
        /// Kills of a trial.
        let kills: Int
        /// The longest life of a run that is killed from outside, in nanoseconds.
        let lifeNanoseconds: Int64
    }

    /// What went wrong.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// How a run is to end.
    private enum Ending {
        case after(nanoseconds: Int64)
        /// So long behind the first checkpoint that it makes.
        case behindCheckpoint(nanoseconds: Int64)
        case at(SoakPoint, SoakPoint.Moment, count: Int)
        case stop(nanoseconds: Int64)
        /// At the end of its input.
        case natural
    }

    let setting: Setting
    let scenario: SoakScenario
    let seed: UInt64
    /// The trial's own directory.
    let directory: String
    private var random: SplitMix64
    /// What was done, for whoever looks into a failure.
    private var story: [String] = []
    private let keep: Int
    private let isRequired: Bool
    private var nextPoint: Int

    private static let patienceNanoseconds: Int64 = 300_000_000_000

    /// A trial of one of the scenarios, as its seed has it.
    init(_ setting: Setting, _ scenarios: [SoakScenario], seed: UInt64, in directory: String) {
        self.setting = setting
        self.seed = seed
        self.directory = directory
        scenario = scenarios[Int(seed % UInt64(scenarios.count))]
        random = SplitMix64(seed: seed)
        keep = random.int(1...3)
        isRequired = random.chance(0.5)
        // Trials of a scenario go on with its points where the one before stopped.
        let round = Int(truncatingIfNeeded: (seed / UInt64(scenarios.count)) & 0xffff)
        nextPoint = round * (setting.kills + 1) / 2
    }

    private var state: String { "\(directory)/state" }

    /// Runs it, and compares; adds to the sums.
    mutating func run(against plain: SoakContent, _ tally: inout SoakTally) throws {
        try DiskFileSystem().makeDirectories(directory)
        tally.trials += 1
        for number in 0..<setting.kills where newest?.hasEnded != true {
            loseState(&tally)
            let ending = nextEnding(number)
            try live(ending, &tally)
        }
        if newest?.hasEnded != true { try live(.natural, &tally) }
        let content = try SoakContent(scenario, in: directory)
        if let text = content.difference(from: plain) {
            throw failure("the output is not that of an undisturbed run: \(text)")
        }
        try checkLeftovers()
        try FileManager.default.removeItem(atPath: directory)
    }

    /// Every second run is killed at a point, the others at some instant.
    private mutating func nextEnding(_ number: Int) -> Ending {
        if number.isMultiple(of: 2) {
            let pairs = scenario.points.flatMap { point in point.moments.map { (point, $0) } }
            // Neighbours of a list are of one point: steps that reach all in another order.
            let (point, moment) = pairs[nextPoint * Self.stride(pairs.count) % pairs.count]
            nextPoint += 1
            return .at(point, moment, count: random.int(1...point.countMax))
        }
        let life = setting.lifeNanoseconds
        let time = Int64.random(in: 0...life, using: &random)
        if random.chance(0.15) { return .stop(nanoseconds: time) }
        return random.chance(0.5)
            ? .after(nanoseconds: time) : .behindCheckpoint(nanoseconds: time / 4)
    }

    /// A step that has no divisor in common with a count.
    private static func stride(_ count: Int) -> Int {
        for step in [7, 5, 11, 13] where !count.isMultiple(of: step) { return step }
        return 1
    }

    /// Now and then nothing is left of the state but its copy.
    private mutating func loseState(_ tally: inout SoakTally) {
        guard scenario.hasSecondPlace, isRequired, newest != nil,
            random.chance(0.2)
        else { return }
        try? FileManager.default.removeItem(atPath: state)
        story.append("state is lost")
        tally.losses += 1
    }

    /// The newest checkpoint that is there.
    private var newest: (epoch: Int, hasEnded: Bool)? {
        let inspection = CheckpointInspection(state, fileSystem: DiskFileSystem())
        return (try? inspection.list())?.checkpoints.last.map { ($0.epoch, $0.hasEnded) }
    }

    /// Whether there is a manifest behind an epoch; a look at names alone.
    private func hasCheckpoint(behind epoch: Int) -> Bool {
        let names = (try? DiskFileSystem().names(in: state)) ?? []
        return names.contains { name in
            guard name.hasPrefix("checkpoint-"), name.hasSuffix(".manifest") else { return false }
            let digits = name.dropFirst("checkpoint-".count).dropLast(".manifest".count)
            return (Int(digits) ?? 0) > epoch
        }
    }

    // MARK: One run

    private mutating func arguments(_ ending: Ending) -> [String] {
        let workers = random.int(1...4)
        let isMemory = random.chance(0.5)
        let backend = isMemory ? "backend: memory" : "memory_limit: 1MiB"
        var second = ""
        if scenario.hasSecondPlace {
            second = ", second_place: { path: second, required: \(isRequired) }"
        }
        var set =
            scenario.set + [
                "settings.state={ path: state, \(backend) }",
                "settings.checkpoint={ every: 50ms, min_pause: 10ms, keep: \(keep)\(second) }",
                "settings.chunk_size=\(random.int(10...60))KiB",
                "settings.batch_rows=\(random.int(100...1000))",
            ]
        if case .natural = ending {
        } else {
            set.append("sources.orders.rate_limit=\(setting.rate)/s")
        }
        story.append("\(workers) workers, \(backend), \(set.suffix(3).joined(separator: " "))")
        return ["run", "\(setting.pipelines)/\(scenario.pipeline).yaml", "--workers", "\(workers)"]
            + set.flatMap { ["--set", $0] }
    }

    private mutating func live(_ ending: Ending, _ tally: inout SoakTally) throws {
        let before = newest?.epoch ?? 0
        let arguments = arguments(ending)
        var killAt: String?
        if case .at(let point, let moment, let count) = ending {
            killAt = "\(point.operation):\(point.pattern):\(count):\(moment)"
        }
        story[story.count - 1] += "; to end \(killAt ?? "\(ending)")"
        let process = try SoakProcess(
            setting.weir, arguments, in: directory, errors: "\(directory)/stderr.txt",
            killAt: killAt)
        tally.runs += 1
        let (end, isStopped) = wait(for: process, ending, behind: before)
        guard let end else { throw failure("a run hangs") }
        story[story.count - 1] += "; ended with \(end), checkpoint \(newest?.epoch ?? 0)"
        switch end {
        case .exit(0): if isStopped { tally.stops += 1 }
        // The signal may come before anybody listens for it.
        case .signal(SIGTERM) where isStopped: tally.stops += 1
        case .signal(SIGKILL):
            tally.kills += 1
            if hasCheckpoint(behind: 0) { tally.killsBehindCheckpoints += 1 }
            if hasCheckpoint(behind: before) { tally.killsBehindOwnCheckpoints += 1 }
            if case .at(let point, let moment, _) = ending { tally.addHit(point, moment) }
        default: throw failure("a run ended with \(end)")
        }
    }

    /// Waits for the end of a run and sees to it; says whether it was asked to stop.
    private func wait(
        for process: SoakProcess, _ ending: Ending, behind epoch: Int
    ) -> (SoakProcess.End?, isStopped: Bool) {
        let patience = Self.patienceNanoseconds
        var isStopped = false
        switch ending {
        case .natural, .at: break
        case .after(let time):
            if process.wait(nanoseconds: time) == nil { process.send(signal: SIGKILL) }
        case .behindCheckpoint(let time):
            let end = process.wait(nanoseconds: patience) { hasCheckpoint(behind: epoch) }
            if end == nil, process.wait(nanoseconds: time) == nil {
                process.send(signal: SIGKILL)
            }
        case .stop(let time):
            if process.wait(nanoseconds: time) == nil {
                process.send(signal: SIGTERM)
                isStopped = true
            }
        }
        return (process.wait(nanoseconds: patience), isStopped)
    }

    // MARK: Afterwards

    /// Of a finished run nothing is left but its output and the word that it is finished.
    private func checkLeftovers() throws {
        let files = DiskFileSystem()
        for place in scenario.hasSecondPlace ? ["state", "second"] : ["state"] {
            let left = try files.names(in: "\(directory)/\(place)").filter {
                $0 != "LOCK" && $0 != "COPIES"
            }
            guard left.count == 1, left[0].hasSuffix(".manifest") else {
                throw failure("in \(place) is left: \(left.sorted().joined(separator: ", "))")
            }
        }
        for name in try files.names(in: directory) where Self.isStaged(name) {
            throw failure("a staged file is left: \(name)")
        }
    }

    /// Whether a name is `.NAME.weir-OWNER-NUMBER`.
    private static func isStaged(_ name: String) -> Bool {
        guard name.hasPrefix("."), let mark = name.range(of: ".weir-", options: .backwards),
            mark.lowerBound > name.startIndex
        else { return false }
        return name[mark.upperBound...].split(separator: "-").last.flatMap { Int($0) } != nil
    }

    private func failure(_ text: String) -> Failure {
        let errors = (try? String(contentsOfFile: "\(directory)/stderr.txt", encoding: .utf8)) ?? ""
        let told = errors.split(separator: "\n").suffix(5).map { "  \($0)" }
        return Failure(
            description: (["\(scenario.name): \(text)", "what was done, in \(directory):"]
                + story.map { "  \($0)" } + ["the last run said:"] + told)
                .joined(separator: "\n"))
    }
}
