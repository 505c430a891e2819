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
            path: path.value, place: path.place, every: every, isRequired: isRequired)
    }

    /// Reports a second place that is the directory of state, or within it, or around it: each
    /// would remove what it takes for files that nobody needs.
    func check(_ spec: CheckpointSpec, beside state: StateSpec?) {
        guard let state, let second = spec.secondPlace,
            state.path.hasPrefix("/") == second.path.hasPrefix("/")
        else { return }
        let (here, there) = (Self.parts(of: state.path), Self.parts(of: second.path))
        guard here.starts(with: there) || there.starts(with: here) else { return }
        let relation =
            here == there ? "is" : there.count > here.count ? "is inside" : "is around"
        reader.report(
            "second_place", at: second.place,
            "'path' of the second place \(relation) the directory of state '\(state.path)'; "
                + "give it one of its own, on another disk")
    }

    /// The names along a path, without those that go nowhere.
    private static func parts(of path: String) -> [Substring] {
        var parts: [Substring] = path.hasPrefix("/") ? ["/"] : []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != "..", last != "/" {
                parts.removeLast()
            } else {
                parts.append(part)
            }
        }
        return parts
    }
}
