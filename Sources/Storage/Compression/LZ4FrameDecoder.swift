import CLZ4

/// Decodes LZ4 frames (the format of `lz4` files, not bare blocks).
///
/// Skippable frames are skipped, and checksums, where a frame has them, are verified.
@safe
final class LZ4FrameDecoder: FrameDecoder {
    private var context: OpaquePointer?
    private(set) var isInsideFrame = false

    init() {
        let made = unsafe LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))
        if LZ4F_isError(made) != 0 { unsafe context = nil }
    }

    deinit { unsafe LZ4F_freeDecompressionContext(context) }

    func decode(
        _ input: Slab, _ range: inout Range<Int>, into output: Slab, _ target: Range<Int>
    ) throws(FrameError) -> Int {
        guard let context = unsafe context else { throw FrameError(cause: "no memory for lz4") }
        var used = range.count
        var made = target.count
        let hint = unsafe LZ4F_decompress(
            context, output.base + target.lowerBound, &made, input.base + range.lowerBound, &used,
            nil)
        guard LZ4F_isError(hint) == 0 else {
            let name = unsafe LZ4F_getErrorName(hint).map { unsafe String(cString: $0) }
            throw FrameError(cause: "lz4: \(name ?? "error \(hint)")")
        }
        range = range.lowerBound + used..<range.upperBound
        if used > 0 || made > 0 { isInsideFrame = hint != 0 }
        return made
    }
}
