package import Storage

/// The `buffer` of a source: an embedded log between it and the pipeline.
package struct BufferSpec: Sendable {
    /// The log's directory.
    package let path: String
    /// How the log is kept.
    package let options: LogOptions
}

/// Reads the `buffer` of a source: `log`, or a mapping.
struct BufferReader {
    let source: Located<String>
    let recordBytesMax: Int
    let settings: SettingsSpec
    let diagnostics: Diagnostics

    private static let quota = 1 << 30
    /// Records that a quota has room for, at least.
    private static let recordsOfQuota = 16
    /// Segments of a quota: whole ones make room.
    private static let segmentsOfQuota = 16
    private static let segmentBytesMax = 64 << 20
    private static let segmentBytesMin = 64 << 10

    func read(_ parent: SpecReader) -> BufferSpec? {
        guard parent.has("buffer"), let node = parent.node("buffer") else { return nil }
        let place = parent.place(of: "buffer")
        if settings.checkpoint == nil {
            diagnostics.error(
                at: place,
                "'buffer' needs checkpoints, which say what of it is done: add "
                    + "settings.checkpoint, and a 'path' to settings.state")
        }
        if node.scalar != nil {
            guard parent.choice("buffer", ["log"]) != nil else { return nil }
            return spec(path: nil, sync: nil, quota: nil, codec: nil)
        }
        guard let reader = parent.nested("buffer", keys: .buffer) else { return nil }
        defer { reader.finish() }
        if reader.choice("type", ["log"]) == nil { reader.miss("type", "type: log") }
        return spec(
            path: reader.string("path", takes: "the path of a directory")?.value,
            sync: SyncReader.read(reader),
            quota: reader.size("quota", atLeast: Self.recordsOfQuota * recordBytesMax)?.value,
            codec: reader.choice("compression", ["none", "lz4", "zstd"])?.value)
    }

    private func spec(
        path: String?, sync: LogOptions.Sync?, quota: Int?, codec: String?
    ) -> BufferSpec? {
        var options = LogOptions()
        options.sync = sync ?? options.sync
        let quota = quota ?? Self.quota
        options.quota = quota
        options.segmentBytes = min(
            max(quota / Self.segmentsOfQuota, Self.segmentBytesMin), Self.segmentBytesMax)
        switch codec {
        case "lz4": options.codec = .lz4
        case "zstd": options.codec = .zstd(level: 1)
        default: options.codec = .none
        }
        // Without a place for state there is a report already.
        let state = settings.state?.path ?? "."
        return BufferSpec(
            path: path ?? FilePath.join(state, "buffer-\(source.value)"), options: options)
    }
}

/// Reads when a log is made durable.
enum SyncReader {
    static func read(_ reader: SpecReader) -> LogOptions.Sync? {
        guard let text = reader.string("sync", takes: "every, os or an interval such as 1s") else {
            return nil
        }
        switch text.value {
        case "every": return .every
        case "os": return .os
        default:
            if let interval = Quantity.duration(text.value), interval > 0 {
                return .interval(interval)
            }
            reader.report(
                "sync", at: text.place,
                "'sync' takes every, os or an interval such as 1s, not '\(text.value)'")
            return nil
        }
    }
}
