/// When each row of a stream arrives, which event time it carries, and which row it repeats.
///
/// The model: rows arrive in order, evenly spread with some jitter.
///
/// - The event time is the arrival less a lag below `disorder`: out of order, never beyond the
///   bound.
/// - Of the rows that arrive after the first two seconds, the share `late` lags by five to ten
///   minutes (more, if `disorder` is more than five): never borderline.
/// - The share `duplicates` repeats a row that arrived up to `reach` earlier and is itself no
///   repetition. Where there is none, as at the very start, a row is new after all.
///
/// With a watermark of the greatest event time less `disorder` no row is late by accident. Every
/// answer depends on the row's number alone.
struct ArrivalModel: Sendable {
    /// What a repeated row has in common with its original.
    enum Repetition {
        /// The content; it comes up to a minute later with a time of its own.
        case content
        /// Content and time: it is delivered twice, within half of the disorder.
        case delivery
    }

    private static let lateMin: Int64 = 300_000_000
    private static let lateWidth: UInt64 = 300_000_000
    private static let lateFrom: Int64 = 2_000_000

    private let start: Int64
    private let spanMicroseconds: UInt64
    private let spanRows: UInt64
    /// Arrivals are spread within this many microseconds.
    private let jitter: UInt64
    private let lag: UInt64
    private let lateLagMin: Int64
    private let lateThreshold: UInt64
    private let repeatThreshold: UInt64
    /// How many rows back the repeated row lies, at most.
    private let reach: Int
    private let timeKey: UInt64
    private let repeatKey: UInt64
    private let distanceKey: UInt64

    init(_ options: GeneratorOptions, repetition: Repetition) {
        let density = options.density
        start = options.start
        spanMicroseconds = UInt64(density.microseconds)
        spanRows = UInt64(density.rows)
        jitter = spanMicroseconds / spanRows
        // Half of the disorder is left for a second delivery of the same time.
        let isShared = repetition == .delivery && options.duplicates > 0
        lag = UInt64(options.disorder) / (isShared ? 2 : 1)
        lateLagMin = max(Self.lateMin, options.disorder)
        lateThreshold = RowRandom.threshold(percent: options.late)
        repeatThreshold = RowRandom.threshold(percent: options.duplicates)
        let reachMicroseconds =
            repetition == .content ? 60_000_000 : Double(options.disorder / 2)
        let rows = reachMicroseconds * Double(spanRows) / Double(spanMicroseconds)
        reach = Int(min(max(rows, 1), 1e9))
        timeKey = RowRandom.key(seed: options.seed, purpose: 1)
        repeatKey = RowRandom.key(seed: options.seed, purpose: 2)
        distanceKey = RowRandom.key(seed: options.seed, purpose: 3)
    }

    /// The row that `row` repeats, or `row` itself if it is new.
    @inline(__always)
    func origin(of row: Int) -> Int {
        isRepetition(row) ? repeated(by: row) : row
    }

    @inline(__always)
    private func isRepetition(_ row: Int) -> Bool {
        RowRandom.word(key: repeatKey, row: row) < repeatThreshold && row > 0
    }

    /// The first new row from a random distance back on.
    private func repeated(by row: Int) -> Int {
        let word = RowRandom.word(key: distanceKey, row: row)
        let farthest = UInt64(min(reach, row))
        var origin = row - 1 - Int(word.multipliedFullWidth(by: farthest).high)
        while origin < row, isRepetition(origin) { origin += 1 }
        return origin
    }

    /// The event time of a row.
    @inline(__always)
    func time(of row: Int) -> Int64 {
        var random = RowRandom(key: timeKey, row: row)
        // The product has 128 bits; the quotient is a time and fits.
        let product = spanMicroseconds.multipliedFullWidth(by: UInt64(row))
        let sinceStart = Int64(
            truncatingIfNeeded: spanRows.dividingFullWidth(product).quotient
                &+ random.below(jitter))
        let isLate = random.next() < lateThreshold && sinceStart > Self.lateFrom
        let lag =
            isLate
            ? lateLagMin &+ Int64(truncatingIfNeeded: random.below(Self.lateWidth))
            : Int64(truncatingIfNeeded: random.below(self.lag))
        return start &+ sinceStart &- lag
    }
}
