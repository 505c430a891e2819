package import Dataflow

/// Batches of any schema, made from a seed: what a test feeds to an operator and its twin.
///
/// Values come from a small vocabulary most of the time, so that keys meet again, and from the
/// whole range of the type sometimes. Event times run forward with some disorder, watermarks never
/// fall back, ordinals count rows across batches.
package struct RandomBatches {
    /// How often a value of a field is null; columns of the engine never are, but for event time.
    package var nulls = 0.1
    /// How many of the physical rows are selected; 1 gives dense batches.
    package var selected = 0.7
    /// How often a value is from the whole range of its type.
    package var extremes = 0.05
    /// Different values of the small vocabulary.
    package var vocabulary = 12
    /// How far event time runs ahead in a row, at most, and how far it lags, in microseconds.
    package var stride: Int64 = 2_000_000
    package var disorder: Int64 = 5_000_000
    /// Greatest event time so far; the start of event time at first.
    package var time: Int64 = 1_767_225_600_000_000

    package let schema: Schema
    package var random: SplitMix64
    private var watermark = EventTime.none
    private var ordinal: Int64 = 0

    package init(_ schema: Schema, seed: UInt64) {
        self.schema = schema
        random = SplitMix64(seed: seed)
    }

    /// A batch of `rows` physical rows.
    package mutating func batch(rows: Int) -> Batch {
        let times = times(rows)
        let columns = schema.fields.indices.map { column($0, times) }
        ordinal += Int64(rows)
        if selected >= 1 { return Batch(columns: columns, count: rows) }
        let chosen = (0..<rows).filter { _ in random.chance(selected) }
        return Batch(columns: columns, selection: Selection(chosen))
    }

    /// `count` batches of up to `rowsMax` physical rows each.
    package mutating func batches(_ count: Int, rowsMax: Int) -> [Batch] {
        (0..<count).map { _ in batch(rows: random.int(0...rowsMax)) }
    }

    private mutating func times(_ rows: Int) -> [(event: Int64, watermark: Int64)] {
        (0..<rows).map { _ in
            let before = watermark
            time += Int64.random(in: 0...stride, using: &random)
            watermark = time - disorder
            return (time - Int64.random(in: 0...disorder * 2, using: &random), before)
        }
    }

    private mutating func column(
        _ index: Int, _ times: [(event: Int64, watermark: Int64)]
    ) -> Column {
        let type = schema.fields[index].type
        var builder = ColumnBuilder(type, capacity: times.count)
        var arena = TextArena()
        let isEngines = index == schema.watermark || index == schema.ordinal
        for row in times.indices {
            if !isEngines, random.chance(nulls) {
                builder.setNull(row)
                continue
            }
            switch type {
            case .bool:
                var bools = builder.bools
                bools[row] = random.chance(0.5) ? 1 : 0
            case .int, .timestamp:
                var int64s = builder.int64s
                int64s[row] =
                    switch index {
                    case schema.eventTime: times[row].event
                    case schema.watermark: times[row].watermark
                    case schema.ordinal: ordinal + Int64(row)
                    default: type == .int ? wholeNumber() : times[row].event
                    }
            case .float:
                var doubles = builder.doubles
                doubles[row] = float()
            case .string: builder.set(row, to: arena.add(string()))
            case .json: builder.set(row, to: arena.add(json(depth: 3).description))
            }
        }
        builder.keep(arena.slabs)
        return builder.finish(count: times.count)
    }

    private mutating func wholeNumber() -> Int64 {
        if random.chance(extremes) {
            return random.pick([
                .min, .max, -1, 0, 1 << 53, 1 << 53 + 1, Int64(bitPattern: random.next()),
            ])
        }
        return Int64(random.int(0..<vocabulary))
    }

    private mutating func float() -> Double {
        if random.chance(extremes) {
            return random.pick([
                0, -0.0, .leastNonzeroMagnitude, -.greatestFiniteMagnitude, 1e308, 0.1,
                random.anyFinite(),
            ])
        }
        return Double(random.int(0..<vocabulary * 1000)) / 100
    }

    /// A string: short or long, sometimes with quotes, controls and other scripts in it.
    package mutating func string() -> String {
        if random.chance(extremes) {
            let pieces = [
                "", "\"", "\\", "\n", "\t", "\u{1}", "é", "日本", "🙂", "null", " ", "a", "\u{7f}",
            ]
            return (0..<random.int(0...9)).map { _ in random.pick(pieces) }.joined()
        }
        let word = "k\(random.int(0..<vocabulary))"
        return random.chance(0.5) ? word : word + "-and-a-tail-that-makes-it-long"
    }

    /// Any JSON value of limited depth.
    package mutating func json(depth: Int) -> JSONValue {
        switch random.int(0..<(depth > 0 ? 7 : 5)) {
        case 0: .null
        case 1: .bool(random.chance(0.5))
        case 2: .int(wholeNumber())
        case 3: .float(float())
        case 4: .string(string())
        case 5: .array((0..<random.int(0...3)).map { _ in json(depth: depth - 1) })
        default:
            .object(
                (0..<random.int(0...3)).map { _ in
                    JSONValue.Member(string(), json(depth: depth - 1))
                })
        }
    }
}
