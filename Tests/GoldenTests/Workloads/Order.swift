import TestSupport

/// An order as the twin of the workloads sees it.
struct Order {
    /// The record as it stands in the input.
    let line: Substring
    let id: String
    let user: String
    let region: String
    let shop: Int
    /// The amount in hundredths.
    let cents: Int
    /// Milliseconds since 1970.
    let time: Int
    let status: String

    var minute: Int { time / 60_000 }

    init?(_ line: Substring) {
        guard let value = try? JSONValue(bytes: Array(line.utf8)),
            case .string(let id)? = value["order_id"], case .string(let user)? = value["user_id"],
            case .string(let region)? = value["region"], case .number(let shop)? = value["shop_id"],
            case .number(let amount)? = value["amount"], case .number(let time)? = value["ts"],
            case .string(let status)? = value["status"], let shop = Int(shop),
            let time = Int(time), let cents = Order.cents(amount)
        else { return nil }
        self.line = line
        self.id = id
        self.user = user
        self.region = region
        self.shop = shop
        self.cents = cents
        self.time = time
        self.status = status
    }

    /// `66.30` as 6630.
    static func cents(_ text: String) -> Int? {
        let parts = text.split(separator: ".")
        guard parts.count == 2, parts[1].count == 2, let whole = Int(parts[0]),
            let rest = Int(parts[1])
        else { return nil }
        return whole * 100 + rest
    }
}

/// A shop as the twin sees it.
struct Shop {
    let id: Int
    let name: String
    let category: String
    let city: String
    let isVip: Bool

    init?(_ line: Substring) {
        guard let value = try? JSONValue(bytes: Array(line.utf8)),
            case .number(let id)? = value["shop_id"], case .string(let name)? = value["name"],
            case .string(let category)? = value["category"],
            case .string(let city)? = value["city"], case .bool(let isVip)? = value["vip"],
            let id = Int(id)
        else { return nil }
        self.id = id
        self.name = name
        self.category = category
        self.city = city
        self.isVip = isVip
    }
}
