/// The content of an arena up to some moment, for readers on other threads.
///
/// The arena goes on growing behind it; what lies in the slice is not changed any more by an owner
/// who froze it.
@safe
struct ArenaSlice: Sendable {
    let blocks: [Slab]
    /// Bytes used of each block.
    let ends: [Int]

    /// The address of a reference.
    @inline(__always)
    func address(_ reference: UInt32) -> UnsafeMutableRawPointer {
        let block = Int(truncatingIfNeeded: reference &>> 15)
        return unsafe blocks[block].base + Int(truncatingIfNeeded: reference & 0x7fff) &<< 3
    }
}
