/// The example that the tests share.
let ordersFile = """
    name: orders
    settings:
      workers: 2
      dead_letter: rejects
    sources:
      orders:
        type: file
        paths: [ "data/orders-*.ndjson" ]
        format: { type: json }
        schema: { order_id: string, shop_id: int, region: string, amount: float, status: string, ts: timestamp_ms }
        event_time: ts
        watermark: { max_delay: 5s, idle_timeout: 30s, max_future: 1m }
        rate_limit: 200000/s
      shops:
        type: file
        paths: [ data/shops.ndjson ]
        schema: { shop_id: int, category: string, city: string, owner: string }
        table: { key: shop_id }
    steps:
      paid:       { type: filter, where: "status = 'paid' AND amount > 0" }
      unique:     { type: dedup, key: [ order_id ], bucket: 1m, retain: 1h, keep: first }
      located:    { type: broadcast_join, table: shops, on: shop_id, kind: left, select: [ category, city ] }
      per_minute: { type: window, by: [ region, category ], window: { kind: tumbling, size: 1m },
                    aggregate: { total: sum(amount), orders: count() } }
    sinks:
      totals:  { type: stdout, format: { type: json } }
      late:    { type: file, inputs: [ unique.late, per_minute.late ], path: "out/late-{date}.ndjson" }
      rejects: { type: file, path: out/rejects.ndjson }
    """
