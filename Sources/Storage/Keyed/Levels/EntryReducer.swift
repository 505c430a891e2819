/// Leaves out what nobody can see any more, and puts operands of merges together.
///
/// It is given the entries of its inputs in order: by key, then newest version first. Of each key
/// the newest entry stays for every snapshot that is held, and for those that come. Where versions
/// tell nothing any more, all entries get the same, which packs better.
@safe
final class EntryReducer {
    /// What is known when the work begins; later snapshots only see more.
    struct Rules: Sendable {
        /// Versions that snapshots pin, ascending.
        var snapshots: [UInt64] = []
        var tombstones = RangeTombstones()
        var operation: MergeOperator?
        /// Whether nothing older of these keys is anywhere else.
        var isBottom = false
        /// What all entries take for their version: no snapshot, and no range tombstone here, tells
        /// them apart.
        var version: UInt64?
        var lifetime: Lifetime?
        var watermark = Int64.min
    }

    private let rules: Rules
    private let hasSnapshots: Bool
    private let lives: Bool
    private let version: UInt64?
    private let output: TableOutput
    private let operation: MergeOperator
    /// The key of the last entry.
    private let key = KeyBuffer()
    private var hasKey = false
    /// The least snapshot that sees the last entry, and what is behind it in this one is hidden.
    private var stripe: UInt64 = 0
    private var isComplete = false
    /// Operands that wait for what they are put together with.
    private var isPending = false
    private var pendingVersion: UInt64 = 0
    private var pending = GrowingBytes(capacity: 256)
    private var combined = GrowingBytes(capacity: 256)
    private let hasTombstones: Bool

    init(_ rules: Rules, output: TableOutput) {
        self.rules = rules
        self.output = output
        operation = rules.operation ?? .last
        hasSnapshots = !rules.snapshots.isEmpty
        lives = rules.lifetime == nil
        // At the bottom nothing is older.
        version = rules.isBottom && rules.snapshots.isEmpty ? 0 : rules.version
        hasTombstones = !rules.tombstones.isEmpty
    }

    /// Takes the next entry.
    @inline(__always)
    func add(_ entry: EntryCursor) throws(StorageError) {
        if !hasKey || !key.isKey(of: entry) {
            if isPending { try emitPending(isOldest: true) }
            key.set(entry)
            hasKey = true
            isComplete = false
            stripe = hasSnapshots ? self.stripe(of: entry.version) : .max
        } else {
            let stripe = hasSnapshots ? self.stripe(of: entry.version) : .max
            if stripe != self.stripe {
                if isPending { try emitPending(isOldest: false) }
                self.stripe = stripe
                isComplete = false
            } else if isComplete {
                return
            }
        }
        try take(entry)
    }

    private func stripe(of version: UInt64) -> UInt64 {
        rules.snapshots.first { $0 >= version } ?? .max
    }

    /// Takes an entry that some snapshot may see.
    @inline(__always)
    private func take(_ entry: EntryCursor) throws(StorageError) {
        if hasTombstones, isHidden(entry) {
            if isPending { try emitPending(isOldest: true, isFinal: true) }
            isComplete = true
            return
        }
        switch entry.kind {
        case .put:
            isComplete = true
            if isPending {
                try combine(entry)
                try emitPending(isOldest: true, isFinal: true)
            } else if lives || !isExpired(entry) {
                try unsafe output.add(
                    key: entry.key, kind: .put, version: version ?? entry.version,
                    value: entry.value)
            }
        case .delete:
            isComplete = true
            if isPending {
                try emitPending(isOldest: true, isFinal: true)
            } else if !rules.isBottom || rules.snapshots.contains(where: { $0 < entry.version }) {
                try unsafe output.add(
                    key: entry.key, kind: .delete, version: version ?? entry.version,
                    value: entry.value)
            }
        case .merge:
            if isPending {
                try combine(entry)
            } else {
                isPending = true
                pendingVersion = entry.version
                pending.removeAll()
                unsafe pending.append(entry.valueBase, count: entry.valueCount)
            }
        }
    }

    private func isHidden(_ entry: EntryCursor) -> Bool {
        unsafe rules.tombstones.version(covering: entry.key, limit: stripe) > entry.version
    }

    private func isExpired(_ entry: EntryCursor) -> Bool {
        guard let lifetime = rules.lifetime else { return false }
        return unsafe lifetime.isExpired(entry.value, at: rules.watermark)
    }

    /// Puts the operands that wait together with what is older.
    private func combine(_ entry: EntryCursor) throws(StorageError) {
        combined.removeAll()
        let newer = unsafe UnsafeRawBufferPointer(start: pending.slab.base, count: pending.count)
        unsafe operation.combine(older: entry.value, newer: newer, to: &combined)
        swap(&pending, &combined)
    }

    /// Writes the operands that waited. They are a value where all there was before is known.
    private func emitPending(isOldest: Bool, isFinal: Bool = false) throws(StorageError) {
        isPending = false
        let isValue = isFinal || (isOldest && rules.isBottom)
        try unsafe output.add(
            key: key.bytes,
            kind: isValue ? .put : .merge, version: version ?? pendingVersion,
            value: UnsafeRawBufferPointer(start: pending.slab.base, count: pending.count))
    }

    /// Writes what waits at the end.
    func finish() throws(StorageError) {
        if isPending { try emitPending(isOldest: true) }
    }
}

/// How long values live: they begin with the watermark at which they were written.
struct Lifetime: Sendable {
    static let headBytes = 8

    /// In microseconds.
    let duration: Int64
    /// The first watermark there was; what was written before any counts from here on.
    var origin: Int64?

    @inline(__always)
    func isExpired(_ value: UnsafeRawBufferPointer, at watermark: Int64) -> Bool {
        isExpired(
            written: unsafe Int64(bitPattern: MergeOperator.number(value)), at: watermark)
    }

    @inline(__always)
    func isExpired(written: Int64, at watermark: Int64) -> Bool {
        var written = written
        if written == .min {
            guard let origin else { return false }
            written = origin
        }
        let (end, isBeyond) = written.addingReportingOverflow(duration)
        return !isBeyond && end <= watermark
    }
}
