/// Reads the typed values of one mapping of a pipeline file, and reports what does not belong
/// there.
///
/// Every accessor takes the key as the specification spells it, reports a value of the wrong kind
/// and then gives nil, as it does for a key that is absent. `finish` reports the keys nobody asked
/// for.
final class SpecReader {
    /// What is read, for messages: `step 'unique'`.
    let title: String
    /// Where the mapping is introduced.
    let place: Place
    let diagnostics: Diagnostics
    private let entries: [YAMLEntry]
    private let lists: [KeyList]
    private var reported: Set<String> = []

    /// Reads `node`; a node that is not a mapping is reported, and nil.
    init?(
        _ node: YAMLNode, _ title: String, at place: Place, keys lists: [KeyList],
        diagnostics: Diagnostics
    ) {
        guard case .mapping(let entries) = node.content else {
            diagnostics.error(at: node.place, "\(title) takes a mapping, not \(node.shown)")
            return nil
        }
        self.title = title
        self.place = place
        self.entries = entries
        self.lists = lists
        self.diagnostics = diagnostics
    }

    private func key(_ name: String) -> Key? {
        lists.lazy.compactMap { list in list.keys.first { $0.name == name } }.first
    }

    /// The value of a key, if it is there and is something.
    func node(_ name: String) -> YAMLNode? {
        precondition(key(name) != nil, "'\(name)' is a key of the specification")
        guard let entry = entries.first(where: { $0.key == name }) else { return nil }
        if entry.value.isNull {
            report(name, at: entry.keyPlace, "'\(name)' has no value")
            return nil
        }
        return entry.value
    }

    /// The value of a key that may be written without one.
    func section(_ name: String) -> YAMLNode? {
        guard let entry = entries.first(where: { $0.key == name }), !entry.value.isNull else {
            return nil
        }
        return node(name)
    }

    /// Whether the key is written, with whatever value; a misspelt one counts, for it is reported
    /// as such.
    func has(_ name: String) -> Bool {
        entries.contains { entry in
            entry.key == name
                || (key(entry.key) == nil
                    && NearestName.nearest(to: entry.key, among: knownNames) == name)
        }
    }

    private var knownNames: [String] {
        lists.flatMap { $0.keys.filter(\.isAvailable).map(\.name) }
    }

    /// Where the key is written, or else the whole.
    func place(of name: String) -> Place {
        entries.first { $0.key == name }?.keyPlace ?? place
    }

    /// Reports that a key is missing.
    func miss(_ name: String, _ example: String = "") {
        let hint = example.isEmpty ? "" : ", such as \(example)"
        if !has(name) { diagnostics.error(at: place, "\(title) needs '\(name)'\(hint)") }
    }

    func report(_ name: String, at place: Place, _ message: String) {
        if reported.insert(name).inserted { diagnostics.error(at: place, message) }
    }

    private func refuse(_ name: String, _ node: YAMLNode, takes what: String) {
        report(name, at: node.place, "'\(name)' takes \(what), not \(node.shown)")
    }

    /// A key with the keys it stands below, where they tell what it belongs to.
    private func path(_ name: String) -> String { (lists.first?.path ?? "") + name }

    // MARK: Scalars

    /// Reads a scalar with `parse`.
    private func scalar<T>(
        _ name: String, takes what: String, _ parse: (YAMLScalar) -> T?
    ) -> Located<T>? {
        guard let node = node(name) else { return nil }
        guard let scalar = node.scalar, let value = parse(scalar) else {
            refuse(name, node, takes: what)
            return nil
        }
        return Located(value, at: node.place, scalar: scalar)
    }

    func string(_ name: String, takes what: String = "text") -> Located<String>? {
        scalar(name, takes: what) { $0.text.isEmpty ? nil : $0.text }
    }

    func bool(_ name: String) -> Located<Bool>? {
        scalar(name, takes: "true or false") { scalar in
            switch scalar.text {
            case "true", "True", "TRUE": true
            case "false", "False", "FALSE": false
            default: nil
            }
        }
    }

