import Storage

/// Reads `settings.state`.
struct StateReader {
    let reader: SpecReader

    private static let memoryBytesMin = 1 << 20
    /// The reserve of state that stays in memory, whatever that takes.
    private static let memoryReserveBytes = 64 << 20
    private static let codecs = ["none", "lz4", "zstd"]

    /// What the section says; nil where state has no place on disk.
    func read() -> StateSpec? {
        defer { reader.finish() }
        let backend = reader.choice("backend", ["memory", "lsm"])
        let path = reader.string("path", takes: "the path of a directory")
        let memory = reader.size("memory_limit", atLeast: Self.memoryBytesMin)
        let quota = reader.size("quota", atLeast: Self.memoryBytesMin)
        let reserve = reader.size("reserve", atLeast: 0)
        let compression = codec("compression")
        let cold = codec("cold_compression")
        if let backend, backend.value == "lsm", !reader.has("path") {
            reader.report(
                "backend", at: backend.place, "'backend: lsm' needs a 'path' for its files")
        }
        if let quota, let reserve, reserve.value > quota.value / 2 {
            reader.report(
                "reserve", at: reserve.place,
                "'reserve' is a part of the quota, at most half of it: "
                    + Quantity.text(bytes: quota.value / 2))
        }
        guard let path else {
            if backend?.value != "lsm" { warnOfIdleKeys() }
            return nil
        }
        let evicts = backend?.value != "memory"
        let memoryBytes = memory?.value ?? 256 << 20
        let reserveBytes = min(
            evicts ? memoryBytes : Self.memoryReserveBytes, (quota?.value ?? .max) / 4)
        return StateSpec(
            evicts: evicts, path: path.value, memoryBytes: memoryBytes,
            quotaBytes: quota?.value, reserveBytes: reserve?.value ?? reserveBytes,
            compression: compression ?? .lz4, coldCompression: cold ?? compression ?? .lz4)
    }

    /// Without a place on disk, state stays in memory, however much it is.
    private func warnOfIdleKeys() {
        let keys = ["memory_limit", "quota", "reserve", "compression", "cold_compression"]
        for key in keys where reader.has(key) && !reader.has("path") {
            reader.diagnostics.warning(
                at: reader.place(of: key),
                "'\(key)' changes nothing without a 'path': state stays in memory")
        }
    }

    private func codec(_ key: String) -> BlockCodec? {
        switch reader.choice(key, Self.codecs)?.value {
        case "none": BlockCodec.none
        case "zstd": .zstd(level: 1)
        case "lz4": .lz4
        default: nil
        }
    }
}
