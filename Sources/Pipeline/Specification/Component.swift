/// A kind of component of a pipeline file: a source, a step or a sink.
struct Component: Sendable {
    private let noun: String
    /// The keys that all of them have.
    private let shared: KeyList
    private let types: [(name: String, keys: KeyList)]
    /// Types that a later version has.
    private let later: [String]

    init(
        _ noun: String, _ shared: KeyList, _ types: KeyValuePairs<String, KeyList>,
        later: [String] = []
    ) {
        self.noun = noun
        self.shared = shared
        self.types = types.map { (name: $0.key, keys: $0.value) }
        self.later = later
    }

    /// Opens a declaration: its type, and a reader of the keys of that type.
    func open(
        _ node: YAMLNode, name: Located<String>, _ diagnostics: Diagnostics
    ) -> (type: String, reader: SpecReader)? {
        let title = "\(noun) '\(name.value)'"
        guard
            let type = ComponentType.read(
                node, title: title, name: name, kind: "\(noun) type", types.map(\.name),
                later: later, diagnostics: diagnostics),
            let keys = types.first(where: { $0.name == type })?.keys,
            let reader = SpecReader(
                node, title, at: name.place, keys: [shared, keys], diagnostics: diagnostics)
        else { return nil }
        _ = reader.node("type")
        return (type, reader)
    }
}

/// Reads the `type` of a component.
enum ComponentType {
    static func read(
        _ node: YAMLNode, title: String, name: Located<String>, kind: String, _ types: [String],
        later: [String], diagnostics: Diagnostics
    ) -> String? {
        guard case .mapping(let entries) = node.content else {
            diagnostics.error(
                at: node.isNull ? name.place : node.place,
                "\(title) takes a mapping with a 'type', not \(node.shown)")
            return nil
        }
        guard let entry = entries.first(where: { $0.key == "type" }) else {
            if let near = entries.first(where: {
                NearestName.nearest(to: $0.key, among: ["type"]) != nil
            }) {
                diagnostics.error(
                    at: near.keyPlace, "unknown key '\(near.key)'; did you mean 'type'?")
                return nil
            }
            diagnostics.error(at: name.place, "\(title) needs 'type': \(SpecReader.list(types))")
            return nil
        }
        guard let scalar = entry.value.scalar, !scalar.isNull else {
            diagnostics.error(
                at: entry.value.place,
                "'type' takes \(SpecReader.list(types)), not "
                    + entry.value.shown)
            return nil
        }
        if types.contains(scalar.text) { return scalar.text }
        if later.contains(scalar.text) {
            diagnostics.error(
                at: entry.value.place, "\(kind) '\(scalar.text)': not available in this version")
        } else {
            let hint = NearestName.hint(for: scalar.text, among: types, noun: "known types")
            diagnostics.error(
                at: entry.value.place, "unknown \(kind) \(entry.value.shown)\(hint)")
        }
        return nil
    }
}
