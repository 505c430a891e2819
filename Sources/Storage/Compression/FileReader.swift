/// Reads a file from front to back, plain or compressed.
///
/// Damage is a `StorageError` of kind `corrupt` with the offset in the compressed file; once found,
/// every further read gives it again. What was decoded before it has already been given out.
package final class FileReader {
    /// Compressed bytes read at once.
    private static let inputByteCount = 256 << 10

    package let file: any File
    /// The place in the file up to which its bytes are used up.
    package var fileOffset: Int { readOffset - pending.count }

    /// The place in the file up to which it was read.
    package private(set) var readOffset = 0
    package var isCompressed: Bool { decoder != nil }

    private let decoder: (any FrameDecoder)?
    private var input: Slab?
    private var pending = 0..<0
    private var mayHoldOutput = false
    private var failure: StorageError?

    /// A reader that stands at the start of `file`.
    package init(_ file: any File, codec: Codec?) {
        self.file = file
        decoder = codec?.makeDecoder()
        file.adviseSequential()
    }

    /// Moves to the place behind the first `byteCount` bytes of the content; false where the file
    /// has fewer. Compressed content is decompressed up to there.
    package func skip(_ byteCount: Int) throws(StorageError) -> Bool {
        guard isCompressed else {
            readOffset = byteCount
            return try file.status().byteCount >= byteCount
        }
        let scratch = Slab(byteCount: FileReader.inputByteCount)
        var rest = byteCount
        while rest > 0 {
            let count = try read(into: scratch, 0..<min(rest, FileReader.inputByteCount))
            if count == 0 { return false }
            rest -= count
        }
        return true
    }

    /// Reads into `range` of `slab`, which is not empty; gives the bytes read, 0 where the file
    /// ends now. A file that has grown can be read on.
    package func read(into slab: Slab, _ range: Range<Int>) throws(StorageError) -> Int {
        if let failure { throw failure }
        guard let decoder else {
            let count = try file.read(into: slab, range, at: readOffset)
            readOffset += count
            return count
        }
        let input = input ?? Slab(byteCount: FileReader.inputByteCount)
        self.input = input
        while true {
            if pending.isEmpty && !mayHoldOutput {
                let room = 0..<FileReader.inputByteCount
                let count = try file.read(into: input, room, at: readOffset)
                if count == 0 { return 0 }
                readOffset += count
                pending = 0..<count
            }
            let count: Int
            do {
                count = try decoder.decode(input, &pending, into: slab, range)
            } catch {
                throw fail(error.cause)
            }
            mayHoldOutput = count == range.count
            if count > 0 { return count }
        }
    }

    /// Checks that the file may end where it does; throws where it ends inside a frame.
    package func finish() throws(StorageError) {
        guard let decoder else { return }
        if let failure { throw failure }
        if decoder.isInsideFrame {
            throw fail("the file ends inside a compressed frame")
        }
        if readOffset == 0 {
            throw fail("the file is empty, without a single compressed frame")
        }
    }

    private func fail(_ cause: String) -> StorageError {
        let error = StorageError(
            .corrupt, operation: "decompress", path: file.path, offset: fileOffset, cause: cause,
            advice: "the file is damaged or incomplete; get it again from where it came")
        failure = error
        return error
    }
}
