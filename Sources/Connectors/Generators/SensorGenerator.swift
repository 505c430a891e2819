/// Makes a stream of sensor readings.
///
///     {"sensor_id":"s-17","site":"site-17","ts":1767226200123,"temperature":21.37,
///      "humidity":48.2,"status":"ok"}
///
/// The model: arrivals are those of `ArrivalModel`; a repetition is the same reading delivered
/// twice, byte for byte. Sensors follow a Zipf distribution (evenly spread by default) and stand at
/// 20 sites. Each sensor has a temperature of its own, from −5 to 35 °C, about which its readings
/// are normally distributed with a deviation of 2 degrees; humidity is from 20.0 to 90.0 %. 97 % of
/// readings are `ok`, 2 % `warn` and 1 % `fail`.
struct SensorGenerator: Sendable {
    private static let siteCount = 20

    /// The fixed texts, by place in `texts`.
    private enum Text {
        static let sensor = 0
        static let site = 1
        static let ts = 2
        static let temperature = 3
        static let humidity = 4
    }

    private let texts = PieceTable([
        "{\"sensor_id\":\"s-", "\",\"site\":\"site-", "\",\"ts\":", ",\"temperature\":",
        ",\"humidity\":",
    ])
    private let statuses = PieceTable(
        ["ok", "warn", "fail"].map { ",\"status\":\"\($0)\"}\n" })
    private let arrivals: ArrivalModel
    private let sensors: ZipfTable
    private let deviations: QuantileTable
    private let readingKey: UInt64
    private let sensorKey: UInt64

    init(_ options: GeneratorOptions) {
        arrivals = ArrivalModel(options, repetition: .delivery)
        sensors = ZipfTable(count: options.keys, skew: options.skew)
        deviations = QuantileTable { z in z * 200 }
        readingKey = RowRandom.key(seed: options.seed, purpose: 8)
        sensorKey = RowRandom.key(seed: options.seed, purpose: 9)
    }

    /// Appends rows to `text`.
    func write(rows: Range<Int>, into text: inout GeneratedText) {
        let sensors = sensors
        let slots = sensors.slots.span
        let deviations = deviations.values.span
        for row in rows {
            let origin = arrivals.origin(of: row)
            var random = RowRandom(key: readingKey, row: origin)
            let sensor = ZipfTable.rank(random.next(), count: sensors.count, slots: slots)
            var own = RowRandom(key: sensorKey, row: sensor)
            let center = Int(truncatingIfNeeded: own.below(4001)) &- 500
            let deviation = QuantileTable.value(random.next(), deviations)
            var cursor = text.begin()
            cursor.put(texts, Text.sensor)
            cursor.put(number: sensor &+ 1)
            cursor.put(texts, Text.site)
            cursor.put(number: sensor % Self.siteCount &+ 1)
            cursor.put(texts, Text.ts)
            cursor.put(number: Int(truncatingIfNeeded: arrivals.time(of: origin)) / 1000)
            cursor.put(texts, Text.temperature)
            cursor.put(hundredths: center &+ Int(truncatingIfNeeded: deviation))
            cursor.put(texts, Text.humidity)
            cursor.put(tenths: 200 &+ Int(truncatingIfNeeded: random.below(701)))
            cursor.put(statuses, Self.status(random.below(100)))
            text.end(cursor)
        }
    }

    @inline(__always)
    private static func status(_ percent: UInt64) -> Int {
        percent < 97 ? 0 : percent < 99 ? 1 : 2
    }
}
