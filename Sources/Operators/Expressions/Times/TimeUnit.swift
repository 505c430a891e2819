/// A unit of time as expressions write it.
enum TimeUnit: String, CaseIterable, Sendable {
    case microsecond = "MICROSECOND"
    case millisecond = "MILLISECOND"
    case second = "SECOND"
    case minute = "MINUTE"
    case hour = "HOUR"
    case day = "DAY"
    case week = "WEEK"
    case month = "MONTH"
    case quarter = "QUARTER"
    case year = "YEAR"
    case epoch = "EPOCH"
    case dayOfYear = "DOY"
    case dayOfWeek = "DOW"
    case isoDayOfWeek = "ISODOW"

    init?(keyword: String) { self.init(rawValue: keyword) }

    /// Microseconds of a unit that always has the same length.
    var microseconds: Int64? {
        switch self {
        case .microsecond: 1
        case .millisecond: 1000
        case .second: 1_000_000
        case .minute: 60_000_000
        case .hour: 3_600_000_000
        case .day: CivilTime.microsecondsPerDay
        case .week: 7 * CivilTime.microsecondsPerDay
        case .month, .quarter, .year, .epoch, .dayOfYear, .dayOfWeek, .isoDayOfWeek: nil
        }
    }

    /// Months of a unit that is made of months.
    var months: Int64? {
        switch self {
        case .month: 1
        case .quarter: 3
        case .year: 12
        default: nil
        }
    }

    /// Whether the unit has a length, so that times can be shifted and rounded by it.
    var isSpan: Bool { microseconds != nil || months != nil }

    /// The interval of `text` units: a whole number, for seconds also a fraction.
    func interval(_ text: String) -> Interval? {
        if let months {
            guard let count = Int64(text) else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: months)
            return overflow ? nil : .months(product)
        }
        guard let microseconds else { return nil }
        if let count = Int64(text) {
            let (product, overflow) = count.multipliedReportingOverflow(by: microseconds)
            return overflow ? nil : .microseconds(product)
        }
        let bytes = Array(text.utf8)
        guard self == .second, let seconds = DecimalText.parseFloat(bytes.span),
            seconds.magnitude < 1e9
        else { return nil }
        return .microseconds(Int64((seconds * 1e6).rounded()))
    }
}
