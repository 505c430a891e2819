/// Makes the table of shops that orders name: one row for each `shop_id` from 1 on, in order.
///
///     {"shop_id":1,"name":"shop bcfaje 1","category":"toys","city":"Oslo","vip":false}
///
/// Category (12) and city (50) are evenly spread; one shop in ten is a VIP.
struct ShopGenerator: Sendable {
    private static let categories = [
        "grocery", "fashion", "electronics", "books", "toys", "sports", "home", "garden", "beauty",
        "auto", "pets", "music",
    ]

    private let texts = PieceTable(["{\"shop_id\":", ",\"name\":\"shop "])
    private let categories = PieceTable(
        Self.categories.map { "\",\"category\":\"\($0)\",\"city\":\"" })
    private let cities = PieceTable(Cities.names)
    private let ends = PieceTable(["\",\"vip\":false}\n", "\",\"vip\":true}\n"])
    private let key: UInt64

    init(_ options: GeneratorOptions) {
        key = RowRandom.key(seed: options.seed, purpose: 7)
    }

    /// Appends rows to `text`.
    func write(rows: Range<Int>, into text: inout GeneratedText) {
        for row in rows {
            var random = RowRandom(key: key, row: row)
            var cursor = text.begin()
            cursor.put(texts, 0)
            cursor.put(number: row &+ 1)
            cursor.put(texts, 1)
            for _ in 0..<6 {
                cursor.put(byte: UInt8(ascii: "a") &+ UInt8(truncatingIfNeeded: random.below(10)))
            }
            cursor.put(byte: UInt8(ascii: " "))
            cursor.put(number: row &+ 1)
            cursor.put(categories, Int(truncatingIfNeeded: random.below(UInt64(categories.count))))
            cursor.put(cities, Int(truncatingIfNeeded: random.below(UInt64(cities.count))))
            cursor.put(ends, random.below(10) == 0 ? 1 : 0)
            text.end(cursor)
        }
    }
}

/// The cities of orders and shops, some with letters of two bytes.
enum Cities {
    static let names = [
        "Amsterdam", "Athens", "Bangkok", "Barcelona", "Beijing", "Berlin", "Bogotá", "Boston",
        "Brussels", "Bucharest", "Budapest", "Buenos Aires", "Cairo", "Chicago", "Copenhagen",
        "Delhi", "Dubai", "Dublin", "Geneva", "Hamburg", "Helsinki", "Hong Kong", "Istanbul",
        "Jakarta", "Johannesburg", "Kyiv", "Lagos", "Lima", "Lisbon", "London", "Los Angeles",
        "Madrid", "Melbourne", "Mexico City", "Milan", "Montréal", "Mumbai", "Munich", "Nairobi",
        "New York", "Oslo", "Paris", "Prague", "Rome", "São Paulo", "Seoul", "Singapore",
        "Stockholm", "Tokyo", "Zürich",
    ]
}
