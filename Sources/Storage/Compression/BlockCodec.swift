import CLZ4

/// How the blocks of stored files are compressed, each on its own.
package enum BlockCodec: Equatable, Sendable {
    case none
    case lz4
    case zstd(level: Int)

    /// How a compressed frame names its codec.
    var mark: UInt8 {
        switch self {
        case .none: 0
        case .lz4: 1
        case .zstd: 2
        }
    }

    /// Bytes of the raw length before compressed bytes.
    static let headBytes = 4
    /// Raw bytes of a block, at most: what a damaged length can make a reader ask for.
    static let rawBytesMax = 64 << 20

    /// The compressed form: raw length, then the codec's bytes; nil where it would save less than
    /// an eighth.
    func compress(_ content: SlabSlice) -> SlabSlice? {
        guard self != .none, content.byteCount >= 64, content.byteCount <= Self.rawBytesMax else {
            return nil
        }
        let limit = content.byteCount - content.byteCount / 8
        let output = Slab(byteCount: Self.headBytes + limit)
        let source = unsafe content.slab.base + content.range.lowerBound
        let target = unsafe output.base + Self.headBytes
        let written: Int
        switch self {
        case .none: return nil
        case .lz4:
            written = Int(
                unsafe LZ4_compress_default(
                    source.assumingMemoryBound(to: CChar.self),
                    target.assumingMemoryBound(to: CChar.self), Int32(content.byteCount),
                    Int32(limit)))
        case .zstd(let level):
            written =
                unsafe ZstdContexts.shared.compress(
                    source, count: content.byteCount, to: target, limit: limit, level: level) ?? 0
        }
        guard written > 0 else { return nil }
        unsafe output.base.storeBytes(
            of: UInt32(content.byteCount).littleEndian, as: UInt32.self)
        return SlabSlice(output, 0..<Self.headBytes + written)
    }

    /// What `compress` made, as it was; nil for bytes that are no compressed block.
    static func decompress(_ body: SlabSlice, mark: UInt8) -> SlabSlice? {
        if mark == BlockCodec.none.mark { return body }
        guard body.byteCount > headBytes else { return nil }
        let base = unsafe body.slab.base + body.range.lowerBound
        let count = Int(UInt32(littleEndian: unsafe base.loadUnaligned(as: UInt32.self)))
        guard count <= rawBytesMax else { return nil }
        let output = Slab(byteCount: count)
        let source = unsafe base + headBytes
        let size = body.byteCount - headBytes
        let written: Int
        switch mark {
        case BlockCodec.lz4.mark:
            written = Int(
                unsafe LZ4_decompress_safe(
                    source.assumingMemoryBound(to: CChar.self),
                    output.base.assumingMemoryBound(to: CChar.self), Int32(size), Int32(count)))
        case BlockCodec.zstd(level: 0).mark:
            written =
                unsafe ZstdContexts.shared.decompress(
                    source, count: size, to: output.base, limit: count) ?? -1
        default: return nil
        }
        return written == count ? SlabSlice(output, 0..<count) : nil
    }
}
