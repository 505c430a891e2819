import TestSupport
import Testing

/// Steps whose result depends on the order of rows give the same under every number of workers,
/// also behind steps that make or hold rows.
struct RowOrderTests {
    private static let chains = [
        "a: { type: dedup, key: id, bucket: 10s, retain: 5s, keep: last }",
        "a: { type: dedup, key: [ id, shop ], bucket: 10s, retain: 0s, keep: last }",
        "a: { type: dedup, key: id, window: 1m, buckets: 3, keep: first }",
        """
        a: { type: window, by: [ id, shop ], window: { kind: tumbling, size: 10s }, aggregate: {
            shop2: max(shop), n: sum(n), ts2: last(n) } }
        """,
    ]
    private static let ends = [
        "z: { type: dedup, key: id, bucket: 1m, retain: 0m, keep: first }",
        "z: { type: dedup, key: id, bucket: 1m, retain: 0m, keep: last }",
        """
        m: { type: dedup, key: [ id, n ], bucket: 20s, retain: 0m, keep: last }
          z: { type: dedup, key: shop, bucket: 1m, retain: 0m, keep: first }
        """,
        """
        z: { type: window, by: id, window: { kind: tumbling, size: 1m }, aggregate: {
            first: first(n), last: last(n), shop: first(shop) } }
        """,
    ]

    /// Rows with few keys, disorder, and many that share a bucket.
    private static func input(_ seed: UInt64) -> String {
        var random = SplitMix64(seed: seed)
        return (0..<400).map { row in
            let time = 1_767_226_200_000 + row * 400 - random.int(0...8_000)
            let (id, shop) = (random.int(0..<12), random.int(0..<5))
            return "{\"id\":\"k\(id)\",\"shop\":\(shop),\"n\":\(row),\"ts\":\(time)}\n"
        }.joined()
    }

    private static func yaml(_ chain: String, _ end: String) -> String {
        """
        sources:
          in:
            type: file
            paths: [ in.ndjson ]
            schema: { id: string, shop: int, n: int, ts: timestamp_ms }
            event_time: ts
            watermark: { max_delay: 5s }
        steps:
          \(chain)
          \(end)
        sinks:
          out: { type: file, path: out.ndjson }
        """
    }

    @Test(arguments: chains, ends)
    func theNumberOfWorkersChangesNoResult(_ chain: String, _ end: String) throws {
        for seed in Seeds.list(6) {
            let files = MemoryFileSystem()
            files.put("in.ndjson", Self.input(seed))
            var expected: [Substring]?
            for workers in [1, 2, 3, 7] {
                let run = try PipelineRun.run(
                    Self.yaml(chain, end), name: "order", over: files,
                    set: ["settings.workers=\(workers)", "settings.chunk_size=4KiB"])
                let rows = run.lines("out.ndjson").sorted()
                #expect(rows.count > 10)
                #expect(rows == expected ?? rows, "\(workers) workers, \(Seeds.note(seed))")
                expected = rows
            }
        }
    }
}
