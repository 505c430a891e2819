import Storage
import TestSupport

/// Chooses a pipeline: one of the workloads, or steps and sinks at random.
struct PipelineChoice {
    /// Its place among others on the machine.
    enum Role {
        case alone
        /// Writes a log that another one reads.
        case first(Between)
        case second(Between)
    }

    /// The log between two pipelines.
    struct Between {
        static let path = "log-between"

        /// Its partitions, by region; nil for one, in which rows keep the order of the input.
        var partitions: Int?
        var isFollowed = true

        /// One of which the order is that of the input, or one of any order.
        init(_ random: inout SplitMix64) {
            partitions = random.pick([nil, nil, 1, 3])
            isFollowed = random.chance(0.7)
        }
    }

    private var random: SplitMix64
    private let role: Role
    /// Milliseconds.
    private let delay: Int
    private let input: SimulatedInput
    private var outputs: [SimulatedPipeline.Output] = []
    /// Whether all sinks are receivers behind queues.
    var hasReceiversOnly = false

    init(_ random: inout SplitMix64, role: Role = .alone) {
        self.role = role
        delay = random.pick([0, 2_000, 20_000])
        let form: SimulatedInput.Form =
            switch random.int(0..<10) {
            case 0..<4: .files(random.int(1...3))
            case 4..<6: .log(partitions: random.int(1...3))
            case 6..<8: .followed(random.pick(SimulatedFeed.Rotation.allCases))
            default: Self.received(&random, role)
            }
        var input = SimulatedInput(&random, form: form, delay: random.pick([0, delay, delay * 2]))
        if case .second(let between) = role {
            input = SimulatedInput(
                from: Between.path, isFollowed: between.isFollowed, shops: input.shops)
        }
        self.input = input
        self.random = SplitMix64(seed: random.next())
    }

    /// Rows of a client; those of one of two pipelines come of files.
    private static func received(
        _ random: inout SplitMix64, _ role: Role
    ) -> SimulatedInput.Form {
        guard case .alone = role else { return .files(1) }
        let sync: LogOptions.Sync = random.pick([.every, .interval(2_000), .os])
        let quota = random.pick([nil, 16 << 10, 64 << 10])
        return .received(
            OutsideParts.Received(client: SimulatedClient([], seed: 0), sync: sync, quota: quota))
    }

    /// The choice.
    mutating func pipeline() throws -> SimulatedPipeline {
        if case .alone = role, !isReceived, random.chance(0.4) { return try workload() }
        return anything()
    }

    // MARK: Workloads

    private static let workloads: [(name: String, late: String?, keepsOrder: Bool)] = [
        ("w1-filter", nil, true), ("w2-dedup", "unique", false), ("w3-join", nil, true),
        ("w4-window", "per_minute", false), ("w5-chain", "per_minute", false),
    ]

    private mutating func workload() throws -> SimulatedPipeline {
        let (name, late, keepsOrder) = random.pick(Self.workloads)
        var set = input.overrides
        if name == "w3-join" || name == "w5-chain" {
            set += ["sources.shops.type=file", "sources.shops.paths=[ in/shops.ndjson ]"]
        }
        set.append("sinks.out={ \(sink("out", keepsOrder: keepsOrder)) }")
        if let late {
            set.append("sources.orders.watermark={ \(watermark()) }")
            set.append("sinks.late={ inputs: \(late).late, \(sink("late")) }")
        }
        return SimulatedPipeline(
            name: name,
            yaml: try DiskFileSystem().text(of: "\(Self.root)/pipelines/\(name).yaml"),
            overrides: set, input: input, outputs: outputs)
    }

