import TestSupport
import Testing

@testable import Connectors

struct ArrivalModelTests {
    /// One row as the model tells of it.
    private struct Row {
        let origin: Int
        let time: Int64
    }

    private func rows(
        _ options: GeneratorOptions, _ repetition: ArrivalModel.Repetition
    ) -> [Row] {
        let model = ArrivalModel(options, repetition: repetition)
        return (0..<(options.rows ?? 0)).map { row in
            let origin = model.origin(of: row)
            let timed = repetition == .content ? row : origin
            return Row(origin: origin, time: model.time(of: timed))
        }
    }

    private func options(_ kind: GeneratorOptions.Kind, seed: UInt64) -> GeneratorOptions {
        var options = GeneratorOptions(kind)
        options.rows = 40_000
        options.seed = seed
        options.span = 1_800_000_000
        return options
    }

    @Test(arguments: Seeds.list(3), [ArrivalModel.Repetition.content, .delivery])
    func lagsAreThoseOfTheModel(seed: UInt64, repetition: ArrivalModel.Repetition) {
        let options = options(repetition == .content ? .orders : .sensors, seed: seed)
        var greatest = Int64.min
        var late = 0
        var wrong: [Int] = []
        for (number, row) in rows(options, repetition).enumerated() {
            let arrival = options.start + Int64(number) * 45_000
            let lag = arrival - row.time
            let isLate = lag > 200_000_000
            if isLate { late += 1 }
            let isRight =
                isLate
                ? (299_950_000...605_000_000).contains(lag) && arrival > options.start + 1_900_000
                : (-45_000...5_000_000).contains(lag)
                    && (number == 0 || row.time > greatest - 5_045_000)
            if !isRight { wrong.append(number) }
            greatest = max(greatest, row.time)
        }
        #expect(wrong == [], "\(Seeds.note(seed))")
        #expect((300...500).contains(late), "\(Seeds.note(seed))")
    }

    @Test(arguments: Seeds.list(3), [0, 10, 50, 90])
    func repetitionsAreThoseOfTheModel(seed: UInt64, percent: Int) {
        var options = options(.orders, seed: seed)
        options.duplicates = Double(percent)
        let rows = rows(options, .content)
        let repeated = rows.indices.filter { rows[$0].origin != $0 }
        let wrong = repeated.filter { row in
            let origin = rows[row].origin
            let isBefore = origin >= 0 && origin < row && row - origin <= 60_000_000 / 45_000
            return !isBefore || rows[origin].origin != origin
        }
        #expect(wrong == [], "\(Seeds.note(seed))")
        let share = Double(repeated.count) / Double(rows.count) * 100
        #expect(abs(share - Double(percent)) < 2, "\(Seeds.note(seed))")
    }

    @Test func withoutDisorderTimesOnlyGoForward() {
        var options = options(.orders, seed: 1)
        options.disorder = 0
        options.late = 0
        let times = rows(options, .content).map(\.time)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test func everythingMayBeLate() {
        var options = options(.orders, seed: 1)
        options.late = 100
        options.duplicates = 0
        let late = rows(options, .content).enumerated().filter { number, row in
            options.start + Int64(number) * 45_000 - row.time > 200_000_000
        }
        #expect((39_900...39_960).contains(late.count))
    }
}

struct ZipfTableTests {
    @Test(arguments: [0.0, 0.5, 1, 1.1, 3], [1, 2, 7, 1000])
    func frequenciesFollowThePower(skew: Double, count: Int) {
        let table = ZipfTable(count: count, skew: skew)
        var shares = [Double](repeating: table.slots.isEmpty ? 1 : 0, count: count)
        for (slot, entry) in table.slots.enumerated() {
            let own = Double(entry >> 32) / 0x1p32
            shares[slot] += own
            shares[Int(entry & 0xffff_ffff)] += 1 - own
        }
        let weights = (1...count).map { 1 / power(Double($0), skew) }
        let total = weights.reduce(0, +)
        for rank in 0..<count {
            #expect(abs(shares[rank] / Double(count) - weights[rank] / total) < 1e-9)
        }
    }

    /// By roots and products: the exponents above are whole, halves, or tenths near one.
    private func power(_ x: Double, _ exponent: Double) -> Double {
        PortableMath.exp(exponent * PortableMath.log(x))
    }

