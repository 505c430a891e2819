import TestSupport

/// The five workloads computed row by row with plain dictionaries.
///
/// A row is late when the watermark that stood before it (the greatest time of all earlier rows,
/// less the delay) has reached the end of its minute, plus what the step remembers beyond.
struct WorkloadTwin {
    /// What a workload gives.
    struct Result {
        /// The rows, as texts that are equal where their values are.
        var rows: [String] = []
        /// The lines of rows that the last keyed step calls late.
        var late: [String] = []
        var duplicates = 0
    }

    let orders: [Order]
    let shops: [Int: Shop]
    /// The watermark before each order, in milliseconds; nil before the first.
    private let watermarks: [Int?]

    init(orders: [Order], shops: [Shop], delay: Int) {
        self.orders = orders
        self.shops = Dictionary(shops.map { ($0.id, $0) }) { $1 }
        var greatest: Int?
        var watermarks: [Int?] = []
        for order in orders {
            watermarks.append(greatest.map { $0 - delay })
            greatest = max(greatest ?? order.time, order.time)
        }
        self.watermarks = watermarks
    }

    private func isLate(_ index: Int, remembered: Int = 0) -> Bool {
        guard let watermark = watermarks[index] else { return false }
        return watermark >= (orders[index].minute + 1) * 60_000 + remembered
    }

    func run(_ workload: Workload, retain: Int) -> Result {
        switch workload {
        case .filter: filtered()
        case .dedup: deduplicated(retain: retain)
        case .join: joined()
        case .window: windowed()
        case .chain: chained(retain: retain)
        }
    }

    private func filtered() -> Result {
        var result = Result()
        for order in orders where order.status == "paid" && order.cents > 5000 {
            result.rows.append("\(order.id) \(order.user) \(order.region) \(order.cents)")
        }
        return result
    }

    private func deduplicated(retain: Int) -> Result {
        var result = Result()
        var seen: Set<[String]> = []
        for (index, order) in orders.enumerated() {
            if isLate(index, remembered: retain) {
                result.late.append(String(order.line))
            } else if seen.insert([order.id, "\(order.minute)"]).inserted {
                result.rows.append(String(order.line))
            } else {
                result.duplicates += 1
            }
        }
        return result
    }

    private func joined() -> Result {
        var result = Result()
        for order in orders {
            guard let shop = shops[order.shop] else { continue }
            result.rows.append(
                "\(order.id) \(order.time) \(order.user) \(order.cents) \(shop.id) \(shop.name) "
                    + "\(shop.category) \(shop.city) \(shop.isVip)")
        }
        return result
    }

    private func windowed() -> Result {
        var result = Result()
        var groups: [[String]: (count: Int, cents: Int)] = [:]
        for (index, order) in orders.enumerated() {
            if isLate(index) {
                result.late.append(String(order.line))
                continue
            }
            let key = ["\(order.minute * 60_000)", order.region]
            groups[key, default: (0, 0)].count += 1
            groups[key]?.cents += order.cents
        }
        result.rows = groups.map { "\($0.key.joined(separator: " ")) \($0.value)" }
        return result
    }

    private func chained(retain: Int) -> Result {
        var result = Result()
        var seen: Set<[String]> = []
        var groups: [[String]: (count: Int, cents: Int)] = [:]
        for (index, order) in orders.enumerated() {
            if isLate(index, remembered: retain) { continue }
            guard seen.insert([order.id, "\(order.minute)"]).inserted else {
                result.duplicates += 1
                continue
            }
            guard let shop = shops[order.shop] else { continue }
            if isLate(index) {
                result.late.append(order.line.dropLast() + ",\"category\":\"\(shop.category)\"}")
                continue
            }
            let key = ["\(order.minute * 60_000)", shop.category, order.region]
            groups[key, default: (0, 0)].count += 1
            groups[key]?.cents += order.cents
        }
        result.rows = groups.map { "\($0.key.joined(separator: " ")) \($0.value)" }
        return result
    }
}
