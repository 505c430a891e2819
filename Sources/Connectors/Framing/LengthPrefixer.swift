import Storage

/// Turns lines into records with a length prefix.
enum LengthPrefixer {
    /// The lines of `bytes`, each without its newline and with its length, 4 bytes big endian,
    /// before it; a last line without newline counts.
    static func convert(_ bytes: RawSpan) -> SlabSlice {
        let newline = UInt8(ascii: "\n")
        let whole = 0..<bytes.byteCount
        let lineCount = ByteScan.count(newline, in: bytes, whole) + 1
        let prefix = Framing.lengthPrefixByteCount
        let slab = Slab(byteCount: bytes.byteCount + lineCount * prefix)
        var start = 0
        var out = 0
        while start < bytes.byteCount {
            let end = ByteScan.first(newline, in: bytes, start..<bytes.byteCount) ?? bytes.byteCount
            slab.storeBigEndian(UInt32(end - start), at: out)
            slab.copy(bytes.extracting(start..<end), to: out + prefix)
            out += prefix + end - start
            start = end + 1
        }
        return SlabSlice(slab, 0..<out)
    }
}
