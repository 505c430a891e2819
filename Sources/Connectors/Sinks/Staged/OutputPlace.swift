import Storage

/// What stands beside a sink's output for it: one journal and one lock for each output, whoever
/// writes it.
///
///     "." | name | ".weir-journal"
///     "." | name | ".weir-lock"
///
/// The name is that of the file; of a template it is what stands behind its directory, with `%2F`
/// for `/`. So two pipelines that write to one file meet, whatever they are called, and two of one
/// name that write to different files do not.
package struct OutputPlace: Sendable {
    let journal: String
    let lock: String
    /// The journal of earlier versions, which was named after the pipeline and the sink.
    let former: String?
    private let template: PathTemplate

    private static let journalEnding = ".weir-journal"
    private static let lockEnding = ".weir-lock"
    /// Names have 255 bytes at most, and staged files have more behind theirs.
    private static let byteCountMax = 200
    private static let charactersKept = 40

    package init(_ template: PathTemplate, pipeline: String? = nil, sink: String = "") {
        self.template = template
        let directory = template.directory
        let stem = FilePath.join(directory, ".\(Self.name(of: template))")
        journal = stem + Self.journalEnding
        lock = stem + Self.lockEnding
        former = pipeline.map { FilePath.join(directory, ".weir-\($0)-\(sink)") }
    }

    private static func name(of template: PathTemplate) -> String {
        var text = ""
        for piece in template.pieces {
            switch piece {
            case .text(let part): text += part
            case .time(let part, _): text += "{\(part.rawValue)}"
            case .field(let name, _): text += "{\(name)}"
            }
        }
        let directory = template.directory
        text.removeFirst(directory.isEmpty || directory == "/" ? 0 : directory.count + 1)
        var name = ""
        for character in text {
            switch character {
            case "/": name += "%2F"
            case "%": name += "%25"
            default: name.append(character)
            }
        }
        guard name.utf8.count > byteCountMax else { return name }
        let bytes = Array(name.utf8)
        let hash = Slab(bytes).hash(0..<bytes.count)
        return "\(name.prefix(charactersKept))-\(String(hash, radix: 16))"
    }

    /// The lock that belongs to a journal, of whatever version.
    static func lock(of journal: String) -> String {
        guard journal.hasSuffix(journalEnding) else { return journal + ".lock" }
        return journal.dropLast(journalEnding.count) + lockEnding
    }

    /// Claims an output for as long as the file is open.
    static func claim(
        _ lock: String, for output: String, _ fileSystem: any FileSystem
    ) throws -> any File {
        let file = try fileSystem.open(lock, .write(truncating: false))
        guard try file.lock() else {
            throw StorageError(
                .alreadyExists, operation: "write", path: output,
                cause: "another run writes to the same output (it holds \(lock))",
                advice: "stop it, or give this sink a path of its own")
        }
        return file
    }

    /// What the output is called in messages.
    var output: String { template.literal ?? template.text }

    /// Whether a file can be one of this output.
    func owns(_ path: String) -> Bool {
        if Self.matches(path[...], template.pieces[...]) { return true }
        let name = FilePath.name(of: path)
        // Of a rolled file: the number goes before the first dot of the name.
        let dot = name.dropFirst().firstIndex(of: ".") ?? name.endIndex
        let stem = name[..<dot]
        let digits = stem.reversed().prefix { $0.isNumber }.count
        guard digits > 0, stem.dropLast(digits).last == "-" else { return false }
        let plain = stem.dropLast(digits + 1) + name[dot...]
        let unrolled = FilePath.join(FilePath.directory(of: path), String(plain))
        return Self.matches(unrolled[...], template.pieces[...])
    }

    private static func matches(
        _ path: Substring, _ pieces: ArraySlice<PathTemplate.Piece>
    ) -> Bool {
        guard let piece = pieces.first else { return path.isEmpty }
        let rest = pieces.dropFirst()
        if case .text(let text) = piece {
            return path.hasPrefix(text) && matches(path.dropFirst(text.count), rest)
        }
        // Values have no slash.
        let value = path.prefix { $0 != "/" }
        return value.indices.contains { index in
            matches(path[path.index(after: index)...], rest)
        }
    }
}
