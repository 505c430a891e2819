import Yams

/// Reads the bytes of a pipeline file into a tree, or says what is wrong with them.
///
/// Nothing in a file makes it crash or run away: size, depth and the number of values after the
/// expansion of aliases are bounded.
struct YAMLReader {
    /// Bytes of a file.
    static let bytesMax = 1 << 20
    /// Lists and mappings inside each other.
    static let depthMax = 64
    /// Values of a tree, expanded aliases among them.
    static let valuesMax = 100_000
    /// Duplicate keys that are reported; each takes another pass.
    static let duplicatesMax = 50
    /// Aliases that may stand in a file whose keys are not plain text. Yams compares such keys
    /// expanded, and with so few aliases that stays small.
    static let aliasesByComplexKeysMax = 8

    private let file: String
    private let diagnostics: Diagnostics
    private var valueCount = 0
    /// Keys that were renamed for Yams' sake, by place.
    private var renamed: [Place: String] = [:]
    private var gaveUp = false

    /// The tree of the one document in `bytes`; nil after an error that leaves none, or for an
    /// empty document.
    static func read(_ bytes: [UInt8], file: String, diagnostics: Diagnostics) -> YAMLNode? {
        var reader = YAMLReader(file: file, diagnostics: diagnostics)
        guard bytes.count <= bytesMax else {
            diagnostics.error(
                at: Place(file: file, line: 1, column: 1),
                "a pipeline file has at most 1 MiB; this one has more")
            return nil
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            diagnostics.error(at: reader.placeOfInvalidUTF8(bytes), "the file is not valid UTF-8")
            return nil
        }
        guard reader.keysAreHarmless(bytes) else { return nil }
        return reader.compose(text)
    }

    private init(file: String, diagnostics: Diagnostics) {
        self.file = file
        self.diagnostics = diagnostics
    }

    // MARK: Composing

