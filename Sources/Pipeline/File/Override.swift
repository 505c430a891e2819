/// A `--set a.b.c=value` of the command line.
package struct Override: Sendable {
    /// Keys inside a path and places in a list, at most.
    private static let depthMax = YAMLReader.depthMax

    private let argument: String

    /// Takes what stands behind `--set`.
    package init(_ argument: String) { self.argument = argument }

    /// Sets the value in the tree; keys that are not there are added.
    func apply(to root: inout YAMLNode, diagnostics: Diagnostics) {
        guard let equals = argument.firstIndex(of: "=") else {
            diagnostics.error(
                at: Place(file: "--set \(argument)"), "takes the form a.b.c=value")
            return
        }
        let path = String(argument[..<equals])
        let place = Place(file: "--set \(path)")
        guard let keys = Override.keys(of: path), keys.count <= Override.depthMax else {
            diagnostics.error(
                at: place, "'\(path)' is not a path of keys such as steps.unique.retain")
            return
        }
        let text = String(argument[argument.index(after: equals)...])
        let found = Diagnostics()
        var value = YAMLReader.read(Array(text.utf8), file: place.file, diagnostics: found)
        for diagnostic in found.sorted {
            diagnostics.error(at: place, "\(diagnostic.message); quote the value if it is text")
        }
        guard found.sorted.isEmpty else { return }
        value?.relocate(to: place)
        let null = YAMLNode(content: .scalar(YAMLScalar(text: "", style: .plain)), place: place)
        if keys.count == 3, keys[2] == "type", let type = value?.scalar?.text {
            Override.leave(section: keys[0], entry: keys[1], for: type, in: &root)
        }
        if let problem = Override.set(value ?? null, at: keys[...], in: &root, place: place) {
            diagnostics.error(at: place, problem)
        }
    }

    /// The keys of `a."b.c".0`; nil if it is not a path.
    private static func keys(of path: String) -> [String]? {
        var keys: [String] = []
        var key = ""
        var quoted = false
        var closed = false
        for character in path {
            if character == "\"", quoted || (key.isEmpty && !closed) {
                closed = quoted
                quoted.toggle()
            } else if character == ".", !quoted {
                if key.isEmpty { return nil }
                keys.append(key)
                key = ""
                closed = false
            } else if closed {
                return nil
            } else {
                key.append(character)
            }
        }
        guard !quoted, !key.isEmpty else { return nil }
        return keys + [key]
    }

    /// Takes away the keys that only the former type of a source or sink has, so that another type
    /// can be put in its place.
    private static func leave(
        section: String, entry name: String, for type: String, in root: inout YAMLNode
    ) {
        root.withEntry(section) { section, node in
            node.withEntry(name) { _, node in
                guard case .mapping(let entries) = node.content,
                    let former = entries.first(where: { $0.key == "type" })?.value.scalar?.text
                else { return }
                let kept = KeyList.own(section: section, type: type).map(\.name)
                let left = KeyList.own(section: section, type: former).map(\.name)
                node.content = .mapping(
                    entries.filter { !left.contains($0.key) || kept.contains($0.key) })
            }
        }
    }

    /// Sets the value below `node`; says what stands in the way.
    private static func set(
        _ value: YAMLNode, at keys: ArraySlice<String>, in node: inout YAMLNode, place: Place
    ) -> String? {
        guard let key = keys.first else {
            node = value
            return nil
        }
        switch node.content {
        case .mapping(var entries):
            if let index = entries.firstIndex(where: { $0.key == key }) {
                if let problem = set(
                    value, at: keys.dropFirst(), in: &entries[index].value, place: place)
                {
                    return problem
                }
            } else {
                var added = YAMLNode(content: .mapping([]), place: place)
                if let problem = set(value, at: keys.dropFirst(), in: &added, place: place) {
                    return problem
                }
                entries.append(YAMLEntry(key: key, keyPlace: place, value: added))
            }
            node.content = .mapping(entries)
        case .sequence(var items):
            guard let index = Int(key), items.indices.contains(index) else {
                return "'\(key)' is not a place in a list of \(items.count)"
            }
            if let problem = set(value, at: keys.dropFirst(), in: &items[index], place: place) {
                return problem
            }
            node.content = .sequence(items)
        case .scalar:
            guard node.isNull else {
                return "'\(key)' stands below \(node.shown), which has no keys"
            }
            node = YAMLNode(content: .mapping([]), place: place)
            return set(value, at: keys, in: &node, place: place)
        }
        return nil
    }
}

extension YAMLNode {
    /// Changes the value of a key, where there is one.
    fileprivate mutating func withEntry(
        _ key: String, _ change: (String, inout YAMLNode) -> Void
    ) {
        guard case .mapping(var entries) = content,
            let index = entries.firstIndex(where: { $0.key == key })
        else { return }
        change(key, &entries[index].value)
        content = .mapping(entries)
    }

    /// Says that all of it stands somewhere else.
    mutating func relocate(to place: Place) {
        self.place = place
        switch content {
        case .scalar: break
        case .sequence(let items):
            content = .sequence(
                items.map { item in
                    var item = item
                    item.relocate(to: place)
                    return item
                })
        case .mapping(let entries):
            content = .mapping(
                entries.map { entry in
                    var value = entry.value
                    value.relocate(to: place)
                    return YAMLEntry(key: entry.key, keyPlace: place, value: value)
                })
        }
    }
}
