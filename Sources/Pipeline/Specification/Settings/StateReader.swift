import Storage

/// Reads `settings.state`.
struct StateReader {
    let reader: SpecReader

    private static let memoryBytesMin = 1 << 20
    private static let codecs = ["none", "lz4", "zstd"]

    /// What the section says; nil where state has no place on disk.
    func read() -> StateSpec? {
        defer { reader.finish() }
        let backend = reader.choice("backend", ["memory", "lsm"])
        let path = reader.string("path", takes: "the path of a directory")
        let memory = reader.size("memory_limit", atLeast: Self.memoryBytesMin)
        let compression = codec("compression")
        let cold = codec("cold_compression")
        if let backend, backend.value == "lsm", !reader.has("path") {
            reader.report(
                "backend", at: backend.place, "'backend: lsm' needs a 'path' for its files")
        }
        guard let path else { return nil }
        return StateSpec(
            evicts: backend?.value != "memory", path: path.value,
            memoryBytes: memory?.value ?? 256 << 20,
            compression: compression ?? .lz4, coldCompression: cold ?? compression ?? .lz4)
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
