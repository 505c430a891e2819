/// The names of blocks that the cache let go of not long ago.
///
/// A table of fingerprints, each with the time it came, counted in ghosts: one that is older than
/// as many ghosts as the cache has blocks is none any more, and two that fall on one place do not
/// both stay. To forget a ghost costs a read, nothing more.
struct BlockGhosts {
    private struct Ghost {
        var fingerprint: UInt32 = 0
        var time: UInt32 = 0
    }

    private var table: [Ghost] = []
    private var now: UInt32 = 0
    private var span: UInt32 = 0

    @inline(__always)
    private static func hash(_ file: UInt64, _ offset: Int) -> UInt64 {
        Hash64.hash(~file, UInt64(truncatingIfNeeded: offset))
    }

    @inline(__always)
    private func place(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash) & (table.count &- 1)
    }

    /// Remembers a block of a cache of `count` blocks.
    mutating func insert(file: UInt64, offset: Int, among count: Int) {
        span = UInt32(clamping: max(count, 16))
        if table.count < count * 2 || table.isEmpty {
            // What was remembered is lost, as seldom as the cache doubles.
            var size = 64
            while size < count * 4 { size *= 2 }
            table = [Ghost](repeating: Ghost(), count: size)
        }
        now &+= 1
        let hash = Self.hash(file, offset)
        table[place(hash)] = Ghost(fingerprint: UInt32(hash &>> 32) | 1, time: now)
    }

    /// Whether a block was let go of not long ago; if so, it is a ghost no more.
    mutating func remove(file: UInt64, offset: Int) -> Bool {
        guard !table.isEmpty else { return false }
        let hash = Self.hash(file, offset)
        let place = place(hash)
        guard table[place].fingerprint == UInt32(hash &>> 32) | 1, now &- table[place].time < span
        else { return false }
        table[place] = Ghost()
        return true
    }
}