    @Test func drawnRanksAreThoseOfTheTable() {
        let table = ZipfTable(count: 10, skew: 1)
        var random = SplitMix64(seed: Seeds.base)
        var counts = [Int](repeating: 0, count: 10)
        let slots = table.slots.span
        for _ in 0..<20_000 {
            counts[ZipfTable.rank(random.next(), count: 10, slots: slots)] += 1
        }
        let total = (1...10).reduce(0) { $0 + 1 / Double($1) }
        for rank in 0..<10 {
            let expected = 20_000 / Double(rank + 1) / total
            #expect(abs(Double(counts[rank]) - expected) < 6 * expected.squareRoot())
        }
    }
}

struct PortableMathTests {
    @Test func valuesAreThoseOfTables() {
        #expect(PortableMath.exp(0) == 1)
        #expect(PortableMath.log(1) == 0)
        let pairs: [(x: Double, log: Double)] = [
            (2, 0.6931471805599453), (10, 2.302585092994046), (0.5, -0.6931471805599453),
            (1.1, 0.09531017980432487), (1000, 6.907755278982137), (1e-300, -690.7755278982137),
            (2.718281828459045, 1),
        ]
        for (x, log) in pairs {
            #expect(abs(PortableMath.log(x) - log) <= abs(log) * 1e-15)
            #expect(abs(PortableMath.exp(log) / x - 1) <= 2e-13)
        }
    }
}

struct QuantileTableTests {
    @Test func numbersFollowTheNormalDistribution() {
        let table = QuantileTable { $0 * 1_000_000 }
        #expect(zip(table.values, table.values.dropFirst()).allSatisfy { $0 <= $1 })
        var random = SplitMix64(seed: Seeds.base)
        let count = 20_000
        let values = table.values.span
        let drawn = (0..<count).map { _ in Double(QuantileTable.value(random.next(), values)) / 1e6
        }
        let mean = drawn.reduce(0, +) / Double(count)
        let variance = drawn.reduce(0) { $0 + $1 * $1 } / Double(count)
        #expect(abs(mean) < 0.03)
        #expect(abs(variance - 1) < 0.05)
        let within = drawn.filter { abs($0) < 1 }.count
        #expect(abs(Double(within) / Double(count) - 0.6827) < 0.02)
    }
}

struct GeneratorOptionsTests {
    @Test(arguments: GeneratorOptions.Kind.allCases)
    func defaultsAreValid(_ kind: GeneratorOptions.Kind) {
        #expect(GeneratorOptions(kind).problems.isEmpty)
    }

    @Test func problemsNameTheirOption() {
        typealias Change = (inout GeneratorOptions) -> Void
        let mistakes: [(String, Change)] = [
            ("rows", { $0.rows = -1 }), ("duplicates", { $0.duplicates = 91 }),
            ("duplicates", { $0.duplicates = .nan }), ("late", { $0.late = -0.1 }),
            ("disorder", { $0.disorder = -1000 }), ("disorder", { $0.disorder = 1 }),
            ("users", { $0.keys = 0 }), ("shops", { $0.shops = 0 }), ("skew", { $0.skew = -1 }),
            ("skew", { $0.skew = .infinity }), ("span", { $0.span = 0 }),
            ("start", { $0.start = 0 }), ("start", { $0.start = .max }),
            ("rate", { $0.rate = GeneratorOptions.Rate(count: .max, microseconds: 1) }),
            ("rate", { $0.rate = GeneratorOptions.Rate(count: 0, microseconds: 1) }),
        ]
        for (option, change) in mistakes {
            var options = GeneratorOptions(.orders)
            change(&options)
            #expect(options.problems.map(\.option) == [option])
            #expect(GeneratorOptions.names(of: .orders).contains(option))
            #expect(throws: GeneratorOptions.Problem.self) { try RecordGenerator(options) }
        }
        var sensors = GeneratorOptions(.sensors)
        sensors.keys = 0
        #expect(sensors.problems.map(\.option) == ["sensors"])
        var shops = GeneratorOptions(.shops)
        shops.rows = nil
        #expect(
            shops.problems.map(\.description) == ["rows: is needed for shops: a table has an end"])
    }

    @Test(arguments: Seeds.list(20))
    func validOptionsNeverTrap(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var options = GeneratorOptions(random.pick([.orders, .sensors]))
        options.rows = random.pick([nil, 1, 2, 1000, 1 << 53])
        options.seed = random.next()
        options.duplicates = random.pick([0, 0.001, 50, 90])
        options.late = random.pick([0, 50, 100])
        options.disorder = random.pick([0, 1000, 5_000_000, 86_400_000_000])
        options.keys = random.pick([1, 2, 1000])
        options.skew = random.pick([0, 1, 10])
        options.span = random.pick([nil, 1000, 36_525 * 86_400_000_000])
        typealias Rate = GeneratorOptions.Rate
        options.rate = random.pick([
            nil, Rate(count: 1, microseconds: 1_000_000),
            Rate(count: 1_000_000_000, microseconds: 1_000_000),
            Rate(count: 1, microseconds: 86_400_000_000),
        ])
        options.start = random.pick([
            172_800_000_000, 1_767_226_200_000_000, 247_000_000_000_000_000,
        ])
        if options.rows == 1 << 53, options.span == nil,
            options.rate?.count == 1
        {
            #expect(options.problems.map(\.option) == ["rows"], "\(Seeds.note(seed))")
            options.rate = nil
        }
        #expect(options.problems.isEmpty, "\(options.problems) \(Seeds.note(seed))")
        let generator = try RecordGenerator(options)
        let count = generator.rowCount
        let end = text(of: generator, rows: max(count - 5, 0)..<count)
        #expect(try JSONValue.lines(end).count == min(5, count))
    }
}
