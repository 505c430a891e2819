package import Storage

extension FileSystem {
    /// Writes a file anew.
    package func write(_ bytes: [UInt8], to path: String) throws {
        let file = try open(path, .write(truncating: true))
        try file.writeAll([SlabSlice(bytes)])
    }

    /// Writes a file anew.
    package func write(_ text: String, to path: String) throws {
        try write(Array(text.utf8), to: path)
    }

    /// Adds to the end of a file.
    package func append(_ text: String, to path: String) throws {
        try open(path, .append).writeAll([SlabSlice(Array(text.utf8))])
    }

    /// All that a file holds.
    package func bytes(of path: String) throws -> [UInt8] {
        let file = try open(path, .read)
        let count = try file.status().byteCount
        let slab = Slab(byteCount: count)
        return slab.array(0..<(try file.readAll(into: slab, 0..<count, at: 0)))
    }

    /// All that a file holds, as text.
    package func text(of path: String) throws -> String {
        String(decoding: try bytes(of: path), as: UTF8.self)
    }
}

extension SlabSlice {
    /// A slab with these bytes.
    package init(_ bytes: [UInt8]) {
        let slab = Slab(byteCount: bytes.count)
        slab.copy(unsafe bytes.span.bytes, to: 0)
        self.init(slab, 0..<bytes.count)
    }

    /// A slab with this text.
    package init(_ text: String) { self.init(Array(text.utf8)) }

    package var array: [UInt8] { slab.array(range) }

    package var text: String { String(decoding: array, as: UTF8.self) }
}

/// SplitMix64: random numbers that a seed gives again.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
