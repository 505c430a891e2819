import TestSupport
import Testing

/// The five pipelines that weir is measured by.
enum Workload: String, CaseIterable, CustomTestStringConvertible {
    case filter = "w1-filter"
    case dedup = "w2-dedup"
    case join = "w3-join"
    case window = "w4-window"
    case chain = "w5-chain"

    var testDescription: String { rawValue }

    /// Whether the output has the input's order whatever the number of workers.
    var keepsOrder: Bool { self == .filter || self == .join }
    /// Whether late rows are those of this step.
    var lateStep: String? {
        switch self {
        case .filter, .join: nil
        case .dedup: "unique"
        case .window, .chain: "per_minute"
        }
    }
    var needsShops: Bool { self == .join || self == .chain }

    /// A line of output as the twin writes it.
    func row(_ line: Substring) -> String {
        if self == .dedup { return String(line) }
        guard let value = try? JSONValue(bytes: Array(line.utf8)) else { return "no JSON: \(line)" }
        func text(_ name: String) -> String {
            switch value[name] {
            case .string(let text): text
            case .number(let text): text
            case .bool(let bool): "\(bool)"
            default: "no \(name)"
            }
        }
        func cents(_ name: String) -> String {
            Double(text(name)).map { "\(Int(($0 * 100).rounded()))" } ?? "no \(name)"
        }
        func texts(_ names: String...) -> String {
            names.map(text).joined(separator: " ")
        }
        let sums = "(count: \(text("cnt")), cents: \(cents("total")))"
        return switch self {
        case .filter: "\(texts("order_id", "user_id", "region")) \(cents("amount"))"
        case .dedup: String(line)
        case .join:
            "\(texts("order_id", "ts", "user_id")) \(cents("amount")) "
                + texts("shop_id", "name", "category", "city", "vip")
        case .window: "\(texts("window_start", "region")) \(sums)"
        case .chain: "\(texts("window_start", "category", "region")) \(sums)"
        }
    }
}
