/// Puts the environment and files into scalar leaves: `${NAME}`, `${NAME:-default}`,
/// `${file:/path}`.
///
/// `$$` stands for one `$`. It happens after parsing, so a value never becomes structure; a value
/// that came from outside is hidden wherever it would be shown.
struct Substitution {
    /// Bytes of a file that is put into a leaf.
    static let fileBytesMax = 64 << 10

    let world: PipelineWorld
    let diagnostics: Diagnostics

    func apply(to node: inout YAMLNode) {
        switch node.content {
        case .scalar(var scalar):
            guard scalar.text.utf8.contains(UInt8(ascii: "$")) else { return }
            substitute(in: &scalar, at: node.place)
            node.content = .scalar(scalar)
        case .sequence(var items):
            for index in items.indices { apply(to: &items[index]) }
            node.content = .sequence(items)
        case .mapping(var entries):
            for index in entries.indices { apply(to: &entries[index].value) }
            node.content = .mapping(entries)
        }
    }

    private func substitute(in scalar: inout YAMLScalar, at place: Place) {
        var rest = Substring(scalar.text)
        var result = ""
        var isWhole = true
        defer { if !isWhole { diagnostics.giveUp(at: place) } }
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                result += "$"
                rest = rest.dropFirst()
                scalar.isSubstituted = true
            } else if rest.first == "{" {
                guard let end = rest.firstIndex(of: "}") else {
                    diagnostics.error(
                        at: place, "'${' without its '}' (write $$ for a dollar sign)")
                    isWhole = false
                    return
                }
                let name = rest[rest.index(after: rest.startIndex)..<end]
                rest = rest[rest.index(after: end)...]
                scalar.isSubstituted = true
                guard let value = value(of: name, at: place) else {
                    isWhole = false
                    continue
                }
                if value.isSecret {
                    scalar.isSecret = true
                    diagnostics.secrets.add(value.text)
                }
                result += value.text
            } else {
                result += "$"
            }
        }
        scalar.text = result + rest
    }

    private func value(of name: Substring, at place: Place) -> (text: String, isSecret: Bool)? {
        if name.hasPrefix("file:") {
            let path = String(name.dropFirst("file:".count))
            switch world.readFile(path, Substitution.fileBytesMax) {
            case .success(let bytes):
                guard var text = String(validating: bytes, as: UTF8.self) else {
                    diagnostics.error(at: place, "'\(path)' is not valid UTF-8")
                    return nil
                }
                while text.last?.isNewline == true { text.removeLast() }
                return (text, true)
            case .failure(let problem):
                diagnostics.error(at: place, "cannot read '\(path)': \(problem.message)")
                return nil
            }
        }
        var variable = name
        var fallback: Substring?
        if let mark = name.firstRange(of: ":-") {
            variable = name[..<mark.lowerBound]
            fallback = name[mark.upperBound...]
        }
        guard Substitution.isVariable(variable) else {
            diagnostics.error(
                at: place, "'${\(name)}' is not the name of an environment variable")
            return nil
        }
        // As in a shell, `:-` stands in for an empty variable too.
        if let text = world.environment(String(variable)), !(text.isEmpty && fallback != nil) {
            return (text, true)
        }
        if let fallback { return (String(fallback), false) }
        diagnostics.error(
            at: place,
            "environment variable '\(variable)' is not set "
                + "(${\(variable):-default} gives it a default)"
        )
        return nil
    }

    private static func isVariable(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