    func integer(
        _ name: String, _ range: ClosedRange<Int>, or word: String? = nil
    ) -> Located<Int>? {
        let bounds =
            range.upperBound == Int.max
            ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
        let prefix = word.map { "\($0) or " } ?? ""
        return scalar(name, takes: "\(prefix)a whole number \(bounds)") { scalar in
            let text = scalar.text.filter { $0 != "_" }
            return Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func fraction(_ name: String, _ range: ClosedRange<Double>) -> Located<Double>? {
        scalar(name, takes: "a number from \(range.lowerBound) to \(range.upperBound)") { scalar in
            Double(scalar.text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// Percent of `10%`.
    func percentage(_ name: String, _ range: ClosedRange<Int>) -> Located<Double>? {
        let what = "a percentage from \(range.lowerBound)% to \(range.upperBound)%"
        return scalar(name, takes: what) { scalar in
            guard scalar.text.last == "%", let value = Double(scalar.text.dropLast()),
                value >= Double(range.lowerBound), value <= Double(range.upperBound)
            else { return nil }
            return value
        }
    }

    /// Microseconds since 1970 of a date and time in UTC.
    func time(_ name: String) -> Located<Int64>? {
        scalar(name, takes: "a time such as 2026-01-01T00:00:00Z") { Quantity.time($0.text) }
    }

    /// Microseconds, at least `least` and at most those of a hundred years.
    func duration(_ name: String, atLeast least: Int64 = 1) -> Located<Int64>? {
        let what = "a duration with its unit, such as 500ms, 10s or 1h30m"
        let found = scalar(name, takes: what) { Quantity.duration($0.text) }
        guard let found, !(least...Quantity.durationMax).contains(found.value) else { return found }
        let bound =
            found.value > least
            ? "at most \(Quantity.text(microseconds: Quantity.durationMax))"
            : least == 1 ? "more than 0s" : "at least \(Quantity.text(microseconds: least))"
        report(name, at: found.place, "'\(name)' is \(bound)")
        return nil
    }

    /// Bytes, at least `least` and at most `most`.
    func size(
        _ name: String, atLeast least: Int = 1, atMost most: Int = Quantity.sizeMax
    ) -> Located<Int>? {
        let found = scalar(name, takes: "a size with its unit, such as 64KiB or 10MB") {
            Quantity.size($0.text)
        }
        guard let found, !(least...most).contains(found.value) else { return found }
        let bound = found.value < least ? "at least" : "at most"
        let limit = Quantity.text(bytes: found.value < least ? least : most)
        report(name, at: found.place, "'\(name)' is \(bound) \(limit)")
        return nil
    }

    func rate(_ name: String) -> Located<Rate>? {
        scalar(name, takes: "a rate, such as 200000/s or 10/m") { Quantity.rate($0.text) }
    }

    /// One of the names of `names`; those in `later` are known and refused.
    func choice(_ name: String, _ names: [String], later: [String] = []) -> Located<String>? {
        guard let node = node(name) else { return nil }
        guard let scalar = node.scalar else {
            refuse(name, node, takes: names.joined(separator: " or "))
            return nil
        }
        if names.contains(scalar.text) {
            return Located(scalar.text, at: node.place, scalar: scalar)
        }
        if later.contains(scalar.text) {
            report(
                name, at: node.place,
                "\(path(name)): \(scalar.text): not available in this version")
            return nil
        }
        let near = NearestName.nearest(to: scalar.text, among: names)
        let hint = near.map { "; did you mean '\($0)'?" } ?? ""
        report(
            name, at: node.place,
            "'\(name)' takes \(SpecReader.list(names)), not \(node.shown)\(hint)")
        return nil
    }

    /// `a`, `a or b`, `a, b or c`.
    static func list(_ names: [String], last word: String = "or") -> String {
        guard names.count > 1, let last = names.last else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " \(word) " + last
    }

    // MARK: Collections

    /// A list of texts, or one.
    func strings(_ name: String, of noun: String) -> [Located<String>]? {
        guard let node = node(name) else { return nil }
        return strings(in: node, name: name, of: noun)
    }

    /// Reads a node as a list of texts, or one.
    func strings(in node: YAMLNode, name: String, of noun: String) -> [Located<String>]? {
        switch node.content {
        case .scalar(let scalar):
            guard !scalar.text.isEmpty else { break }
            return [Located(scalar.text, at: node.place, scalar: scalar)]
        case .sequence(let items):
            var texts: [Located<String>] = []
            for item in items {
                guard let scalar = item.scalar, !item.isNull, !scalar.text.isEmpty else {
                    refuse(name, item, takes: "a list of \(noun)")
                    return nil
                }
                if texts.contains(where: { $0.value == scalar.text }) {
                    diagnostics.error(at: item.place, "'\(scalar.text)' stands twice in '\(name)'")
                } else {
                    texts.append(Located(scalar.text, at: item.place, scalar: scalar))
                }
            }
            return texts
        case .mapping: break
        }
        refuse(name, node, takes: "a list of \(noun)")
        return nil
    }

    /// A mapping of names to texts, in order.
    func texts(_ name: String, of noun: String) -> [(key: Located<String>, value: Located<String>)]?
    {
        guard let node = node(name) else { return nil }
        guard case .mapping(let entries) = node.content else {
            refuse(name, node, takes: "a mapping of \(noun)")
            return nil
        }
        var result: [(key: Located<String>, value: Located<String>)] = []
        for entry in entries {
            guard let scalar = entry.value.scalar, !scalar.isNull else {
                diagnostics.error(
                    at: entry.value.place, "'\(entry.key)' takes text, not \(entry.value.shown)")
                continue
            }
            result.append(
                (
                    Located(entry.key, at: entry.keyPlace),
                    Located(scalar.text, at: entry.value.place, scalar: scalar)
                ))
        }
        return result
    }

    /// A mapping of its own, with its own keys.
    func nested(_ name: String, keys list: KeyList) -> SpecReader? {
        guard let node = node(name) else { return nil }
        return SpecReader(
            node, "'\(name)'", at: place(of: name), keys: [list], diagnostics: diagnostics)
    }

    /// Reports keys that are not of this version, and keys that are unknown.
    func finish() {
        let known = knownNames
        for entry in entries {
            if let key = key(entry.key) {
                if !key.isAvailable {
                    diagnostics.error(
                        at: entry.keyPlace, "\(path(entry.key)): not available in this version")
                }
            } else {
                let hint = NearestName.hint(for: entry.key, among: known, noun: "known keys")
                diagnostics.error(at: entry.keyPlace, "unknown key '\(entry.key)'\(hint)")
            }
        }
    }
}
