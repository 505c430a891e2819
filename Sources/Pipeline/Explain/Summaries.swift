import Connectors
import Operators

extension CheckedStep {
    /// What the step does, as the file says it.
    var summary: String {
        switch spec.kind {
        case .filter(let filter): return filter.condition.value
        case .map(let map):
            var parts = map.set.map { "\($0.name.value) = \($0.expression.value)" }
            parts += map.rename.map { "\($0.old.value) as \($0.new.value)" }
            if !map.drop.isEmpty {
                parts.append("drop " + map.drop.map(\.value).joined(separator: ", "))
            }
            if let select = map.select {
                let names = select.map { name, expression in
                    expression.map { "\(name.value) = \($0.value)" } ?? name.value
                }
                parts.append("select " + names.joined(separator: ", "))
            }
            return parts.joined(separator: "; ")
        case .dedup(let dedup):
            let key = dedup.key.map(\.value).joined(separator: ", ")
            let version = dedup.version.map { " by \($0.value)" } ?? ""
            return "\(dedup.keep.rawValue)\(version) of each \(key)"
        case .broadcastJoin(let join):
            let on = join.on.map { pair in
                pair.left.value == pair.right.value
                    ? pair.left.value : "\(pair.left.value) = \(pair.right.value)"
            }
            return "\(join.kind.rawValue) join of \(join.table.value) on "
                + on.joined(separator: ", ")
        case .window(let window):
            let aggregates = window.aggregates.map { "\($0.name.value) = \($0.call.value)" }
            return "tumbling \(Quantity.text(microseconds: window.size)): "
                + aggregates.joined(separator: ", ")
        }
    }
}

extension DedupStep {
    /// What it keeps, and what bounds that.
    var stateDescription: String {
        let kept: String =
            switch keep {
            case .first: "keys"
            case .last: "keys, and the newest row of each key in open buckets"
            }
        switch scope {
        case .bucket(let size, let retain):
            return "\(kept), in buckets of \(Quantity.text(microseconds: size)); a bucket goes "
                + "\(Quantity.text(microseconds: retain)) after its end"
        case .window(let size, let buckets):
            let span = Quantity.text(microseconds: size)
            guard keep == .first else {
                return "\(kept) of the last \(span), in \(buckets) buckets"
            }
            return "\(kept) of the last \(span), in \(buckets) buckets; for rows that come up to "
                + "\(span) late, as much again"
        }
    }
}

extension SinkSpec.Kind {
    /// Where rows go, and what happens while they cannot.
    var behaviour: (target: String, whenAway: String) {
        switch self {
        case .standardOutput:
            return ("standard output", "ends the run quietly when the reader closes the pipe")
        case .file(let file):
            var target = file.path.value
            if let bytes = file.rollBytes { target += ", rolled at \(Quantity.text(bytes: bytes))" }
            if let time = file.rollEvery {
                target += ", rolled every \(Quantity.text(microseconds: time))"
            }
            return (target, "ends the run with an error that names the file")
        case .tcp(let tcp): return ("\(tcp.connect)", tcp.delivery.whenAway)
        case .http(let http): return (http.options.address.shown, http.delivery.whenAway)
        case .log(let log):
            return ("log \(log.path.value)", "ends the run with an error that names the log")
        case .sqlite(let sqlite):
            let key = sqlite.key.map(\.value).joined(separator: ", ")
            return (
                "table \(sqlite.table.value) of \(sqlite.path.value)"
                    + (key.isEmpty ? "" : ", by \(key)"),
                "ends the run with an error that names the database"
            )
        case .blackhole: return ("nowhere", "never: it counts rows and forgets them")
        }
    }
}

extension DeliverySpec {
    /// What happens without checkpoints while the server takes no rows.
    fileprivate var whenAway: String {
        let least = Quantity.text(microseconds: retryMin)
        let most = Quantity.text(microseconds: retryMax)
        return "tries again after \(least), later up to \(most); meanwhile rows wait, and sources "
            + "with them"
    }
}

extension SinkSpec.Kind {
    /// How it goes on while its server takes no rows; nil where there is no server.
    var delivery: DeliverySpec? {
        switch self {
        case .tcp(let tcp): tcp.delivery
        case .http(let http): http.delivery
        case .standardOutput, .file, .log, .sqlite, .blackhole: nil
        }
    }
}
