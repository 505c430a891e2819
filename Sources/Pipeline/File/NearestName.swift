/// Finds the valid name that a user probably meant.
package enum NearestName {
    /// The nearest of `names`, if it is near enough to suggest.
    static func nearest<S: Sequence>(to name: String, among names: S) -> String?
    where S.Element == String {
        let limit = max(1, min(3, name.count / 3))
        var best: (name: String, distance: Int)?
        for candidate in names where candidate != name {
            let distance = distance(
                Array(name.lowercased().unicodeScalars),
                Array(candidate.lowercased().unicodeScalars))
            let isBetter = best.map { distance < $0.distance } ?? true
            if distance <= limit, isBetter { best = (candidate, distance) }
        }
        return best?.name
    }

    /// `; did you mean 'x'?` or, where nothing is near, what there is.
    package static func hint(for name: String, among names: [String], noun: String) -> String {
        if let near = nearest(to: name, among: names) { return "; did you mean '\(near)'?" }
        if names.isEmpty { return "" }
        let shown = names.prefix(20).joined(separator: ", ")
        return "; \(noun): \(shown)\(names.count > 20 ? ", ..." : "")"
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
    private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        if abs(a.count - b.count) > 3 || max(a.count, b.count) > 200 { return Int.max }
        var before = [Int](repeating: 0, count: b.count + 1)
        var previous = Array(0...b.count)
        var current = previous
        for i in a.indices {
            current[0] = i + 1
            for j in b.indices {
                let cost = a[i] == b[j] ? 0 : 1
                current[j + 1] = min(previous[j + 1] + 1, current[j] + 1, previous[j] + cost)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    current[j + 1] = min(current[j + 1], before[j - 1] + 1)
                }
            }
            (before, previous, current) = (previous, current, before)
        }
        return previous[b.count]
    }
}
