/// The newest entries of a keyed family: a hash index over an append-only arena.
///
/// An entry in the arena:
///
///     | hash, upper 40 bits; key length, 24 | version, 62 bits; kind, 2 | older entry + 1, 32;
///     | room, 5; value length, 27 | key, padded to 8 | value |
///
/// A key's entry is changed in place as long as nobody needs what it was: below `frozenEnd` lie
/// entries that snapshots and iterators may read, and a change of one of these appends another that
/// refers to it. One owner writes; a table that is written no more may be read by any thread.
@safe
final class KeyedMemtable: @unchecked Sendable {
    // Sendable: see above; the family hands a table on only when it has another one to write to.

    static let headBytes = 24
    static let absent = UInt32.max

    private(set) var arena = Arena()
    private(set) var slots: Slab
    private(set) var mask: Int
    /// Keys.
    private(set) var count = 0
    /// Entries below it are not changed.
    private(set) var frozenEnd: UInt32 = 0
    private(set) var tombstones: [RangeTombstone] = []
    /// Entries hidden by these are as good as deleted.
    private(set) var hidden = RangeTombstones()
    /// The watermark of the last write, for what is kept for a time.
    var watermark = Int64.min
    /// What reading ahead gave, so that it is not left out.
    var touched: UInt64 = 0
    let operation: MergeOperator
    private var scratch = GrowingBytes(capacity: 256)

    private static let slotsMin = 64

    /// An empty table, with an index for about `keyCount` keys.
    init(merging operation: MergeOperator?, keyCount: Int = 0) {
        self.operation = operation ?? .last
        var size = Self.slotsMin
        while size * 2 < keyCount * 3 { size *= 2 }
        slots = Slab(byteCount: size * 8)
        slots.fill(0, count: size * 8)
        mask = size - 1
    }

    /// Memory held, in bytes.
    var byteCount: Int { arena.byteCount + (mask + 1) * 8 + tombstones.count * 128 }

    var isEmpty: Bool { count == 0 && tombstones.isEmpty }

    /// What is there so far is not changed any more.
    func freeze() { frozenEnd = arena.position }

    func add(_ tombstone: RangeTombstone) {
        tombstones.append(tombstone)
        hidden.add(tombstone)
    }

    // MARK: Entries

    /// An entry of the arena, by its address.
    @safe
    struct Entry {
        let base: UnsafeMutableRawPointer

        @inline(__always)
        init(_ base: UnsafeMutableRawPointer) { unsafe self.base = base }

        @inline(__always) var header: UInt64 { unsafe base.load(as: UInt64.self) }
        @inline(__always) var keyCount: Int { Int(truncatingIfNeeded: header & 0xff_ffff) }
        @inline(__always) var tag: UInt64 {
            get { unsafe base.load(fromByteOffset: 8, as: UInt64.self) }
            nonmutating set {
                unsafe base.storeBytes(of: newValue, toByteOffset: 8, as: UInt64.self)
            }
        }
        @inline(__always) var version: UInt64 { tag &>> 2 }
        @inline(__always) var kind: EntryKind {
            EntryKind(rawValue: UInt8(truncatingIfNeeded: tag & 3)) ?? .delete
        }
        @inline(__always) var word: UInt64 {
            get { unsafe base.load(fromByteOffset: 16, as: UInt64.self) }
            nonmutating set {
                unsafe base.storeBytes(of: newValue, toByteOffset: 16, as: UInt64.self)
            }
        }
        /// The reference of the entry that was before it, plus 1; 0 for none.
        @inline(__always) var older: UInt32 { UInt32(truncatingIfNeeded: word &>> 32) }
        @inline(__always) var valueCount: Int { Int(truncatingIfNeeded: word & 0x7ff_ffff) }
        @inline(__always) var roomClass: UInt64 { (word &>> 27) & 31 }
        @inline(__always) var room: Int { KeyedMemtable.room(valueCount, roomClass) }
        @inline(__always) var key: UnsafeRawBufferPointer {
            unsafe UnsafeRawBufferPointer(start: base + 24, count: keyCount)
        }
        @inline(__always) var valueBase: UnsafeMutableRawPointer {
            unsafe base + (24 &+ (keyCount &+ 7) & ~7)
        }
        @inline(__always) var value: UnsafeRawBufferPointer {
            unsafe UnsafeRawBufferPointer(start: valueBase, count: valueCount)
        }
    }

