import Storage

/// The changes of names that are not durable yet, oldest first.
///
/// A change depends on earlier ones of the same names, and on those that put its directory where
/// it is: it never becomes durable, nor outlives a power cut, without them.
struct NameJournal {
    /// Changes that wait at most; the system makes the oldest durable.
    private static let countMax = 4096

    private(set) var changes: [NameChange]

    init(_ changes: [NameChange] = []) { self.changes = changes }

    /// Takes in a change that was done.
    mutating func add(_ change: NameChange) {
        changes.append(change)
        guard changes.count > Self.countMax else { return }
        for change in changes.prefix(Self.countMax / 2) { Self.settle(change) }
        changes.removeFirst(Self.countMax / 2)
    }

    /// Makes the changes in a directory durable, and those that they depend on.
    mutating func sync(_ directory: MemoryDirectory) {
        var slots: Set<NameChange.Slot> = []
        var directories: Set<UInt64> = [directory.number]
        settle { change in
            let isNeeded =
                change.edits.contains {
                    $0.directory === directory || slots.contains($0.slot)
                } || change.placedDirectories.contains { directories.contains($0) }
            if isNeeded {
                slots.formUnion(change.edits.map(\.slot))
                directories.formUnion(change.edits.map(\.directory.number))
            }
            return isNeeded
        }
    }

    /// Makes all changes durable.
    mutating func syncAll() { settle { _ in true } }

    /// Makes the chosen changes durable; they are asked for from the newest to the oldest.
    private mutating func settle(_ isChosen: (NameChange) -> Bool) {
        var chosen: [NameChange] = []
        var left: [NameChange] = []
        for change in changes.reversed() {
            if isChosen(change) { chosen.append(change) } else { left.append(change) }
        }
        for change in chosen.reversed() { Self.settle(change) }
        changes = left.reversed()
    }

    private static func settle(_ change: NameChange) {
        for edit in change.edits { edit.directory.durable[edit.name] = edit.node }
    }

    /// The changes that a power cut leaves: none, all, those up to some moment, or any of which
    /// none depends on a lost one.
    func survivors(_ random: inout SplitMix64) -> [NameChange] {
        switch random.int(0..<6) {
        case 0: return []
        case 1: return changes
        case 2, 3: return Array(changes.prefix(random.int(0...changes.count)))
        default: return subset(&random)
        }
    }

    private func subset(_ random: inout SplitMix64) -> [NameChange] {
        let keeping = random.pick([0.3, 0.5, 0.9])
        var lostSlots: Set<NameChange.Slot> = []
        var lostDirectories: Set<UInt64> = []
        return changes.filter { change in
            let dependsOnLost = change.edits.contains {
                lostSlots.contains($0.slot) || lostDirectories.contains($0.directory.number)
            }
            if !dependsOnLost && random.chance(keeping) { return true }
            lostSlots.formUnion(change.edits.map(\.slot))
            lostDirectories.formUnion(change.placedDirectories)
            return false
        }
    }
}
