import TestSupport

/// Chooses steps, one behind the other.
struct StepChoice {
    /// A step of a pipeline file.
    struct Step {
        let name: String
        /// Its keys.
        let text: String
        /// Whether its rows change workers.
        var isKeyed = false
        /// A side output it has beside `errors`.
        var side: String?
    }

    /// What may be chosen.
    enum Kinds {
        case all
        /// Steps that leave the fields of orders.
        case ofOrders
        /// Steps that look at a row alone.
        case flat
    }

    private var random: SplitMix64
    private let kinds: Kinds
    private(set) var needsShops = false
    /// Windows so far, and whether rows still have the fields of orders.
    private var windows = 0
    private var hasOrders: Bool { windows == 0 }
    private(set) var hasRegion = true
    private var hasCategory = false

    init(seed: UInt64, kinds: Kinds = .all) {
        random = SplitMix64(seed: seed)
        self.kinds = kinds
    }

    mutating func steps(_ count: Int) -> [Step] {
        (0..<count).map { hasOrders ? step("s\($0)") : later("s\($0)") }
    }

    private mutating func step(_ name: String) -> Step {
        let kind =
            switch kinds {
            case .all: random.int(0..<8)
            case .ofOrders: random.int(0..<6)
            case .flat: random.pick([0, 1, 5])
            }
        switch kind {
        case 0:
            let condition = random.pick([
                "status = 'paid'", "amount > \(random.int(1...100))", "region <> 'north'",
            ])
            return Step(name: name, text: "type: filter, where: \"\(condition)\"")
        case 1:
            return Step(
                name: name,
                text: "type: map, set: { x\(name): amount * 2, y\(name): 100 / (shop_id - 7) }")
        case 2, 3, 4: return dedup(name)
        case 5:
            needsShops = true
            let kind = random.pick(["inner", "left"])
            defer { hasCategory = true }
            let select = hasCategory ? "v\(name): vip" : "category, v\(name): vip"
            return Step(
                name: name,
                text: "type: broadcast_join, table: shops, on: shop_id, kind: \(kind), "
                    + "select: [ \(select) ]",
                side: kind == "inner" ? "\(name).unmatched" : nil)
        default: return window(name)
        }
    }

    private mutating func dedup(_ name: String) -> Step {
        let key = random.pick(["order_id", "[ user_id, region ]", "shop_id"])
        let scope = random.pick([
            "bucket: 1m, retain: \(random.int(0...10))m", "bucket: 10s, retain: 5s",
            "window: 5m, buckets: \(random.int(2...6))",
        ])
        let keep = scope.hasPrefix("bucket") && random.chance(0.4) ? "last" : "first"
        return Step(
            name: name, text: "type: dedup, key: \(key), \(scope), keep: \(keep)", isKeyed: true,
            side: "\(name).late")
    }

    private mutating func window(_ name: String) -> Step {
        let by = random.pick(["region", "[ region, status ]", "shop_id", "[]"])
        windows += 1
        hasRegion = by.contains("region")
        let size = random.pick(["10s", "1m", "5m"])
        let aggregates = random.pick([
            "n: count(), total: sum(amount)",
            "n: count(), total: sum(amount), first: first(order_id), last: last(order_id)",
            "n: count(), total: avg(amount), users: count_distinct(user_id), top: max(amount)",
        ])
        return Step(
            name: name,
            text: "type: window, by: \(by), window: { kind: tumbling, size: \(size) }, "
                + "aggregate: { \(aggregates) }", isKeyed: true, side: "\(name).late")
    }

    /// A step behind a window.
    private mutating func later(_ name: String) -> Step {
        switch random.int(0..<4) {
        case 0: return Step(name: name, text: "type: filter, where: \"n > 1\"")
        case 1: return Step(name: name, text: "type: map, set: { x\(name): total / n }")
        case 2:
            let key = random.pick(hasRegion ? ["region", "n", "[ n, region ]"] : ["n"])
            let keep = random.pick(["first", "last"])
            return Step(
                name: name,
                text: "type: dedup, key: \(key), bucket: 10m, retain: 5m, keep: \(keep)",
                isKeyed: true, side: "\(name).late")
        default:
            let by = hasRegion ? random.pick(["region", "[]"]) : "[]"
            let total = random.pick(["max", "first", "last"])
            windows += 1
            hasRegion = by == "region"
            return Step(
                name: name,
                text: "type: window, by: \(by), window: { kind: tumbling, size: 10m }, "
                    + "aggregate: { n: sum(n), total: \(total)(total) }", isKeyed: true,
                side: "\(name).late")
        }
    }
}
