/// Reads `settings.checkpoint`.
struct CheckpointReader {
    let reader: SpecReader

    /// Microseconds between two checkpoints, at least.
    private static let everyMin: Int64 = 10_000
    private static let keepMax = 1000

    func read() -> CheckpointSpec {
        var spec = CheckpointSpec(place: reader.place(of: ""))
        spec.every = reader.duration("every", atLeast: Self.everyMin)?.value ?? spec.every
        spec.minPause = reader.duration("min_pause", atLeast: 0)?.value ?? spec.every / 2
        spec.timeout = reader.duration("timeout")?.value ?? spec.timeout
        spec.keep = reader.integer("keep", 1...Self.keepMax)?.value ?? spec.keep
        if reader.section("second_place") != nil,
            let second = reader.nested("second_place", keys: .secondPlace)
        {
            spec.secondPlace = readSecondPlace(second)
        }
        reader.finish()
        return spec
    }

    private func readSecondPlace(_ second: SpecReader) -> CheckpointSpec.SecondPlace? {
        defer { second.finish() }
        let every = second.duration("every")?.value ?? 0
        let isRequired = second.bool("required")?.value ?? false
        guard second.has("path") else {
            second.miss("path", "/mnt/backup/orders")
            return nil
        }
        guard let path = second.string("path", takes: "the path of a directory") else {
            return nil
        }
        return CheckpointSpec.SecondPlace(
            path: path.value, every: every, isRequired: isRequired)
    }
}