    /// Bytes for a value: as many as it has, or a power of two.
    @inline(__always)
    static func room(_ valueCount: Int, _ roomClass: UInt64) -> Int {
        roomClass == 0 ? max(8, (valueCount &+ 7) & ~7) : 8 &<< Int(truncatingIfNeeded: roomClass)
    }

    @inline(__always)
    func entry(_ reference: UInt32) -> Entry { unsafe Entry(arena.address(reference)) }

    @inline(__always)
    static func tag(_ version: UInt64, _ kind: EntryKind) -> UInt64 {
        version &<< 2 | UInt64(kind.rawValue)
    }

    /// The slot and the entry of a key, whose bytes are padded with zeros to a multiple of 8.
    @inline(__always)
    func locate(
        _ hash: UInt64, _ key: UnsafeRawPointer, _ keyCount: Int
    ) -> (slot: Int, entry: UInt32) {
        let words = unsafe slots.base.assumingMemoryBound(to: UInt64.self)
        let header = hash & ~0xff_ffff | UInt64(keyCount)
        let tag = hash & ~0xffff_ffff
        var slot = Int(truncatingIfNeeded: hash &>> 32) & mask
        while true {
            let word = unsafe words[slot]
            if word == 0 { return (slot, Self.absent) }
            let reference = UInt32(truncatingIfNeeded: word) &- 1
            if word & ~0xffff_ffff == tag, unsafe isEntry(reference, header, key, keyCount) {
                return (slot, reference)
            }
            slot = (slot &+ 1) & mask
        }
    }

    @inline(__always)
    private func isEntry(
        _ reference: UInt32, _ header: UInt64, _ key: UnsafeRawPointer, _ keyCount: Int
    ) -> Bool {
        let address = unsafe arena.address(reference)
        guard unsafe address.load(as: UInt64.self) == header else { return false }
        var offset = 0
        while offset < keyCount {
            let mine = unsafe address.load(fromByteOffset: offset &+ 24, as: UInt64.self)
            let theirs = unsafe key.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard mine == theirs else { return false }
            offset &+= 8
        }
        return true
    }

    /// The newest entry of a key that is no newer than `version`, or `absent`.
    @inline(__always)
    func find(
        _ hash: UInt64, _ key: UnsafeRawPointer, _ keyCount: Int, version: UInt64
    ) -> UInt32 {
        var reference = unsafe locate(hash, key, keyCount).entry
        while reference != Self.absent, entry(reference).version > version {
            reference = entry(reference).older &- 1
        }
        return reference
    }

    // MARK: Writing

    /// Sets what a key has; the slot and the entry are what `locate` gave.
    @inline(__always)
    func set(
        _ place: (slot: Int, entry: UInt32), _ hash: UInt64, _ key: UnsafeRawPointer,
        _ keyCount: Int, kind: EntryKind, version: UInt64, value: UnsafeRawBufferPointer
    ) {
        if place.entry != Self.absent, place.entry >= frozenEnd {
            let entry = entry(place.entry)
            let room = entry.room
            if value.count <= room {
                // A value that became shorter keeps half of its room or more.
                var roomClass = entry.roomClass
                if roomClass == 0, Self.room(value.count, 0) < room {
                    roomClass = UInt64(63 &- (room &>> 3).leadingZeroBitCount)
                }
                entry.tag = Self.tag(version, kind)
                entry.word =
                    entry.word & ~0xffff_ffff | roomClass &<< 27
                    | UInt64(truncatingIfNeeded: value.count)
                if let source = value.baseAddress {
                    unsafe entry.valueBase.copyMemory(from: source, byteCount: value.count)
                }
                return
            }
        }
        unsafe append(place, hash, key, keyCount, kind: kind, version: version, value: value)
    }

