import Storage

/// A file in memory, apart from its names: what was written, what of it is durable, and the
/// changes in between.
///
///     durable ──changes, oldest first──► written
///
/// A sync moves all changes over; so does the system, oldest first, when there are too many of
/// them, as it may at any time.
final class MemoryInode: @unchecked Sendable {
    // Sendable: it is only touched under the lock of its file system.

    /// What happened to the content since it was durable.
    enum Change {
        case write(offset: Int, bytes: [UInt8])
        case truncate(byteCount: Int)
    }

    /// Changes, and bytes in them, that wait at most: memory stays within a few times the files.
    private static let changesMax = 4096
    private static let changedBytesMax = 64 << 20

    let number: UInt64
    /// What was written: what every reader sees.
    private(set) var bytes: [UInt8]
    /// What is sure to be there after a power cut.
    private(set) var durable: [UInt8]
    private(set) var changes: ArraySlice<Change> = []
    private var changedBytes = 0
    /// Names it has now.
    var linkCount = 1
    /// Open files.
    var openCount = 0
    /// The open file that has it locked.
    var holder: ObjectIdentifier?

    /// A file whose content is durable.
    init(number: UInt64, _ bytes: [UInt8]) {
        self.number = number
        self.bytes = bytes
        durable = bytes
    }

    /// A copy with the same changes waiting.
    init(copying other: MemoryInode) {
        number = other.number
        bytes = other.bytes
        durable = other.durable
        changes = other.changes
        changedBytes = other.changedBytes
    }

    /// A file with no names and nobody who has it open takes no room.
    var isGone: Bool { linkCount == 0 && openCount == 0 }

    func write(_ new: [UInt8], at offset: Int) {
        bytes.overwrite(at: offset, with: new, new.indices)
        changedBytes += new.count
        add(.write(offset: offset, bytes: new))
    }

    func truncate(to byteCount: Int) {
        guard byteCount != bytes.count else { return }
        bytes.resize(to: byteCount)
        add(.truncate(byteCount: byteCount))
    }

    private func add(_ change: Change) {
        changes.append(change)
        while changes.count > Self.changesMax || changedBytes > Self.changedBytesMax,
            let oldest = changes.popFirst()
        {
            settle(oldest)
        }
        // The slots of changes that are gone are given back.
        if changes.startIndex > 2 * Self.changesMax { changes = ArraySlice(Array(changes)) }
    }

    private func settle(_ change: Change) {
        switch change {
        case .write(let offset, let new):
            durable.overwrite(at: offset, with: new, new.indices)
            changedBytes -= new.count
        case .truncate(let byteCount): durable.resize(to: byteCount)
        }
    }

    /// All that was written becomes durable.
    func sync() {
        for change in changes { settle(change) }
        changes = []
        // Where a sync failed before, there may be holes.
        durable.resize(to: bytes.count)
    }

    /// A sync fails: the system forgets that some of the writes were never done, so that no later
    /// sync makes them durable. Readers go on seeing them.
    func failSync(_ random: inout SplitMix64) {
        changes = ArraySlice(
            changes.filter { change in
                guard case .write(_, let new) = change, random.chance(0.5) else { return true }
                changedBytes -= new.count
                return false
            })
    }

    /// Replaces the content durably, as if it had always been so.
    func replace(_ new: [UInt8]) {
        bytes = new
        durable = new
        changes = []
        changedBytes = 0
    }
}
