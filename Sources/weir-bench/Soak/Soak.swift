import Foundation
import Storage

/// Trials one after the other, over input that is made once.
struct Soak {
    private let setting: SoakTrial.Setting
    private let scenarios: [SoakScenario]
    private let folder: String
    /// By scenario: what an undisturbed run gives.
    private var plain: [String: SoakContent] = [:]
    private(set) var tally = SoakTally()

    /// Makes the input in an empty folder.
    init(_ setting: SoakTrial.Setting, rows: Int, folder: String) throws {
        self.setting = setting
        self.folder = folder
        try BenchFiles.makeEmpty(folder)
        let inputs = SoakScenario.Inputs(
            orders: "\(folder)/orders.ndjson", shops: "\(folder)/shops.ndjson",
            log: "\(folder)/orders.log", rows: rows)
        scenarios = SoakScenario.all(inputs)
        try weir(
            ["generate", "orders", "--rows", "\(rows)", "--disorder", "20s", "--late", "3"],
            output: inputs.orders)
        try weir(["generate", "shops", "--rows", "2000"], output: inputs.shops)
        try weir([
            "run", "\(setting.pipelines)/w1-filter.yaml", "--set", "sources.orders.type=file",
            "--set", "sources.orders.paths=[ '\(inputs.orders)' ]", "--set",
            "steps={ all: { type: filter, where: 'ts IS NOT NULL' } }", "--set",
            "sources.orders.schema={ region: string, amount: float, ts: timestamp_ms }", "--set",
            "sinks.out={ type: log, path: '\(inputs.log)', segment: 1MiB }",
        ])
    }

    /// Runs `weir` undisturbed.
    private func weir(
        _ arguments: [String], in directory: String? = nil, output: String = "/dev/null"
    ) throws {
        let errors = "\(folder)/stderr.txt"
        let process = try SoakProcess(
            setting.weir, arguments, in: directory ?? folder, output: output, errors: errors)
        let end = process.wait(nanoseconds: 600_000_000_000)
        guard end != .exit(0) else { return }
        let told = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
        throw SoakTrial.Failure(
            description: "weir \(arguments.joined(separator: " ")) ended with "
                + "\(end.map { "\($0)" } ?? "nothing"): \(told)")
    }

    /// What an undisturbed run gives.
    private mutating func plain(_ scenario: SoakScenario) throws -> SoakContent {
        if let known = plain[scenario.name] { return known }
        let directory = "\(folder)/plain-\(plain.count)"
        try DiskFileSystem().makeDirectories(directory)
        // It is all there, whatever the log would keep.
        let set = scenario.set.map { $0.replacing(", keep_size: 512KiB", with: "") }
        try weir(
            ["run", "\(setting.pipelines)/\(scenario.pipeline).yaml", "--workers", "1"]
                + set.flatMap { ["--set", $0] }, in: directory)
        let content = try SoakContent(scenario, in: directory)
        plain[scenario.name] = content
        return content
    }

    /// Does the trial of a seed; gives the name of its scenario.
    mutating func trial(seed: UInt64) throws -> String {
        let directory = "\(folder)/trial-\(seed)"
        var trial = SoakTrial(setting, scenarios, seed: seed, in: directory)
        try trial.run(against: try plain(trial.scenario), &tally)
        return trial.scenario.name
    }

    var missedPoints: [String] { tally.missed(of: scenarios) }

    var text: String { tally.text(scenarios) }
}