    /// Parses the text; a duplicate key, at which Yams stops, gets another name and a new try.
    private mutating func compose(_ original: String) -> YAMLNode? {
        var text = original
        while true {
            do {
                let parser = try Parser(
                    yaml: text, resolver: .basic, constructor: .default, encoding: .utf8)
                guard let root = try parser.singleRoot() else { return nil }
                return convert(root, depth: 0)
            } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
                let place = self.place(context.mark)
                guard renamed.count < YAMLReader.duplicatesMax, let key = duplicates.first,
                    let next = YAMLReader.rename(key, at: place, in: text, to: renamed.count)
                else {
                    diagnostics.error(
                        at: place, "duplicate key '\(duplicates.first ?? "")'")
                    return nil
                }
                renamed[place] = key
                text = next
            } catch let error as YamlError {
                report(error, in: text)
                return nil
            } catch {
                diagnostics.error(at: Place(file: file), "not readable as YAML: \(error)")
                return nil
            }
        }
    }

    private func place(_ mark: Mark?) -> Place {
        mark.map { Place(file: file, line: $0.line, column: $0.column) } ?? Place(file: file)
    }

    /// Replaces the key at `place` by a name that stands nowhere else, of the same length.
    private static func rename(
        _ key: String, at place: Place, in text: String, to number: Int
    ) -> String? {
        guard let stand = Unicode.Scalar(0xE000 + UInt32(number)), !key.isEmpty else { return nil }
        var scalars = Array(text.unicodeScalars)
        var index = 0
        var line = 1
        while line < place.line, index < scalars.count {
            if SourceText.isBreak(scalars, index) { line += 1 }
            index += 1
        }
        index += place.column - 1
        guard index < scalars.count else { return nil }
        if scalars[index] == "\"" || scalars[index] == "'" { index += 1 }
        let old = Array(key.unicodeScalars)
        guard index + old.count <= scalars.count,
            scalars[index..<(index + old.count)].elementsEqual(old)
        else { return nil }
        for offset in old.indices { scalars[index + offset] = stand }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    // MARK: Converting

    private mutating func convert(_ node: Node, depth: Int) -> YAMLNode? {
        valueCount += 1
        let place = self.place(node.mark)
        guard valueCount <= YAMLReader.valuesMax else {
            giveUp(at: place, "too many values: aliases may expand to \(YAMLReader.valuesMax)")
            return nil
        }
        guard depth <= YAMLReader.depthMax else {
            giveUp(at: place, "lists and mappings are nested more than \(YAMLReader.depthMax) deep")
            return nil
        }
        switch node {
        case .scalar(let scalar):
            let text = YAMLScalar(text: scalar.string, style: YAMLReader.style(of: scalar))
            return YAMLNode(content: .scalar(text), place: place)
        case .sequence(let sequence):
            var items: [YAMLNode] = []
            for item in sequence {
                guard let value = convert(item, depth: depth + 1) else { return nil }
                items.append(value)
            }
            return YAMLNode(content: .sequence(items), place: place)
        case .mapping(let mapping):
            return convert(mapping, at: place, depth: depth)
        case .alias:
            diagnostics.error(at: place, "an alias without its anchor")
            return nil
        }
    }

    private mutating func convert(
        _ mapping: Node.Mapping, at place: Place, depth: Int
    ) -> YAMLNode? {
        var entries: [YAMLEntry] = []
        var merged: [YAMLEntry] = []
        var places: [String: Place] = [:]
        for (key, value) in mapping {
            let keyPlace = self.place(key.mark)
            guard let value = convert(value, depth: depth + 1) else { return nil }
            guard case .scalar(let scalar) = key else {
                diagnostics.error(at: keyPlace, "a key is a name, not a list or a mapping")
                continue
            }
            let name = renamed[keyPlace] ?? scalar.string
            if name == "<<", scalar.style == .plain {
                merged += merge(value)
            } else if let first = places[name] {
                diagnostics.error(
                    at: keyPlace, "duplicate key '\(name)'; it stands in line \(first.line) too")
            } else {
                places[name] = keyPlace
                entries.append(YAMLEntry(key: name, keyPlace: keyPlace, value: value))
            }
        }
        for entry in merged where places[entry.key] == nil {
            places[entry.key] = entry.keyPlace
            entries.append(entry)
        }
        return YAMLNode(content: .mapping(entries), place: place)
    }

    /// The entries that a merge key brings.
    private func merge(_ value: YAMLNode) -> [YAMLEntry] {
        switch value.content {
        case .mapping(let entries): return entries
        case .sequence(let items): return items.flatMap { merge($0) }
        case .scalar:
            diagnostics.error(at: value.place, "'<<' takes a mapping, not \(value.shown)")
            return []
        }
    }

    private mutating func giveUp(at place: Place, _ message: String) {
        if !gaveUp { diagnostics.error(at: place, message) }
        gaveUp = true
    }

    private static func style(of scalar: Node.Scalar) -> YAMLScalar.Style {
        switch scalar.style {
        case .any, .plain: .plain
        case .singleQuoted: .singleQuoted
        case .doubleQuoted: .doubleQuoted
        case .literal: .literal
        case .folded: .folded
        }
    }

    // MARK: What is wrong

    private func report(_ error: YamlError, in text: String) {
        switch error {
        case .scanner(let context, let problem, let mark, _),
            .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if problem.hasPrefix("but found another document") {
                diagnostics.error(at: place(mark), "a pipeline file has one document, not several")
                return
            }
            let around = context.map { " \($0.text) of line \($0.mark.line)" } ?? ""
            diagnostics.error(at: place(mark), "YAML: \(problem)\(around)")
        case .reader(let problem, let offset, _, _):
            let source = SourceText(text, file: file)
            let place = offset.map { source.place(ofCharacter: $0) } ?? Place(file: file)
            diagnostics.error(at: place, "YAML: \(problem)")
        default:
            diagnostics.error(at: Place(file: file), "not readable as YAML: \(error)")
        }
    }

    private func placeOfInvalidUTF8(_ bytes: [UInt8]) -> Place {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var line = 1
        var column = 1
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue("\n"):
                line += 1
                column = 1
            case .scalarValue: column += 1
            case .emptyInput, .error: return Place(file: file, line: line, column: column)
            }
        }
    }

    /// Whether no key can expand without bound while Yams compares it (see
    /// `aliasesByComplexKeysMax`); an estimate from the bytes, on the safe side.
    private func keysAreHarmless(_ bytes: [UInt8]) -> Bool {
        var aliases = 0
        var suspect: (line: Int, column: Int)?
        var line = 1
        var start = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\n") {
                line += 1
                start = index + 1
            }
            guard YAMLReader.startsToken(bytes, index) else { continue }
            if byte == UInt8(ascii: "*"), !YAMLReader.isBlank(bytes, index + 1) {
                aliases += 1
                var end = index
                while end < bytes.count, !YAMLReader.isBlank(bytes, end) { end += 1 }
                while end < bytes.count, bytes[end] == UInt8(ascii: " ") { end += 1 }
                if end < bytes.count, bytes[end] == UInt8(ascii: ":") {
                    suspect = suspect ?? (line, index - start + 1)
                }
            } else if byte == UInt8(ascii: "?") {
                suspect = suspect ?? (line, index - start + 1)
            } else if byte == UInt8(ascii: ":"), YAMLReader.endsCollection(bytes, before: index) {
                suspect = suspect ?? (line, index - start + 1)
            }
        }
        guard aliases > YAMLReader.aliasesByComplexKeysMax, let suspect else { return true }
        diagnostics.error(
            at: Place(file: file, line: suspect.line, column: suspect.column),
            "in a file with many aliases every key is plain text")
        return false
    }

    private static func isBlank(_ bytes: [UInt8], _ index: Int) -> Bool {
        guard bytes.indices.contains(index) else { return true }
        return [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index])
    }

    /// Whether a token may start here: behind a blank or an indicator.
    private static func startsToken(_ bytes: [UInt8], _ index: Int) -> Bool {
        if isBlank(bytes, index - 1) { return true }
        return Array("[]{},:-?\"'".utf8).contains(bytes[index - 1])
    }

    private static func endsCollection(_ bytes: [UInt8], before index: Int) -> Bool {
        var index = index - 1
        while index >= 0, isBlank(bytes, index) { index -= 1 }
        return index >= 0
            && (bytes[index] == UInt8(ascii: "]") || bytes[index] == UInt8(ascii: "}"))
    }
}
