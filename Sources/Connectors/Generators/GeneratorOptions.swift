/// What test data to make: the options of `weir generate` and of a `generate` source.
///
/// Equal options give equal bytes, on every machine and in every run. Times are in microseconds,
/// shares in percent.
package struct GeneratorOptions: Sendable, Equatable {
    /// The sets of data.
    package enum Kind: String, Sendable, CaseIterable {
        /// A stream of orders: `OrderGenerator`.
        case orders
        /// The table that orders name their shops from: `ShopGenerator`.
        case shops
        /// A stream of readings: `SensorGenerator`.
        case sensors
    }

    /// How the event time of an order is written.
    package enum TimeEncoding: String, Sendable, CaseIterable {
        /// `ts`, milliseconds since 1970.
        case epoch
        /// `event_time`, RFC 3339 with milliseconds and `Z`.
        case iso
        case both
    }

    /// So many records in so much time.
    package struct Rate: Sendable, Equatable, CustomStringConvertible {
        let count: Int
        let microseconds: Int64

        /// What checkpoints are bound to: whole records a second have their number alone.
        package var description: String {
            let seconds = Int(microseconds / 1_000_000)
            let isWhole = seconds > 0 && microseconds % 1_000_000 == 0 && count % seconds == 0
            return isWhole ? "\(count / seconds)" : "\(count)/\(microseconds)us"
        }

        package init(count: Int, microseconds: Int64) {
            self.count = count
            self.microseconds = microseconds
        }
    }

    package var kind: Kind
    /// How many records; nil goes on to the end of the year 9999 of event time.
    package var rows: Int?
    package var seed: UInt64 = 1
    /// How many of the records repeat an earlier one.
    package var duplicates = 10.0
    /// How far a record that is not late stays behind the ones before it: less than this.
    package var disorder: Int64 = 5_000_000
    /// How many of the records come five to ten minutes behind.
    package var late = 1.0
    /// Different users of orders, or sensors.
    package var keys: Int
    /// Different shops that orders name.
    package var shops = 20_000
    /// The exponent of the Zipf distribution of users or sensors; 0 makes all equally frequent.
    package var skew: Double
    /// The event time that all records cover, or, without `rows`, that `rowsOfSpan` records do.
    /// Nil: as long as the records take at `rate`, or an hour.
    package var span: Int64?
    /// The event time of the first arrival.
    package var start: Int64 = 1_767_226_200_000_000
    package var timeEncoding = TimeEncoding.epoch
    /// What whoever takes the records sees to; nil is as fast as they are taken.
    package var rate: Rate?

    /// Records that cover `span` where their number is not given.
    package static let rowsOfSpan = 5_000_000

    /// The defaults of a kind, without end but for the table.
    package init(_ kind: Kind) {
        self.kind = kind
        switch kind {
        case .orders: (keys, skew) = (200_000, 1.1)
        case .shops: (rows, keys, skew) = (20_000, 1, 0)
        case .sensors: (keys, skew) = (1000, 0)
        }
    }

    /// The event time that a number of arrivals covers.
    var density: (microseconds: Int64, rows: Int) {
        if let span { return (span, max(rows ?? Self.rowsOfSpan, 1)) }
        if let rate { return (rate.microseconds, rate.count) }
        return (3_600_000_000, max(rows ?? Self.rowsOfSpan, 1))
    }

    /// How many records there are; without `rows`, until event time comes to its end.
    var rowCount: Int { rows ?? rowCountMax }

    /// How many records there can be before event time comes to its end.
    private var rowCountMax: Int {
        let density = density
        let microseconds = UInt64(max(Self.timeMax - start - density.microseconds, 0))
        let product = microseconds.multipliedFullWidth(by: UInt64(density.rows))
        let divisor = UInt64(density.microseconds)
        if product.high >= divisor { return Self.rowsMax }
        return Int(min(divisor.dividingFullWidth(product).quotient, UInt64(Self.rowsMax)))
    }

    private static let rowsMax = 1 << 53
    private static let century: Int64 = 36_525 * 86_400_000_000
    /// Late enough that no lag leads to a time before 1970.
    private static let startMin: Int64 = 2 * 86_400_000_000
    private static let startMax = timeMax - 2 * century
    /// The end of the year 9999.
    private static let timeMax: Int64 = 253_402_300_800_000_000

    /// What is wrong with an option, by its name in pipeline files and on the command line.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        package let option: String
        package let message: String

        package var description: String { "\(option): \(message)" }
    }

    /// The names of the options that a kind has, beside `kind` itself.
    package static func names(of kind: Kind) -> [String] {
        switch kind {
        case .orders:
            [
                "rows", "seed", "duplicates", "disorder", "late", "users", "shops", "skew", "span",
                "start", "time", "rate",
            ]
        case .shops: ["rows", "seed", "rate"]
        case .sensors:
            [
                "rows", "seed", "duplicates", "disorder", "late", "sensors", "skew", "span",
                "start", "rate",
            ]
        }
    }

    /// Everything that is wrong with the options; empty if they can be used.
    package var problems: [Problem] {
        var problems: [Problem] = []
        func check(_ holds: Bool, _ option: String, _ message: String) {
            if !holds { problems.append(Problem(option: option, message: message)) }
        }
        check(rows.map { (0...Self.rowsMax).contains($0) } ?? true, "rows", "is from 0 to 2^53")
        check(rows != nil || kind != .shops, "rows", "is needed for shops: a table has an end")
        check((0...90).contains(duplicates), "duplicates", "is a share from 0 to 90 percent")
        check((0...100).contains(late), "late", "is a share from 0 to 100 percent")
        check(
            (0...86_400_000_000).contains(disorder) && disorder % 1000 == 0, "disorder",
            "is from 0s to 1d, in whole milliseconds")
        let keyName = kind == .sensors ? "sensors" : "users"
        check((1...10_000_000).contains(keys), keyName, "is from 1 to 10000000")
        check((1...10_000_000).contains(shops), "shops", "is from 1 to 10000000")
        check((0...10).contains(skew), "skew", "is from 0 to 10")
        check(
            rate.map { rate in
                min(Int64(rate.count), rate.microseconds) > 0
                    && Double(rate.count) / Double(rate.microseconds) <= 1000
            } ?? true, "rate", "is above 0 and at most 10^9/s")
        check(
            span.map { (1000...Self.century).contains($0) } ?? true, "span",
            "is from 1ms to 100 years")
        let isStartValid = (Self.startMin...Self.startMax).contains(start)
        check(isStartValid, "start", "is from 1970-01-03 to the year 9799")
        if problems.isEmpty, let rows, rows > rowCountMax {
            check(false, "rows", "are so many that event time would pass the year 9999")
        }
        return problems
    }
}
