/// A path in which `*`, `?` and `[a-z]` stand for parts of names.
///
/// A wildcard matches no slash, and no dot at the start of a name. `\` takes the next character as
/// it is. There is no `**`.
package struct FilePattern: Sendable, Equatable {
    package let text: String

    package init(_ text: String) { self.text = text }

    /// Whether it can match anything but the path as it is written.
    package var hasWildcards: Bool { FilePattern.hasWildcards(text) }

    private static func hasWildcards(_ text: some StringProtocol) -> Bool {
        text.utf8.contains { byte in
            byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "[")
        }
    }

    /// The paths there are, in the order of their bytes; a path that exists as it is written is
    /// taken literally. Directories are not among them.
    package func expand(in fileSystem: some FileSystem) throws(StorageError) -> [String] {
        if let status = try fileSystem.status(of: text), status.kind != .directory {
            return [text]
        }
        guard hasWildcards else { return [] }
        var paths = [text.hasPrefix("/") ? "/" : ""]
        let components = text.split(separator: "/", omittingEmptySubsequences: true)
        for (index, component) in components.enumerated() {
            let isLast = index == components.count - 1
            var next: [String] = []
            for path in paths {
                try FilePattern.add(
                    component, below: path, in: fileSystem, isLast: isLast, to: &next)
            }
            paths = next
        }
        return paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func add(
        _ component: Substring, below path: String, in fileSystem: some FileSystem, isLast: Bool,
        to paths: inout [String]
    ) throws(StorageError) {
        guard hasWildcards(component) else {
            let literal = FilePath.join(path, String(component))
            guard let status = try fileSystem.status(of: literal) else { return }
            if isLast != (status.kind == .directory) { paths.append(literal) }
            return
        }
        let directory = path.isEmpty ? "." : path
        guard let status = try fileSystem.status(of: directory), status.kind == .directory else {
            return
        }
        let pattern = Array(component.utf8)
        for name in try fileSystem.names(in: directory) {
            guard matches(pattern[...], Array(name.utf8)[...]) else { continue }
            let found = FilePath.join(path, name)
            guard let status = try fileSystem.status(of: found) else { continue }
            if isLast != (status.kind == .directory) { paths.append(found) }
        }
    }

    /// Whether a name matches a pattern without slashes.
    package static func matches(_ pattern: String, _ name: String) -> Bool {
        matches(Array(pattern.utf8)[...], Array(name.utf8)[...])
    }

    private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        let dot = UInt8(ascii: ".")
        if name.first == dot && pattern.first != dot { return false }
        var pattern = pattern
        var name = name
        // Where to go on when the rest does not match: behind the last star, one byte later.
        var retry: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
        while true {
            if pattern.first == UInt8(ascii: "*") {
                pattern.removeFirst()
                retry = (pattern, name)
            } else if let first = name.first, matchOne(first, against: &pattern) {
                name.removeFirst()
            } else if name.isEmpty && pattern.isEmpty {
                return true
            } else if let last = retry, !last.name.isEmpty {
                retry = (last.pattern, last.name.dropFirst())
                pattern = last.pattern
                name = last.name.dropFirst()
            } else {
                return false
            }
        }
    }

    /// Takes what stands for one byte off the pattern, if it matches.
    private static func matchOne(_ byte: UInt8, against pattern: inout ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return false }
        switch first {
        case UInt8(ascii: "?"):
            pattern.removeFirst()
            return true
        case UInt8(ascii: "\\") where pattern.count > 1:
            guard pattern[pattern.startIndex + 1] == byte else { return false }
            pattern = pattern.dropFirst(2)
            return true
        case UInt8(ascii: "["):
            if let (set, rest) = set(pattern.dropFirst()) {
                guard set(byte) else { return false }
                pattern = rest
                return true
            }
            fallthrough
        default:
            guard first == byte else { return false }
            pattern.removeFirst()
            return true
        }
    }

    /// Reads `a-z]`, `!abc]` and the like; nil where the bracket is not closed.
    private static func set(
        _ text: ArraySlice<UInt8>
    ) -> (contains: (UInt8) -> Bool, rest: ArraySlice<UInt8>)? {
        var text = text
        var ranges: [ClosedRange<UInt8>] = []
        let isNegated = text.first == UInt8(ascii: "!") || text.first == UInt8(ascii: "^")
        if isNegated { text.removeFirst() }
        while let low = text.popFirst() {
            if low == UInt8(ascii: "]") && !ranges.isEmpty {
                return ({ byte in ranges.contains { $0.contains(byte) } != isNegated }, text)
            }
            let isRange = text.first == UInt8(ascii: "-") && text.dropFirst().first != nil
            if isRange, let high = text.dropFirst().first, high != UInt8(ascii: "]") {
                if low <= high { ranges.append(low...high) }
                text = text.dropFirst(2)
            } else {
                ranges.append(low...low)
            }
        }
        return nil
    }
}
