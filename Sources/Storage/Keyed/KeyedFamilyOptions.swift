/// How a keyed family keeps what it has.
package struct KeyedFamilyOptions: Sendable {
    /// What `merge` does; nil for a family without it.
    package var operation: MergeOperator?
    /// How long a value lives behind the watermark at which it was written, in microseconds.
    package var lifetime: Int64?
    /// By level, the last one for all that are deeper.
    package var codecs: [BlockCodec] = [.lz4]
    package var blockBytes = 4 << 10
    package var filterBitsPerKey = 10
    /// Files of level 0 that make a merge, that slow writers down, and that stop them.
    package var levelZeroTrigger = 4
    package var levelZeroSlow = 20
    package var levelZeroStop = 36
    package var levelRatio = 10
    /// Bytes of level 1; by default what three tables take in memory.
    package var levelOneBytes: Int?
    /// Bytes of a file of a deeper level, about; by default a quarter of level 1.
    package var fileBytes: Int?
    package var levelsMax = 7
    /// Bytes of a table in memory that make a flush; by default a part of the store's budget.
    package var tableBytes: Int?
    /// How fast merges may write; nil for as fast as they can.
    package var rate: CompactionRate?
    /// The keys that are this store's: files shared with others may hold more.
    package var range = KeyRange.all

    package init() {}

    func codec(_ level: Int) -> BlockCodec {
        codecs.isEmpty ? .none : codecs[min(level, codecs.count - 1)]
    }
}

/// A version of a keyed family that stays readable until it is released.
package struct KeyedSnapshot: Sendable, Equatable {
    let version: UInt64
}

/// Changes that become visible together, in order.
package struct KeyedBatch: Sendable {
    enum Change: Sendable {
        case put([UInt8], [UInt8])
        case delete([UInt8])
        case merge([UInt8], [UInt8])
        case deleteRange(KeyRange)
    }

    private(set) var changes: [Change] = []

    package init() {}

    package mutating func put(_ key: [UInt8], _ value: [UInt8]) {
        changes.append(.put(key, value))
    }

    package mutating func delete(_ key: [UInt8]) { changes.append(.delete(key)) }

    package mutating func merge(_ key: [UInt8], _ operand: [UInt8]) {
        changes.append(.merge(key, operand))
    }

    package mutating func deleteRange(_ range: KeyRange) { changes.append(.deleteRange(range)) }
}
