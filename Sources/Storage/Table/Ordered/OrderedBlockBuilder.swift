/// Builds a block of an ordered table.
///
///     block    = entry | entry | … | restart: 4 | restart: 4 | … | restart count: 4
///     entry    = shared bytes | further bytes | value bytes | version × 4 + kind
///              | further bytes of the key | value
///
/// An entry keeps of its key only what differs from the start of the key before it. At every
/// sixteenth, a *restart*, the key is whole (nothing is shared), so that a search can begin there;
/// the restarts are the places of these entries in the block. Numbers of an entry are of seven
/// bits a byte. Entries stand in the order of their keys, those of one key newest version first.
@safe
struct OrderedBlockBuilder: ~Copyable {
    static let restartInterval = 16
    /// Most bytes of an entry besides key and value: three counts, a version, a restart.
    static let entryHeadBytesMax = 5 * 3 + 9 + 4

    private var bytes: GrowingBytes
    private var restarts = GrowingBytes(capacity: 256)
    private(set) var count = 0

    init(capacity: Int) { bytes = GrowingBytes(capacity: capacity) }

    /// Bytes of the block if it ended here.
    var byteCount: Int { bytes.count + restarts.count + 4 }

    /// Adds an entry whose key has `shared` bytes in common with the one before.
    @inline(__always)
    mutating func add(
        key: UnsafeRawBufferPointer, shared: Int, tag: UInt64, value: UnsafeRawBufferPointer
    ) {
        var shared = shared
        if count % Self.restartInterval == 0 {
            restarts.append(UInt32(truncatingIfNeeded: bytes.count))
            shared = 0
        }
        count &+= 1
        let further = key.count &- shared
        bytes.append(varint: UInt64(shared))
        bytes.append(varint: UInt64(further))
        bytes.append(varint: UInt64(value.count))
        bytes.append(varint: tag)
        if further > 0, let start = key.baseAddress {
            unsafe bytes.append(start + shared, count: further)
        }
        if let start = value.baseAddress {
            unsafe bytes.append(start, count: value.count)
        }
    }

    /// The block, until something is added to the next one.
    mutating func finish() -> SlabSlice {
        bytes.append(restarts)
        bytes.append(UInt32(truncatingIfNeeded: restarts.count / 4))
        let block = bytes.slice
        bytes.removeAll()
        restarts.removeAll()
        count = 0
        return block
    }
}
