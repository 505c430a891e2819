package import Storage

/// Memory for strings that a step makes: unescaped, concatenated, taken out of state.
///
/// Bytes are written once and never move. The column that holds the views keeps `slabs` alive.
package struct TextArena: ~Copyable {
    /// All memory handed out so far.
    package private(set) var slabs: [Slab] = []
    private var offset = 0
    private let slabBytes: Int

    /// An empty arena that grows by at least `slabBytes` at a time.
    package init(slabBytes: Int = 16 << 10) { self.slabBytes = slabBytes }

    /// Room for `count` bytes and the slack behind them.
    package mutating func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        if let slab = slabs.last, offset + count <= slab.byteCount {
            return unsafe slab.base + offset
        }
        let slab = Slab(byteCount: max(count, slabBytes))
        slabs.append(slab)
        offset = 0
        return unsafe slab.base
    }

    /// Turns the first `count` bytes of the last reservation into a string.
    package mutating func commit(_ count: Int) -> StringView {
        guard let slab = slabs.last else { return .empty }
        let start = unsafe slab.base + offset
        if count > StringView.inlineCountMax { offset += count }
        return unsafe StringView(start, count: count)
    }

    /// Copies `bytes` into the arena.
    package mutating func add(_ bytes: RawSpan) -> StringView {
        let count = bytes.byteCount
        let target = unsafe reserve(count)
        unsafe bytes.withUnsafeBytes { source in
            if let base = source.baseAddress {
                unsafe target.copyMemory(from: base, byteCount: count)
            }
        }
        return commit(count)
    }

    /// Copies what `view` shows, unless it is inline.
    package mutating func add(_ view: StringView) -> StringView {
        if view.isInline { return view }
        return view.withBytes { bytes in add(bytes) }
    }

    /// Copies the UTF-8 of `string`.
    package mutating func add(_ string: String) -> StringView {
        var string = string
        return string.withUTF8 { bytes in
            let target = unsafe reserve(bytes.count)
            if let base = bytes.baseAddress {
                unsafe target.copyMemory(from: base, byteCount: bytes.count)
            }
            return commit(bytes.count)
        }
    }
}
