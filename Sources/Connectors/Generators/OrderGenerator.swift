/// Makes a stream of orders.
///
///     {"order_id":"o-1000000001","user_id":"u-17","region":"Oslo","shop_id":4711,"amount":66.30,
///      "ts":1767226200123,"status":"paid","note":"…"}
///
/// The model: arrivals and repetitions are those of `ArrivalModel`. A repetition has the order's
/// id, user, region, shop, amount and status, but a time and a note of its own, so that a
/// difference shows which copy was kept. Users follow a Zipf distribution, user 1 in front; regions
/// (50) and shops are evenly spread; amounts are log-normal, from 1.00 to 5000.00 with a median of
/// 66.69; 70 % are paid, 10 % cancelled, 12 % pending and 8 % refunded. One note in 64 each has an
/// escaped quote, a `\u` escape, and a letter of two bytes.
struct OrderGenerator: Sendable {
    /// The number in the id of row 0.
    private static let firstID = 1_000_000_001
    private static let noteCount = 8192

    /// The fixed texts, by place in `texts`.
    private enum Text {
        static let orderID = 0
        static let userID = 1
        static let amount = 2
        static let ts = 3
        static let eventTime = 4
        static let quote = 5
    }

    private let texts = PieceTable([
        "{\"order_id\":\"o-", "\",\"user_id\":\"u-", ",\"amount\":", ",\"ts\":",
        ",\"event_time\":\"", "\"",
    ])
    private let regions: PieceTable
    private let statuses: PieceTable
    private let notes: PieceTable
    private let arrivals: ArrivalModel
    private let users: ZipfTable
    private let amounts: QuantileTable
    private let shops: UInt64
    private let encoding: GeneratorOptions.TimeEncoding
    private let orderKey: UInt64
    private let noteKey: UInt64

    init(_ options: GeneratorOptions) {
        regions = PieceTable(Cities.names.map { "\",\"region\":\"\($0)\",\"shop_id\":" })
        statuses = PieceTable(
            ["paid", "cancelled", "pending", "refunded"].map {
                ",\"status\":\"\($0)\",\"note\":\""
            })
        notes = PieceTable(Self.noteTexts(options.seed))
        arrivals = ArrivalModel(options, repetition: .content)
        users = ZipfTable(count: options.keys, skew: options.skew)
        amounts = QuantileTable { z in
            min(max(PortableMath.exp(4.2 + 0.9 * z) * 100, 100), 500_000)
        }
        shops = UInt64(options.shops)
        encoding = options.timeEncoding
        orderKey = RowRandom.key(seed: options.seed, purpose: 4)
        noteKey = RowRandom.key(seed: options.seed, purpose: 5)
    }

    /// Appends rows to `text`.
    func write(rows: Range<Int>, into text: inout GeneratedText) {
        let users = users
        let slots = users.slots.span
        let amounts = amounts.values.span
        for row in rows {
            let origin = arrivals.origin(of: row)
            var random = RowRandom(key: orderKey, row: origin)
            var cursor = text.begin()
            cursor.put(texts, Text.orderID)
            cursor.put(number: Self.firstID &+ origin)
            cursor.put(texts, Text.userID)
            cursor.put(number: ZipfTable.rank(random.next(), count: users.count, slots: slots) &+ 1)
            cursor.put(regions, Int(truncatingIfNeeded: random.below(UInt64(regions.count))))
            cursor.put(number: Int(truncatingIfNeeded: random.below(shops)) &+ 1)
            cursor.put(texts, Text.amount)
            let cents = QuantileTable.value(random.next(), amounts)
            cursor.put(hundredths: Int(truncatingIfNeeded: cents))
            putTime(row, &cursor)
            cursor.put(statuses, Self.status(random.below(100)))
            cursor.put(notes, note(row, origin))
            text.end(cursor)
        }
    }

    @inline(__always)
    private func putTime(_ row: Int, _ cursor: inout RecordCursor) {
        let milliseconds = Int(truncatingIfNeeded: arrivals.time(of: row)) / 1000
        if encoding != .iso {
            cursor.put(texts, Text.ts)
            cursor.put(number: milliseconds)
        }
        if encoding != .epoch {
            cursor.put(texts, Text.eventTime)
            cursor.put(timestamp: milliseconds)
            cursor.put(texts, Text.quote)
        }
    }

    @inline(__always)
    private static func status(_ percent: UInt64) -> Int {
        percent < 70 ? 0 : percent < 80 ? 1 : percent < 92 ? 2 : 3
    }

    /// The note of a row; a repetition's is never the original's.
    @inline(__always)
    private func note(_ row: Int, _ origin: Int) -> Int {
        let mask = UInt64(Self.noteCount - 1)
        let note = RowRandom.word(key: noteKey, row: row) & mask
        if row == origin { return Int(truncatingIfNeeded: note) }
        let isSame = note == RowRandom.word(key: noteKey, row: origin) & mask
        return Int(truncatingIfNeeded: isSame ? (note &+ 1) & mask : note)
    }

    /// The notes, 30 to 50 bytes each, with what closes the record.
    private static func noteTexts(_ seed: UInt64) -> [[UInt8]] {
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789     ".utf8)
        let key = RowRandom.key(seed: seed, purpose: 6)
        return (0..<noteCount).map { index in
            var random = RowRandom(key: key, row: index)
            var note = (0..<30 + random.below(21)).map { _ in
                letters[Int(random.below(UInt64(letters.count)))]
            }
            switch index % 64 {
            case 0: note.replaceSubrange(10..<12, with: Array("\\\"".utf8))
            case 1: note.replaceSubrange(10..<16, with: Array("\\u00e9".utf8))
            case 2: note.replaceSubrange(10..<12, with: Array("\u{e9}".utf8))
            default: break
            }
            return note + Array("\"}\n".utf8)
        }
    }
}