    /// The directory that holds `Package.swift`.
    private static let root: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        return parts.dropLast(4).joined(separator: "/")
    }()

    // MARK: Anything

    private static let schema = """
        { order_id: string, user_id: string, shop_id: int, region: string, amount: float, \
        status: string, ts: timestamp_ms }
        """

    private mutating func anything() -> SimulatedPipeline {
        var chosen = StepChoice(seed: random.next(), kinds: kinds)
        let steps = chosen.steps(random.int(0...4))
        var sinks: [String] = []
        let last = steps.last?.name ?? "orders"
        let keepsOrder = isOrdered && !steps.contains { $0.isKeyed }
        // Any step on the way, too, in one sink with the last.
        var inputs = [last]
        let between = self.between
        if between == nil, let other = steps.dropLast().randomElement(using: &random),
            random.chance(0.3)
        {
            inputs.append(other.name)
        }
        let isAlone = inputs.count == 1
        let out =
            between
            ?? sink(
                "out", keepsOrder: keepsOrder && isAlone, hasRegion: isAlone && chosen.hasRegion)
        if between == nil { outputs[outputs.count - 1].inputCount = inputs.count }
        sinks.append("  out: { inputs: [ \(inputs.joined(separator: ", ")) ], \(out) }")
        let sides = steps.compactMap(\.side)
        if !sides.isEmpty && random.chance(0.8) {
            sinks.append(
                "  sides: { inputs: [ \(sides.joined(separator: ", ")) ], \(sink("sides")) }")
        }
        sinks.append("  rejects: { \(sink("rejects")) }")
        let yaml = """
            name: \(name)
            settings: { dead_letter: rejects }
            sources:
              orders:
                { \(input.source), schema: \(Self.schema), event_time: ts,
                  watermark: { \(watermark()) } }
            \(shops(chosen.needsShops))
            steps: \(steps.isEmpty ? "{}" : "")
            \(steps.map { "  \($0.name): { \($0.text) }" }.joined(separator: "\n"))
            sinks:
            \(sinks.joined(separator: "\n"))
            """
        return SimulatedPipeline(name: name, yaml: yaml, input: input, outputs: outputs)
    }

    private var name: String {
        switch role {
        case .alone: "anything"
        case .first: "first"
        case .second: "second"
        }
    }

    /// Steps that give the same for what the order of the rows may be.
    private var kinds: StepChoice.Kinds {
        switch role {
        case .alone: isReceived ? .flat : .all
        case .first(let between): between.partitions == nil ? .flat : .ofOrders
        case .second(let between): between.partitions == nil ? .all : .flat
        }
    }

    /// Whether rows may come twice.
    private var isReceived: Bool {
        if case .received = input.form { true } else { false }
    }

    /// Whether the order of its rows is the same in every run.
    private var isOrdered: Bool {
        if case .second(let between) = role { between.partitions == nil } else { true }
    }

    /// The sink of the first of two pipelines.
    private var between: String? {
        guard case .first(let between) = role else { return nil }
        let parts = between.partitions.map { ", key: region, partitions: \($0)" } ?? ""
        return "type: log, path: \(Between.path)\(parts)"
    }

    private func shops(_ areNeeded: Bool) -> String {
        guard areNeeded else { return "" }
        return """
              shops:
                type: file
                paths: [ in/shops.ndjson ]
                schema: { shop_id: int, name: string, category: string, vip: bool }
                table: { key: shop_id }
            """
    }

    private mutating func watermark() -> String {
        let isParted = random.chance(0.3)
        let scope = isParted ? input.partition.map { ", per: \($0)" } ?? "" : ""
        return "max_delay: \(delay)ms\(scope)"
    }

    /// A sink of a random kind.
    private mutating func sink(
        _ name: String, keepsOrder: Bool = false, hasRegion: Bool = false
    ) -> String {
        let (kind, text): (SimulatedPipeline.Output.Kind, String)
        var place = name
        if case .second = role { place += "-second" }
        var isOrdered = keepsOrder
        switch hasReceiversOnly ? 4 : random.int(0..<(hasRegion ? 6 : 5)) {
        case 4:
            (kind, text) = (
                .receiver(
                    SimulatedReceiver(seed: random.next(), isOftenAway: hasReceiversOnly)),
                "type: tcp, connect: \"127.0.0.1:9\""
            )
        case 0, 1: (kind, text) = (.file("\(place).ndjson"), "type: file, path: \(place).ndjson")
        case 2:
            let codec = random.pick(["none", "lz4"])
            (kind, text) = (
                .log("log-\(place)"), "type: log, path: log-\(place), compression: \(codec)"
            )
        case 3:
            (kind, text) = (
                .rolled("files/\(place)"),
                "type: file, path: files/\(place)/part.ndjson, "
                    + "roll: { size: \(random.int(1...9))KiB }"
            )
        default:
            isOrdered = false
            if random.chance(0.5) {
                (kind, text) = (
                    .directory("files/\(place)"),
                    "type: file, path: \"files/\(place)/{region}.ndjson\""
                )
            } else {
                (kind, text) = (
                    .log("log-\(place)"),
                    "type: log, path: log-\(place), key: region, partitions: \(random.int(1...3))"
                )
            }
        }
        outputs.append(SimulatedPipeline.Output(sink: name, kind: kind, keepsOrder: isOrdered))
        return text
    }
}
