import Dataflow
import Storage

/// The files with the rows of broadcast tables: one for the version in force of each, written where
/// that is new.
struct TableFiles {
    private let directory: StateDirectory
    /// By source; kept alive, so that no other version has the identity of one that is known.
    private var files: [Int: (version: any TableVersion, name: String)] = [:]

    init(_ directory: StateDirectory) { self.directory = directory }

    /// Gives the files of versions in force, by source, each held once for who asks; `versions` are
    /// by table.
    mutating func hold(
        _ versions: [(any TableVersion)?], of plan: Plan, in fileSystem: any FileSystem
    ) throws -> [Int: String] {
        var names: [Int: String] = [:]
        for (source, node) in plan.sources.enumerated() {
            guard let index = node.table?.index, let version = versions[index] else { continue }
            names[source] = try name(of: version, source, in: fileSystem)
        }
        // What fails before has held nothing.
        for name in names.values { directory.hold(name) }
        return names
    }

    private mutating func name(
        of version: any TableVersion, _ source: Int, in fileSystem: any FileSystem
    ) throws -> String {
        if let known = files[source], known.version === version { return known.name }
        let name = directory.makeBlobName()
        try ManifestFile.write(version.encoded(), to: directory.path(of: name), in: fileSystem)
        // It is needed as long as the version is in force.
        directory.hold(name)
        let old = files.updateValue((version, name), forKey: source)
        if let old { try directory.release(old.name) }
        return name
    }
}
