import Dataflow
import Storage

/// Encoded rows on their way out: whole rows in a slab, and a further slab when that is full.
///
/// For each row: `reserve` the most it can take, write from `cursor`, `advance`, `endRow`.
@safe
struct TextOutput {
    private var parts: [EncodedPart] = []
    private var slab: Slab
    private var count = 0
    private var rowCount = 0
    private let target: String

    /// Bytes of a slab, unless a row may have more, and of the first one for each row: the rows of
    /// a batch may be split among thousands of files.
    private static let slabBytesMax = 256 << 10
    private static let rowBytes = 1 << 10

    /// An empty output for that many rows.
    init(rowCount: Int, target: String = "") {
        slab = Slab(byteCount: min(rowCount * Self.rowBytes, Self.slabBytesMax))
        self.target = target
    }

    /// Makes room for a row of up to `byteCount` bytes.
    @inline(__always)
    mutating func reserve(_ byteCount: Int) {
        if count &+ byteCount > slab.byteCount { change(byteCount) }
    }

    @inline(never)
    private mutating func change(_ byteCount: Int) {
        let size = min(slab.byteCount * 4, Self.slabBytesMax)
        endPart()
        slab = Slab(byteCount: max(size, byteCount))
        count = 0
        rowCount = 0
    }

    /// Where the next byte goes.
    @inline(__always)
    var cursor: UnsafeMutableRawPointer { unsafe slab.base + count }

    /// Says up to where was written.
    @inline(__always)
    mutating func advance(to end: UnsafeMutableRawPointer) {
        count = unsafe end - slab.base
    }

    /// Appends bytes for which there is room.
    mutating func append(_ bytes: [UInt8]) {
        for byte in bytes {
            unsafe slab.base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
            count += 1
        }
    }

    @inline(__always)
    mutating func endRow() { rowCount &+= 1 }

    private mutating func endPart() {
        guard count > 0 else { return }
        parts.append(EncodedPart(target: target, slab: slab, byteCount: count, rowCount: rowCount))
    }

    /// What was written.
    consuming func finish() -> [EncodedPart] {
        endPart()
        return parts
    }
}
