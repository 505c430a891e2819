import Connectors

/// Finds files and logs that two parts of a pipeline would use at once: a sink would empty what a
/// source reads, or two sinks would write over each other.
struct PathConflicts {
    let diagnostics: Diagnostics

    /// Reports what is used twice. Devices may be shared.
    func check(_ file: PipelineFile) {
        checkFiles(file)
        checkLogs(file)
        checkTables(file)
    }

    /// Reports tables that two sinks write to, and databases that others use as files.
    private func checkTables(_ file: PipelineFile) {
        var files: [String: String] = [:]
        for source in file.sources {
            guard let spec = source.spec, case .file(let read) = spec.kind else { continue }
            for path in read.files { files[Self.plain(path)] = "source '\(spec.name.value)' reads" }
        }
        for sink in file.sinks {
            guard let spec = sink.spec, case .file(let target) = spec.kind else { continue }
            files[Self.plain(target.template.text)] = "sink '\(spec.name.value)' writes"
        }
        var writers: [String: String] = [:]
        for sink in file.sinks {
            guard let spec = sink.spec, case .sqlite(let sqlite) = spec.kind else { continue }
            let path = Self.plain(sqlite.path.value)
            if let other = files[path] {
                diagnostics.error(
                    at: sqlite.path.place,
                    "'path': \(other) '\(sqlite.path.value)' as a file; a database is no such file")
            }
            // No path has this character, and tables do not tell upper from lower case.
            let table = path + "\0" + sqlite.table.value.lowercased()
            if let other = writers[table] {
                diagnostics.error(
                    at: sqlite.table.place,
                    "'table': sink '\(other)' writes to table '\(sqlite.table.value)' of "
                        + "'\(sqlite.path.value)' too; give one sink both inputs")
            }
            writers[table] = spec.name.value
        }
    }

    /// Reports sinks whose log is read, or written, by another part: a log has one writer, and one
    /// that reads what it writes would never come to an end of it.
    private func checkLogs(_ file: PipelineFile) {
        var readers: [String: String] = [:]
        var writers: [String: String] = [:]
        for source in file.sources {
            guard let spec = source.spec else { continue }
            if case .log(let log) = spec.kind {
                readers[PathConflicts.plain(log.path)] = spec.name.value
            }
            if let buffer = spec.buffer {
                writers[PathConflicts.plain(buffer.path)] = "source '\(spec.name.value)'"
            }
        }
        for spec in file.sinks.compactMap(\.spec) {
            for log in spec.logs {
                let path = PathConflicts.plain(log.path.value)
                let shown = log.path.value
                if let source = readers[path] {
                    diagnostics.error(
                        at: log.path.place,
                        "'\(log.key)': source '\(source)' reads the log '\(shown)', which this "
                            + "sink would write")
                }
                if let other = writers[path] {
                    diagnostics.error(
                        at: log.path.place,
                        "'\(log.key)': \(other) writes the log '\(shown)' too; a log has one writer"
                    )
                }
                writers[path] = "sink '\(spec.name.value)'"
            }
        }
    }

    private func checkFiles(_ file: PipelineFile) {
        var readers: [String: String] = [:]
        for source in file.sources {
            guard let spec = source.spec, case .file(let files) = spec.kind else { continue }
            for path in files.files { readers[PathConflicts.plain(path)] = spec.name.value }
        }
        var writers: [String: String] = [:]
        for sink in file.sinks {
            guard let spec = sink.spec, case .file(let target) = spec.kind else { continue }
            let path = PathConflicts.plain(target.template.text)
            if path.hasPrefix("/dev/") || path.hasPrefix("/proc/") { continue }
            let shown = target.path.value
            if let source = readers[path], target.template.literal != nil, !target.isRolled {
                diagnostics.error(
                    at: target.path.place,
                    "'path': source '\(source)' reads '\(shown)', which this sink would empty")
            }
            if let other = writers[path] {
                diagnostics.error(
                    at: target.path.place,
                    "'path': sink '\(other)' writes '\(shown)' too; give one sink both inputs")
            }
            writers[path] = spec.name.value
        }
    }

    /// A path without parts that mean nothing.
    private static func plain(_ path: String) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." }
        return (path.hasPrefix("/") ? "/" : "") + parts.joined(separator: "/")
    }
}

extension SinkSpec {
    /// The logs that it writes, and the keys that name them.
    fileprivate var logs: [(key: String, path: Located<String>)] {
        var logs: [(key: String, path: Located<String>)] = []
        if case .log(let log) = kind { logs.append(("path", log.path)) }
        if let queue = kind.delivery?.queue.path { logs.append(("path", queue)) }
        if case .http(let http) = kind, let refused = http.refused {
            logs.append(("refused", refused))
        }
        return logs
    }
}
