/// Output that has every row at least once.
struct Repetition {
    private let wanted: [String]
    private let keepsOrder: Bool

    /// Of rows that are wanted, in their order where it counts.
    init(_ wanted: [String], keepsOrder: Bool) {
        self.wanted = wanted
        self.keepsOrder = keepsOrder
    }

    /// What is wrong with rows of which at most so many came again; nil if nothing is.
    func fault(in found: [String], extraMax: Int?) -> String? {
        var counts: [String: Int] = [:]
        for row in found { counts[row, default: 0] += 1 }
        var needed: [String: Int] = [:]
        for row in wanted { needed[row, default: 0] += 1 }
        let missing = wanted.filter { counts[$0, default: 0] < needed[$0, default: 0] }
        if let row = missing.first {
            return "\(missing.count) of \(wanted.count) rows are missing: \(row)"
        }
        for row in found where needed[row] == nil { return "an unknown row: \(row)" }
        if let extraMax, found.count > wanted.count + extraMax {
            return "\(found.count - wanted.count) rows came again, not at most \(extraMax)"
        }
        if keepsOrder && Self.firsts(found) != Self.firsts(wanted) { return "another order" }
        return nil
    }

    private static func firsts(_ rows: [String]) -> [String] {
        var met: Set<String> = []
        return rows.filter { met.insert($0).inserted }
    }
}
