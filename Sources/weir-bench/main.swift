// temporary: hand-made plans
import Connectors
import Dataflow
import Execution
import Operators
import Storage

let args = CommandLine.arguments
let w = args[1], orders = args[2], shops = args[3], out = args[4], workers = Int(args[5])!
let chunk = args.count > 6 ? Int(args[6])! : 512 << 10
let zones = TimeZoneDatabase { _ in nil }
let fs = DiskFileSystem()
let clock = EngineClock.system
let types: [String: FieldType] = [
    "order_id": .string, "user_id": .string, "region": .string, "shop_id": .int, "amount": .float,
    "ts": .timestamp, "status": .string, "note": .string,
]
func source(_ needed: [String], record: Bool, time: Bool) -> Plan.SourceNode {
    var schema = Schema()
    var fields: [JSONFieldPath] = []
    for n in needed {
        let i = schema.add(Field(n, types[n]!, timestampFormat: .milliseconds), leaves: !record)
        fields.append(JSONFieldPath(path: [n], column: i))
    }
    if record { schema.add(.record) }
    if time {
        schema.set(.eventTime, to: schema.index(of: "ts")); schema.add(.watermark);
        schema.add(.ordinal)
    }
    let s = schema, f = fields
    return Plan.SourceNode(
        name: "orders", schema: s,
        watermark: time
            ? WatermarkStrategy(
                delay: 5_000_000, idleTimeout: 30_000_000, maxFuture: nil, scope: .source) : nil,
        makeSource: {
            FileSource(FileSource.Options(patterns: [orders]), fileSystem: fs, clock: clock)
        },
        makeDecoder: { try! JSONDecoder(schema: s, fields: f, sourceName: "orders", zones: zones) })
}
func sink(_ edge: Plan.Edge, _ schema: Schema) -> Plan.SinkNode {
    Plan.SinkNode(
        name: "out",
        inputs: [
            .init(edge: edge, makeEncoder: { try! JSONEncoder(schema: schema, zones: zones) })
        ],
        makeWriter: { FileSink(FileSink.Options(path: out), fileSystem: fs, clock: clock) })
}
func typed(_ text: String, _ schema: Schema) -> TypedExpression {
    try! Expression.parse(text).get().checked(against: schema).get()
}
var settings = Plan.Settings()
settings.workers = workers
settings.chunkBytes = chunk
var plan = Plan(name: w, settings: settings)
switch w {
case "W1":
    let s = source(
        ["order_id", "user_id", "region", "amount", "status"], record: false, time: false)
    plan.sources = [s]
    var o = s.schema; o.setOutput([0, 1, 2, 3])
    let cond = typed("status = 'paid' AND amount > 50", s.schema)
    plan.steps = [
        .init(
            name: "paid", type: "filter", input: .init(.source(0)), inputSchema: s.schema,
            outputs: [.main: o],
            makeOperator: {
                FilterOperator(
                    step: $0.step, sources: $0.sources, schema: s.schema, condition: cond)
            })
    ]
    plan.sinks = [sink(.init(.step(0)), o)]
case "W2":
    let s = source(["order_id", "ts"], record: true, time: true)
    plan.sources = [s]
    let d = DedupStep(
        input: s.schema, key: [0], scope: .bucket(size: 60_000_000, retain: 900_000_000),
        keep: .first)
    plan.steps = [
        .init(
            name: "d", type: "dedup", input: .init(.source(0)), inputSchema: s.schema,
            outputs: [.main: s.schema], key: [0], needsOrder: true,
            makeOperator: { d.makeOperator($0) })
    ]
    plan.sinks = [sink(.init(.step(0)), s.schema)]
case "W4":
    let s = source(["region", "amount", "ts"], record: false, time: true)
    plan.sources = [s]
    let win = WindowStep(
        input: s.schema, by: [0], size: 60_000_000,
        aggregates: [
            Aggregate(name: "cnt", function: .count, argument: nil, filter: nil),
            Aggregate(
                name: "total", function: .sum, argument: typed("amount", s.schema), filter: nil),
        ], format: .milliseconds)
    plan.steps = [
        .init(
            name: "w", type: "window", input: .init(.source(0)), inputSchema: s.schema,
            outputs: [.main: win.output], key: [0], makeOperator: { win.makeOperator($0) })
    ]
    plan.sinks = [sink(.init(.step(0)), win.output)]
default:
    let isW5 = w == "W5"
    let s =
        isW5
        ? source(["order_id", "region", "shop_id", "amount", "ts"], record: false, time: true)
        : source(["order_id", "ts", "user_id", "amount", "shop_id"], record: false, time: false)
    var ts = Schema()
    var tf: [JSONFieldPath] = []
    for (n, t) in [
        ("shop_id", FieldType.int), ("name", .string), ("category", .string), ("city", .string),
        ("vip", .bool),
    ] {
        tf.append(JSONFieldPath(path: [n], column: ts.add(Field(n, t), leaves: true)))
    }
    let tableSchema = ts, tableFields = tf
    let table = Plan.SourceNode(
        name: "shops", schema: ts, watermark: nil,
        makeSource: {
            FileSource(FileSource.Options(patterns: [shops]), fileSystem: fs, clock: clock)
        },
        makeDecoder: {
            try! JSONDecoder(
                schema: tableSchema, fields: tableFields, sourceName: "shops", zones: zones)
        },
        table: .init(
            index: 0,
            makeBuilder: { BroadcastTableBuilder(name: "shops", key: [0], byteCountMax: 100 << 20) }
        ))
    plan.sources = [s, table]
    if isW5 {
        let d = DedupStep(
            input: s.schema, key: [0], scope: .bucket(size: 60_000_000, retain: 900_000_000),
            keep: .first)
        let j = BroadcastJoinStep(
            input: s.schema, table: 0, tableSchema: ts, on: [2], kind: .inner,
            selected: [.init(column: 2, name: "category")])
        let jo = j.output
        let win = WindowStep(
            input: jo, by: [jo.index(of: "category")!, 1], size: 60_000_000,
            aggregates: [
                Aggregate(name: "cnt", function: .count, argument: nil, filter: nil),
                Aggregate(
                    name: "total", function: .sum, argument: typed("amount", jo), filter: nil),
            ], format: .milliseconds)
        plan.steps = [
            .init(
                name: "d", type: "dedup", input: .init(.source(0)), inputSchema: s.schema,
                outputs: [.main: s.schema], key: [0], needsOrder: true,
                makeOperator: { d.makeOperator($0) }),
            .init(
                name: "j", type: "broadcast_join", input: .init(.step(0)), inputSchema: s.schema,
                outputs: [.main: jo], makeOperator: { j.makeOperator($0) }),
            .init(
                name: "w", type: "window", input: .init(.step(1)), inputSchema: jo,
                outputs: [.main: win.output], key: win.by, makeOperator: { win.makeOperator($0) }),
        ]
        plan.sinks = [sink(.init(.step(2)), win.output)]
    } else {
        let j = BroadcastJoinStep(
            input: s.schema, table: 0, tableSchema: ts, on: [4], kind: .inner,
            selected: [1, 2, 3, 4].map { .init(column: $0, name: tableSchema.fields[$0].name) })
        plan.steps = [
            .init(
                name: "j", type: "broadcast_join", input: .init(.source(0)), inputSchema: s.schema,
                outputs: [.main: j.output], makeOperator: { j.makeOperator($0) })
        ]
        plan.sinks = [sink(.init(.step(0)), j.output)]
    }
}
let t0 = clock.monotonicNanoseconds()
let outcome = Engine(plan, clock: clock, log: { print("log:", $0) }).run()
print(
    w, "workers", workers, Double(clock.monotonicNanoseconds() - t0) / 1e9, "s",
    outcome.failure as Any)
print(outcome.statistics.text)
