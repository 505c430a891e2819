package import Dataflow

/// From specifications to what runs: the one place that knows the concrete components.
///
/// Each function takes what was checked and gives the closure that the plan holds. Closures are
/// called once per worker (decoders, operators, encoders) or once per run (sources, writers).
extension CheckedPipeline {
    /// The settings of the engine.
    package var engineSettings: Plan.Settings {
        var result = Plan.Settings()
        result.workers = workers
        result.chunkBytes = settings.chunkBytes
        result.batchRows = settings.batchRows
        result.chunksInFlight = settings.chunksInFlight ?? result.chunksInFlight
        result.bytesInFlight = settings.bytesInFlight
        return result
    }
}

extension WatermarkSpec {
    /// The watermark as the engine follows it; files and connections are partitions there.
    var strategy: WatermarkStrategy {
        WatermarkStrategy(
            delay: maxDelay, idleTimeout: idleTimeout, maxFuture: maxFuture,
            scope: scope == .source ? .source : .partition)
    }
}
