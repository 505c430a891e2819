/// The compressed forms that are read, each by its frame format.
package enum Codec: String, Sendable, CaseIterable {
    case zstd
    case lz4

    /// The codec that a path's ending names; nil for a plain file.
    package init?(path: String) {
        if path.hasSuffix(".zst") || path.hasSuffix(".zstd") {
            self = .zstd
        } else if path.hasSuffix(".lz4") {
            self = .lz4
        } else {
            return nil
        }
    }

    /// A decoder that stands before the first frame.
    func makeDecoder() -> any FrameDecoder {
        switch self {
        case .zstd: ZstdFrameDecoder()
        case .lz4: LZ4FrameDecoder()
        }
    }
}

/// Turns a run of compressed frames into the bytes they stand for, piece by piece.
///
/// Frames follow one another without a mark between them, as `cat a.zst b.zst` makes them.
protocol FrameDecoder: AnyObject {
    /// Whether the input so far ends within a frame.
    var isInsideFrame: Bool { get }

    /// Decodes from `input`, from whose front it takes what it used up, into `target` of `output`;
    /// gives the bytes decoded. What does not fit waits inside for the next call.
    func decode(
        _ input: Slab, _ range: inout Range<Int>, into output: Slab, _ target: Range<Int>
    ) throws(FrameError) -> Int
}

/// What a decoder found wrong with its input.
struct FrameError: Error {
    let cause: String
}