    /// Adds an entry in front of the one that is there.
    private func append(
        _ place: (slot: Int, entry: UInt32), _ hash: UInt64, _ key: UnsafeRawPointer,
        _ keyCount: Int, kind: EntryKind, version: UInt64, value: UnsafeRawBufferPointer
    ) {
        var older: UInt32 = 0
        var roomClass: UInt64 = 0
        if place.entry == Self.absent {
            count &+= 1
        } else if place.entry < frozenEnd {
            older = place.entry &+ 1
        } else {
            // It grew: it may do so again.
            older = entry(place.entry).older
            let units = max((value.count &+ 7) / 8, 2)
            roomClass = UInt64(64 &- (units &- 1).leadingZeroBitCount)
        }
        let padded = (keyCount &+ 7) & ~7
        let reference = arena.reserve(
            Self.headBytes &+ padded &+ Self.room(value.count, roomClass))
        let entry = entry(reference)
        unsafe entry.base.storeBytes(of: hash & ~0xff_ffff | UInt64(keyCount), as: UInt64.self)
        entry.tag = Self.tag(version, kind)
        entry.word =
            UInt64(older) &<< 32 | roomClass &<< 27 | UInt64(truncatingIfNeeded: value.count)
        var offset = 0
        while offset < padded {
            let word = unsafe key.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            unsafe entry.base.storeBytes(of: word, toByteOffset: offset &+ 24, as: UInt64.self)
            offset &+= 8
        }
        if let source = value.baseAddress {
            unsafe entry.valueBase.copyMemory(from: source, byteCount: value.count)
        }
        let words = unsafe slots.base.assumingMemoryBound(to: UInt64.self)
        unsafe words[place.slot] = hash & ~0xffff_ffff | UInt64(reference &+ 1)
    }

    /// Puts an operand together with what a key has here; alone it waits for what is below.
    func merge(
        _ place: (slot: Int, entry: UInt32), _ hash: UInt64, _ key: UnsafeRawPointer,
        _ keyCount: Int, version: UInt64, operand: UnsafeRawBufferPointer
    ) {
        guard place.entry != Self.absent else {
            return unsafe append(
                place, hash, key, keyCount, kind: .merge, version: version, value: operand)
        }
        let entry = entry(place.entry)
        if entry.kind == .delete || (!hidden.isEmpty && isHidden(entry)) {
            return unsafe set(
                place, hash, key, keyCount, kind: .put, version: version, value: operand)
        }
        if place.entry < frozenEnd, entry.kind == .merge {
            // Operands that a snapshot sees stand for themselves; reading puts them together.
            return unsafe append(
                place, hash, key, keyCount, kind: .merge, version: version, value: operand)
        }
        scratch.removeAll()
        unsafe operation.combine(older: entry.value, newer: operand, to: &scratch)
        let value = unsafe UnsafeRawBufferPointer(start: scratch.slab.base, count: scratch.count)
        unsafe set(
            place, hash, key, keyCount, kind: entry.kind, version: version, value: value)
    }

    func isHidden(_ entry: Entry) -> Bool {
        unsafe hidden.version(covering: entry.key) > entry.version
    }

    /// Makes room in the index for `further` keys; at most two thirds of it are used.
    func reserve(_ further: Int) {
        var size = mask + 1
        guard (count + further) * 3 > size * 2 else { return }
        while (count + further) * 3 > size * 2 { size *= 2 }
        let larger = Slab(byteCount: size * 8)
        larger.fill(0, count: size * 8)
        let old = unsafe slots.base.assumingMemoryBound(to: UInt64.self)
        let new = unsafe larger.base.assumingMemoryBound(to: UInt64.self)
        for index in 0...mask {
            let word = unsafe old[index]
            guard word != 0 else { continue }
            var slot = Int(truncatingIfNeeded: word &>> 32) & (size - 1)
            while unsafe new[slot] != 0 { slot = (slot + 1) & (size - 1) }
            unsafe new[slot] = word
        }
        slots = larger
        mask = size - 1
    }
}
