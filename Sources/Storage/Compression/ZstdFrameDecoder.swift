import CZstd

/// Decodes Zstandard frames, with windows of up to 128 MiB.
///
/// Skippable frames are skipped, and content checksums are verified.
@safe
final class ZstdFrameDecoder: FrameDecoder {
    private let stream: OpaquePointer?
    private(set) var isInsideFrame = false

    init() { unsafe stream = ZSTD_createDStream() }

    deinit { unsafe ZSTD_freeDStream(stream) }

    func decode(
        _ input: Slab, _ range: inout Range<Int>, into output: Slab, _ target: Range<Int>
    ) throws(FrameError) -> Int {
        guard let stream = unsafe stream else { throw FrameError(cause: "no memory for zstd") }
        var source = unsafe ZSTD_inBuffer(
            src: input.base + range.lowerBound, size: range.count, pos: 0)
        var sink = unsafe ZSTD_outBuffer(
            dst: output.base + target.lowerBound, size: target.count, pos: 0)
        let hint = unsafe ZSTD_decompressStream(stream, &sink, &source)
        range = unsafe range.lowerBound + source.pos..<range.upperBound
        guard ZSTD_isError(hint) == 0 else {
            let name = unsafe ZSTD_getErrorName(hint).map { unsafe String(cString: $0) }
            throw FrameError(cause: "zstd: \(name ?? "error \(hint)")")
        }
        if unsafe source.pos > 0 || sink.pos > 0 { isInsideFrame = hint != 0 }
        return unsafe sink.pos
    }
}
