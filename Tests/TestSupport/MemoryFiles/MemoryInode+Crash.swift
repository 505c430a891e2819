import Storage

/// What a power cut leaves of a file.
extension MemoryInode {
    /// The file after a power cut: what was durable, and of each later write all, some sectors or
    /// nothing.
    ///
    /// Sizes go with a journal, so changes of the size happen in order: with a truncation that is
    /// lost all that came behind it is lost. Data do not: a write may be there and an earlier one
    /// not; and where a file was extended, the new size may be there without the data, which are
    /// then zeros.
    func afterPowerCut(_ random: inout SplitMix64) -> MemoryInode {
        var fates = WriteFates(&random)
        var left = durable
        changing: for change in changes {
            switch change {
            case .truncate(let byteCount):
                if fates.isTruncationLost(&random) { break changing }
                left.resize(to: byteCount)
            case .write(let offset, let bytes):
                switch fates.next(&random) {
                case .kept: left.overwrite(at: offset, with: bytes, bytes.indices)
                case .dropped: break
                case .sizeOnly: left.resize(to: max(left.count, offset + bytes.count))
                case .torn: left.tear(bytes, at: offset, &random)
                }
            }
        }
        return MemoryInode(number: number, left)
    }
}

/// Decides what becomes of the writes of one file.
private struct WriteFates {
    enum Fate { case kept, dropped, torn, sizeOnly }

    /// Files differ: one was written back wholly, one not at all, one up to some moment.
    private enum Mood { case kept, dropped, untilCut, mixed }

    private let mood: Mood
    private let keeping: Double
    private var isCut = false

    init(_ random: inout SplitMix64) {
        mood = random.pick([.kept, .dropped, .untilCut, .untilCut, .mixed, .mixed, .mixed])
        keeping = random.pick([0.1, 0.5, 0.9])
    }

    mutating func isTruncationLost(_ random: inout SplitMix64) -> Bool {
        switch mood {
        case .kept: return false
        case .dropped: return true
        case .untilCut: return cuts(&random)
        case .mixed: return random.chance(0.2)
        }
    }

    mutating func next(_ random: inout SplitMix64) -> Fate {
        switch mood {
        case .kept: return .kept
        case .dropped: return .dropped
        case .untilCut:
            if isCut { return .dropped }
            return cuts(&random) ? random.pick([.torn, .sizeOnly, .dropped]) : .kept
        case .mixed:
            if random.chance(keeping) { return .kept }
            return random.pick([.dropped, .torn, .sizeOnly])
        }
    }

    private mutating func cuts(_ random: inout SplitMix64) -> Bool {
        isCut = isCut || random.chance(1 - keeping)
        return isCut
    }
}

extension [UInt8] {
    /// What a disk writes whole or not at all.
    private static var sectorBytes: Int { 512 }

    /// Writes some sectors of `source` at `offset`; others stay as they are, or are zeros where
    /// the file is extended. What is missing at the end may be missing from the size too.
    fileprivate mutating func tear(
        _ source: [UInt8], at offset: Int, _ random: inout SplitMix64
    ) {
        let isPrefix = random.chance(0.3)
        let end = offset + source.count
        var from = offset
        while from < end {
            let to = Swift.min((from / Self.sectorBytes + 1) * Self.sectorBytes, end)
            if random.chance(0.5) {
                overwrite(at: from, with: source, from - offset..<to - offset)
            } else if isPrefix {
                break
            }
            from = to
        }
        if random.chance(0.5) { resize(to: Swift.max(count, end)) }
    }
}
