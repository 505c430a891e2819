/// Finds the name that a misspelt one was probably meant to be.
package enum NearestName {
    /// Longer words are not compared: nobody misspells them by a letter or two.
    private static let nameBytesMax = 64

    /// The candidate with the fewest typing mistakes (case does not count), if it is near enough:
    /// one mistake in short names, a third of the letters in longer ones.
    package static func find(_ name: String, among candidates: [String]) -> String? {
        guard name.utf8.count <= nameBytesMax else { return nil }
        let wanted = Array(name.lowercased().utf8)
        var best: (name: String, distance: Int)?
        for candidate in candidates.sorted() where candidate.utf8.count <= nameBytesMax {
            let distance = distance(wanted, Array(candidate.lowercased().utf8))
            if distance <= max(1, wanted.count / 3), distance < (best?.distance ?? .max) {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    /// Letters inserted, removed, replaced, or swapped with their neighbour.
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var older: [Int] = []
        var previous = Array(0...b.count)
        for i in a.indices {
            var current = [i + 1]
            for j in b.indices {
                var cost = min(
                    previous[j] + (a[i] == b[j] ? 0 : 1), previous[j + 1] + 1, current[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    cost = min(cost, older[j - 1] + 1)
                }
                current.append(cost)
            }
            older = previous
            previous = current
        }
        return previous[b.count]
    }
}
