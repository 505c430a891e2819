/// Reads how a sink goes on while its server takes no rows.
enum DeliveryReader {
    /// Bytes of a queue, at least: it holds parts of a mebibyte.
    private static let quotaMin = 16 << 20

    static func read(_ reader: SpecReader) -> DeliverySpec {
        var queue = QueueSpec()
        if reader.has("queue"), let nested = reader.nested("queue", keys: .queue) {
            queue.path = nested.string("path", takes: "the path of a directory")
            queue.quota = nested.size("quota", atLeast: quotaMin)?.value ?? queue.quota
            nested.finish()
        }
        let least = reader.duration("retry_min")
        let most = reader.duration("retry_max")
        let retryMin = least?.value ?? 100_000
        let retryMax = most?.value ?? max(10_000_000, retryMin)
        if retryMax < retryMin {
            reader.diagnostics.error(
                at: reader.place(of: "retry_max"), "'retry_max' is less than 'retry_min'")
        }
        return DeliverySpec(retryMin: retryMin, retryMax: retryMax, queue: queue)
    }
}
