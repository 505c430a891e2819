/// Decides what is merged with what: a pure function of the levels' shapes.
///
/// Level 0 has the files of flushes, which overlap, the newest first. Files of a deeper level do
/// not overlap, and each level may have `ratio` times the bytes of the one above.
package struct CompactionPlanner: Sendable {
    /// A file, as far as it matters here.
    package struct Shape: Sendable, Equatable {
        package var byteCount: Int
        package var range: KeyRange
        /// Whether all that it holds has outlived its time.
        package var isExpired: Bool

        package init(byteCount: Int, range: KeyRange, isExpired: Bool = false) {
            self.byteCount = byteCount
            self.range = range
            self.isExpired = isExpired
        }
    }

    /// What is to be done.
    package enum Decision: Sendable, Equatable {
        case nothing
        /// The files go, with all they hold.
        case drop(level: Int, files: [Int])
        /// A file goes down one level as it is.
        case move(level: Int, file: Int)
        /// Files of a level are merged with files of the next.
        case merge(level: Int, files: [Int], next: [Int])
    }

    /// Files of level 0 that make a merge.
    package var trigger: Int
    package var ratio: Int
    /// Bytes of level 1.
    package var levelOneBytes: Int
    package var levelsMax: Int

    package init(
        trigger: Int = 4, ratio: Int = 10, levelOneBytes: Int = 64 << 20, levelsMax: Int = 7
    ) {
        self.trigger = trigger
        self.ratio = ratio
        self.levelOneBytes = levelOneBytes
        self.levelsMax = levelsMax
    }

    /// Bytes that a level may have; level 0 goes by its files.
    package func bytes(of level: Int) -> Int {
        var bytes = Double(levelOneBytes)
        for _ in 1..<max(level, 1) { bytes *= Double(ratio) }
        return Int(min(bytes, 1e18))
    }

    /// How urgent a level is: from 1 on there is something to do.
    func score(_ level: Int, _ files: [Shape]) -> Double {
        if level == 0 { return Double(files.count) / Double(trigger) }
        let total = files.reduce(0) { $0 + $1.byteCount }
        return Double(total) / Double(bytes(of: level))
    }

    /// The most urgent thing to do.
    package func decide(_ levels: [[Shape]]) -> Decision {
        for (level, files) in levels.enumerated() {
            let expired = files.indices.filter { files[$0].isExpired }
            if !expired.isEmpty { return .drop(level: level, files: expired) }
        }
        var chosen: (level: Int, score: Double)?
        for (level, files) in levels.enumerated() where level < levelsMax - 1 {
            let score = score(level, files)
            if score >= 1, score > chosen?.score ?? 0 { chosen = (level, score) }
        }
        guard let level = chosen?.level else { return .nothing }
        let next = level + 1 < levels.count ? levels[level + 1] : []
        return level == 0 ? first(levels[0], next) : further(level, levels[level], next)
    }

    /// All files of level 0 go down together; the oldest alone where it overlaps nothing.
    private func first(_ files: [Shape], _ next: [Shape]) -> Decision {
        if let oldest = files.last,
            !files.dropLast().contains(where: { $0.range.overlaps(oldest.range) }),
            !next.contains(where: { $0.range.overlaps(oldest.range) })
        {
            return .move(level: 0, file: files.count - 1)
        }
        let range = files.dropFirst().reduce(files[0].range) { $0.union($1.range) }
        return .merge(
            level: 0, files: Array(files.indices),
            next: next.indices.filter { next[$0].range.overlaps(range) })
    }

    /// The file that has the least to be merged with, for its size.
    private func further(_ level: Int, _ files: [Shape], _ next: [Shape]) -> Decision {
        var best: (file: Int, next: [Int], cost: Double)?
        for (index, file) in files.enumerated() {
            let overlapping = next.indices.filter { next[$0].range.overlaps(file.range) }
            if overlapping.isEmpty { return .move(level: level, file: index) }
            let bytes = overlapping.reduce(0) { $0 + next[$1].byteCount }
            let cost = Double(bytes) / Double(max(file.byteCount, 1))
            if cost < best?.cost ?? .infinity { best = (index, overlapping, cost) }
        }
        guard let best else { return .nothing }
        return .merge(level: level, files: [best.file], next: best.next)
    }
}
