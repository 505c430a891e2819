import Connectors

/// Finds files that two parts of a pipeline would use at once: a sink would empty what a source
/// reads, or two sinks would write over each other.
struct PathConflicts {
    let diagnostics: Diagnostics

    /// Reports sinks whose file is taken. Devices may be shared.
    func check(_ file: PipelineFile) {
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
            let isRolled = target.rollBytes != nil || target.rollEvery != nil
            if let source = readers[path], target.template.literal != nil, !isRolled {
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
