/// Divides the rows of a batch by time bucket.
///
/// Rows mostly fall into the bucket of the row before them, which is tried first; a division is
/// needed only where they do not.
package struct BucketSplitter: Sendable {
    /// The length of a bucket, in microseconds.
    package let size: Int64
    /// Where buckets start, as a distance from the epoch, in microseconds.
    package let offset: Int64

    package init(size: Int64, offset: Int64 = 0) {
        self.size = size
        self.offset = offset
    }

    /// The rows of a batch by bucket, and those that come too late for theirs.
    package struct Parts {
        /// Buckets in the order in which their first rows come, each with its rows in order.
        package var buckets: [(start: Int64, rows: Selection)] = []
        package var late = Selection(all: 0)
        /// The rows that are not late, in order.
        package var onTime = Selection(all: 0)

        /// By row: the place in `starts` of its bucket, or -1 for a late row.
        fileprivate var numbers: Column?
        fileprivate var starts: [Int64] = []

        /// Runs of rows that follow one another in the same bucket, in the order of the rows.
        package var runs: [(start: Int64, rows: Selection)] {
            guard buckets.count > 1, let numbers else { return buckets }
            var runs: [(start: Int64, rows: Selection)] = []
            var rows: [UInt32] = []
            var current: Int64 = -1
            let places = numbers.int64s
            onTime.forEach { row in
                if places[row] != current && !rows.isEmpty {
                    runs.append((starts[Int(current)], Selection(words: rows)))
                    rows.removeAll(keepingCapacity: true)
                }
                current = places[row]
                rows.append(UInt32(truncatingIfNeeded: row))
            }
            if !rows.isEmpty { runs.append((starts[Int(current)], Selection(words: rows))) }
            return runs
        }
    }

    /// The start of the bucket that holds `time`; the least time there is, where it lies before
    /// that.
    package func start(of time: Int64) -> Int64 {
        let (rest, shift) = (time % size, offset % size)
        let place = (rest < 0 ? rest &+ size : rest) &- (shift < 0 ? shift &+ size : shift)
        return EventTime.delayed(time, by: place < 0 ? place &+ size : place)
    }

    /// The end of the bucket that starts at `start`; the greatest time there is, where it lies
    /// behind that.
    package func end(of start: Int64) -> Int64 {
        let next = EventTime.advanced(start, by: size)
        // The first bucket of all may be a shorter one.
        return start == EventTime.none ? self.start(of: next) : next
    }

    /// When the bucket that starts at `start` is forgotten, `retain` behind its end.
    package func expiry(of start: Int64, retain: Int64) -> Int64 {
        EventTime.advanced(end(of: start), by: retain)
    }

    /// The buckets of the selected rows.
    ///
    /// A row is late if the watermark that stood before it has reached the end of its bucket and
    /// `retain` more.
    package func split(
        _ selection: Selection, times: Column, watermarks: Column, retain: Int64
    ) -> Parts {
        var builder = ColumnBuilder(.int, capacity: times.count)
        var starts: [Int64] = []
        var counts: [Int] = []
        let lateCount = number(
            selection, times, watermarks, retain, into: builder.int64s, &starts, &counts)
        let numbers = builder.finish(count: times.count)
        var parts = Parts()
        parts.numbers = numbers
        parts.starts = starts
        parts.onTime = selection
        if lateCount > 0 {
            parts.late = pick(selection, numbers, count: lateCount) { $0 < 0 }
            let onTimeCount = selection.count - lateCount
            parts.onTime = pick(selection, numbers, count: onTimeCount) { $0 >= 0 }
        }
        if starts.count == 1 {
            parts.buckets = [(starts[0], parts.onTime)]
        } else {
            let rows = scatter(parts.onTime, numbers, counts)
            parts.buckets = zip(starts, rows).filter { !$0.1.isEmpty }.map { ($0, $1) }
        }
        return parts
    }

    /// Writes the number of each row's bucket, or -1 for a late row; gives how many are late.
    private func number(
        _ selection: Selection, _ times: Column, _ watermarks: Column, _ retain: Int64,
        into target: consuming MutableSpan<Int64>, _ starts: inout [Int64], _ counts: inout [Int]
    ) -> Int {
        var numbers = target
        let values = times.int64s
        let marks = watermarks.int64s
        var lateCount = 0
        var current = -1
        var start = EventTime.none
        var end = EventTime.none
        var expiry = EventTime.none
        var count = 0
        selection.forEach { row in
            let time = values[row]
            if current < 0 || time < start || time >= end {
                if current >= 0 { counts[current] += count }
                count = 0
                start = self.start(of: time)
                end = self.end(of: start)
                expiry = EventTime.advanced(end, by: retain)
                current = starts.firstIndex(of: start) ?? starts.count
                if current == starts.count {
                    starts.append(start)
                    counts.append(0)
                }
            }
            let isLate = marks[row] >= expiry
            numbers[row] = isLate ? -1 : Int64(truncatingIfNeeded: current)
            lateCount &+= isLate ? 1 : 0
            count &+= isLate ? 0 : 1
        }
        if current >= 0 { counts[current] += count }
        return lateCount
    }

    @inline(__always)
    private func pick(
        _ selection: Selection, _ numbers: Column, count: Int, _ holds: (Int64) -> Bool
    ) -> Selection {
        var builder = SelectionBuilder(capacity: count)
        let values = numbers.int64s
        selection.forEach { row in
            if holds(values[row]) { builder.append(row) }
        }
        return builder.finish()
    }

    /// The rows of each bucket, by a counting sort.
    private func scatter(_ rows: Selection, _ numbers: Column, _ counts: [Int]) -> [Selection] {
        var sorted = [UInt32](repeating: 0, count: rows.count)
        var ends: [Int] = []
        var total = 0
        for count in counts {
            ends.append(total)
            total += count
        }
        let values = numbers.int64s
        rows.forEach { row in
            let bucket = Int(truncatingIfNeeded: values[row])
            sorted[ends[bucket]] = UInt32(truncatingIfNeeded: row)
            ends[bucket] &+= 1
        }
        return zip(counts, ends).map { count, end in
            Selection(words: Array(sorted[end - count..<end]))
        }
    }
}
