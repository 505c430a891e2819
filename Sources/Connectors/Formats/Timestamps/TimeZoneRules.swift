import Dataflow

/// The offsets of one time zone, for every instant and every local time.
///
/// A table of transitions; behind it the zone's standing rule repeats every 400 years, the cycle of
/// the calendar, of which one is in the table. Times in seconds.
///
/// Local times that do not exist or exist twice are read as Java's `ZonedDateTime` reads them: one
/// in a gap moves forward by the length of the gap; of two, the earlier instant counts. Both mean
/// the offset that was in force before the transition, so one search decides.
struct TimeZoneRules: Sendable, Equatable {
    /// A change of the offset at an instant.
    struct Transition: Sendable, Equatable {
        var instant: Int64
        var offset: Int64
    }

    private static let cycleSeconds = CivilDate.daysPerCycle * CivilDate.secondsPerDay

    /// Instants at which `offsets` take effect; the first is the beginning of time.
    private let instants: [Int64]
    /// The same places in local time.
    private let locals: [Int64]
    /// Seconds that local time is ahead of UTC.
    private let offsets: [Int64]
    /// From here on (in UTC and local time alike) times are looked up one or more cycles earlier.
    private let repeatsFrom: Int64?

    static let utc = TimeZoneRules(first: 0, transitions: [], repeatsFrom: nil)

    /// Rules with the offset `first` before all transitions, which ascend.
    init(first: Int64, transitions: [Transition], repeatsFrom: Int64?) {
        var instants = [Int64.min]
        var locals = [Int64.min]
        var offsets = [first]
        var before = first
        for transition in transitions where transition.offset != before {
            instants.append(transition.instant)
            locals.append(transition.instant + max(before, transition.offset))
            offsets.append(transition.offset)
            before = transition.offset
        }
        self.instants = instants
        self.locals = locals
        self.offsets = offsets
        self.repeatsFrom = repeatsFrom
    }

    /// The last offset found and where it holds, so that times near each other need no search.
    struct Cache: Sendable {
        fileprivate var lower = Int64.max
        fileprivate var upper = Int64.min
        fileprivate var offset: Int64 = 0

        init() {}
    }

    /// The offset at the instant `seconds` since the epoch.
    @inline(__always)
    func offset(at seconds: Int64, _ cache: inout Cache) -> Int64 {
        if seconds >= cache.lower && seconds < cache.upper { return cache.offset }
        return search(instants, seconds, &cache)
    }

    /// The offset for the local time `seconds` since 1970-01-01T00:00:00 local time.
    @inline(__always)
    func offset(atLocal seconds: Int64, _ cache: inout Cache) -> Int64 {
        if seconds >= cache.lower && seconds < cache.upper { return cache.offset }
        return search(locals, seconds, &cache)
    }

    private func search(_ starts: [Int64], _ seconds: Int64, _ cache: inout Cache) -> Int64 {
        var shift: Int64 = 0
        if let repeatsFrom, seconds >= repeatsFrom {
            shift = ((seconds - repeatsFrom) / Self.cycleSeconds + 1) * Self.cycleSeconds
        }
        let place = seconds - shift
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= place { low = middle } else { high = middle }
        }
        // Never beyond the cycle that the place was found in.
        let last = min(high < starts.count ? starts[high] : Int64.max, repeatsFrom ?? Int64.max)
        if shift == 0 {
            (cache.lower, cache.upper) = (starts[low], last)
        } else {
            let cycleStart = (repeatsFrom ?? 0) - Self.cycleSeconds
            (cache.lower, cache.upper) = (max(starts[low], cycleStart) + shift, last + shift)
        }
        cache.offset = offsets[low]
        return cache.offset
    }
}
