import Dataflow
import Operators
import Storage

/// Keyed state, and the steps that stand on it.
struct StateMeasurements {
    let data: BenchData

    func run(_ bench: inout Bench) throws {
        tables(&bench)
        try dedup(&bench)
        try join(&bench)
        try window(&bench)
    }

    /// The table of dedup and windows alone: keys that are new, and keys that are there.
    private func tables(_ bench: inout Bench) {
        let encoder = KeyEncoder(columns: [BenchData.column("order_id")])
        bench.measure("keys encoded and hashed", rows: data.rowCount, batches: data.batches.count) {
            for batch in data.batches { _ = encoder.encode(batch) }
        }
        let keys = data.batches.map { encoder.encode($0) }
        let entries = Slab(byteCount: BenchData.rowsOfBatch * 4)
        func insert(into table: HotTable) {
            for batch in keys {
                _ = table.getOrInsert(batch, rows: nil, count: batch.rowCount, into: entries)
            }
        }
        bench.measure("table, new keys", rows: data.rowCount, batches: keys.count) {
            insert(into: HotTable(valueWidth: 0))
        }
        let full = HotTable(valueWidth: 0)
        insert(into: full)
        bench.measure("table, known keys", rows: data.rowCount, batches: keys.count) {
            insert(into: full)
        }
    }

    private func dedup(_ bench: inout Bench) throws {
        let step = DedupStep(
            input: data.schema, key: [BenchData.column("order_id")],
            scope: .bucket(size: 60_000_000, retain: 900_000_000), keep: .first)
        try measure("dedup step", &bench) { step.makeOperator($0) }
    }

    private func join(_ bench: inout Bench) throws {
        guard let key = data.shopSchema.index(of: "shop_id"),
            let category = data.shopSchema.index(of: "category")
        else { return }
        let builder = BroadcastTableBuilder(
            name: "shops", types: data.shops.columns.map(\.type), key: [key],
            byteCountMax: 100 << 20)
        var rejects = RejectedRows()
        try builder.add(data.shops, rejects: &rejects) { _ in "" }
        let step = BroadcastJoinStep(
            input: data.schema, table: 0, tableSchema: data.shopSchema,
            on: [BenchData.column("shop_id")], kind: .inner,
            selected: [.init(column: category, name: "category")])
        try measure("broadcast join step", tables: [builder.version()], &bench) {
            step.makeOperator($0)
        }
    }

    private func window(_ bench: inout Bench) throws {
        let amount = try Expression.parse("amount").get().checked(against: data.schema).get()
        for (name, functions) in [
            ("window step, count and sum", [AggregateCall.Function.count, .sum]),
            ("window step, seven aggregates", [.count, .sum, .avg, .min, .max, .variance, .first]),
        ] {
            let aggregates = functions.map { function in
                Aggregate(
                    name: "\(function)", function: function,
                    argument: function == .count ? nil : amount, filter: nil)
            }
            let step = WindowStep(
                input: data.schema, by: [BenchData.column("region")], size: 60_000_000,
                aggregates: aggregates, format: .milliseconds)
            try measure(name, &bench) { step.makeOperator($0) }
        }
    }

    /// A step over all batches, each a chunk of its own, with a new operator in every run.
    private func measure(
        _ name: String, tables: [any TableVersion] = [], _ bench: inout Bench,
        _ makeOperator: (StepContext) -> any Operator
    ) throws {
        let context = StepContext(step: name, worker: 0, workers: 1, sources: ["orders"])
        let chunks = data.batches.indices.map { number in
            Chunk(
                number: number, sequence: number, source: 0,
                content: .records(RawChunk(events: [])), arrival: 0, tables: tables)
        }
        guard let mark = data.schema.watermark else { return }
        try bench.measure(name, rows: data.rowCount, batches: data.batches.count) {
            let step = makeOperator(context)
            var output = Emitter()
            for (batch, chunk) in zip(data.batches, chunks) {
                try step.process(batch, at: chunk, into: &output)
                let watermark = batch.columns[mark].int64(at: batch.count - 1)
                _ = try step.advance(to: watermark, at: chunk, into: &output)
                _ = output.take()
            }
            precondition(step.counters.received == data.rowCount, "every row was taken")
        }
    }
}
