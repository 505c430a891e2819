import Dataflow
import Execution
import Pipeline

/// The names that `--allow-reset` is given.
enum ResetNames {
    /// Refuses names that neither a plan nor its checkpoints have: whoever mistypes one would think
    /// that it was allowed.
    static func check(_ names: [String], of plans: Plan...) throws(ExitStatus) {
        if names.isEmpty { return }
        var known: [String] = []
        for plan in plans {
            guard let more = PlanEdits.names(of: plan) else { return }
            known += more.filter { !known.contains($0) }
        }
        let unknown = names.filter { !known.contains($0) }
        for name in unknown {
            let hint = NearestName.hint(for: name, among: known, noun: "there are")
            StandardError.write(
                "weir: error: --allow-reset: no source, step or sink is called '\(name)'\(hint)")
        }
        if !unknown.isEmpty { throw .badConfiguration }
    }
}
