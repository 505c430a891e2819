/// Memory of tables that are gone, on its way back.
///
/// It goes block by block: the system needs some 40 µs to take back one of 256 KiB, and a table may
/// have thousands. Tables that grow meanwhile take blocks over that have just gone to the pool.
struct DiscardedMemory {
    private var slabs: [Slab] = []
    /// Bytes of tables at the last release.
    private var tableBytes = 0

    mutating func add(_ gone: [Slab]) { slabs += gone }

    /// Lets go of four times what tables have grown by since the last time, but always of
    /// something: so that what is held here only shrinks.
    mutating func release(tableBytes now: Int) {
        var bytes = max(now - tableBytes, 0) * 4
        tableBytes = now
        while let slab = slabs.popLast() {
            bytes -= slab.byteCount
            if bytes <= 0 { break }
        }
    }

    /// Lets go of everything.
    mutating func releaseAll() { slabs = [] }
}
