/// What a soak has come to so far.
struct SoakTally {
    var trials = 0
    /// Runs that were started, and those stopped by SIGTERM.
    var runs = 0
    var stops = 0
    var kills = 0
    /// Kills at a named point.
    var killsAtPoints = 0
    /// Kills when there was a checkpoint to go on from.
    var killsBehindCheckpoints = 0
    /// Kills of runs that had made a checkpoint themselves.
    var killsBehindOwnCheckpoints = 0
    /// Starts after which all local state was gone.
    var losses = 0
    /// By point and moment: kills there.
    private var hits: [SoakPoint: [SoakPoint.Moment: Int]] = [:]

    mutating func addHit(_ point: SoakPoint, _ moment: SoakPoint.Moment) {
        killsAtPoints += 1
        hits[point, default: [:]][moment, default: 0] += 1
    }

    /// By name of a point: kills at it.
    private func hits(of name: String) -> [SoakPoint.Moment: Int] {
        hits.filter { $0.key.name == name }.reduce(into: [:]) { sums, entry in
            sums.merge(entry.value) { $0 + $1 }
        }
    }

    /// The names of points that nobody was killed at.
    func missed(of scenarios: [SoakScenario]) -> [String] {
        let names = Set(scenarios.flatMap(\.points).map(\.name))
        return names.filter { hits(of: $0).isEmpty }.sorted()
    }

    /// The sums as lines.
    func text(_ scenarios: [SoakScenario]) -> String {
        var lines = [
            "trials \(trials), runs \(runs): killed \(kills), stopped by SIGTERM \(stops)",
            "kills: at named points \(killsAtPoints), with a checkpoint to go on from "
                + "\(killsBehindCheckpoints), behind a checkpoint of the run itself "
                + "\(killsBehindOwnCheckpoints)",
            "local state lost before a start: \(losses)",
        ]
        for name in Set(scenarios.flatMap(\.points).map(\.name)).sorted() {
            let hits = hits(of: name)
            let counts = SoakPoint.Moment.allCases.map { moment in
                "\(moment) \(hits[moment] ?? 0)"
            }
            lines.append("point \(name): \(counts.joined(separator: ", "))")
        }
        return lines.joined(separator: "\n")
    }
}
