import CLZ4
import CZstd
import Storage
import TestSupport
import Testing

struct FileReaderTests {
    private let files = MemoryFileSystem()

    /// Compressible text with a little noise.
    private func text(byteCount: Int, seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed: seed)
        return (0..<byteCount).map { index in
            index % 7 == 0 ? UInt8.random(in: 32..<127, using: &random) : UInt8(97 + index % 20)
        }
    }

    private func compress(_ bytes: [UInt8], _ codec: Codec) -> [UInt8] {
        switch codec {
        case .zstd:
            let room = ZSTD_compressBound(bytes.count)
            return unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                let context = unsafe ZSTD_createCCtx()
                unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
                count = unsafe ZSTD_compress2(
                    context, buffer.baseAddress, room, bytes, bytes.count)
                unsafe ZSTD_freeCCtx(context)
            }
        case .lz4:
            var preferences = LZ4F_preferences_t()
            preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
            let room = unsafe LZ4F_compressFrameBound(bytes.count, &preferences)
            return unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                count = unsafe LZ4F_compressFrame(
                    buffer.baseAddress, room, bytes, bytes.count, &preferences)
            }
        }
    }

    private func put(_ bytes: [UInt8]) throws { try files.write(bytes, to: "file") }

    /// All that a reader gives, in reads of `byteCount` bytes.
    private func readAll(_ codec: Codec?, byteCount: Int = 1000) throws -> [UInt8] {
        let reader = FileReader(try files.open("file", .read), codec: codec)
        let slab = Slab(byteCount: byteCount)
        var all: [UInt8] = []
        while true {
            let count = try reader.read(into: slab, 0..<byteCount)
            if count == 0 { break }
            all += slab.array(0..<count)
        }
        try reader.finish()
        return all
    }

    @Test(arguments: Codec.allCases)
    func readsConcatenatedFrames(codec: Codec) throws {
        let first = text(byteCount: 300_000, seed: 1)
        let second = text(byteCount: 10, seed: 2)
        try put(compress(first, codec) + compress([], codec) + compress(second, codec))
        for byteCount in [7, 1000, 1 << 20] {
            #expect(try readAll(codec, byteCount: byteCount) == first + second)
        }
    }

    @Test(arguments: Codec.allCases)
    func truncatedFileIsAnErrorWithOffset(codec: Codec) throws {
        let whole = compress(text(byteCount: 5000, seed: 3), codec)
        for count in [0, 1, 5, whole.count / 2, whole.count - 1] {
            try put(Array(whole.prefix(count)))
            let error = #expect(throws: StorageError.self) { try readAll(codec) }
            #expect(error?.kind == .corrupt)
            #expect(error?.offset == count)
            #expect(error?.path == "file")
        }
    }

    @Test(arguments: Codec.allCases)
    func damageNeverComesOutAsASilentSuccess(codec: Codec) throws {
        let original = text(byteCount: 3000, seed: 4)
        let whole = compress(original, codec)
        for place in stride(from: 0, to: whole.count, by: 3) {
            var damaged = whole
            damaged[place] ^= 0x55
            try put(damaged)
            if let got = try? readAll(codec) { #expect(got == original, "place \(place)") }
        }
    }

    @Test func errorIsGivenAgain() throws {
        try put(Array("this is no zstd frame".utf8))
        let reader = FileReader(try files.open("file", .read), codec: .zstd)
        let slab = Slab(byteCount: 100)
        let first = #expect(throws: StorageError.self) { try reader.read(into: slab, 0..<100) }
        let second = #expect(throws: StorageError.self) { try reader.read(into: slab, 0..<100) }
        #expect(first == second)
        #expect(first?.cause.hasPrefix("zstd: ") == true)
    }

    @Test func plainFileIsReadOnAsItGrows() throws {
        files.put("file", "one")
        let reader = FileReader(try files.open("file", .read), codec: nil)
        let slab = Slab(byteCount: 100)
        #expect(try reader.read(into: slab, 0..<100) == 3)
        #expect(try reader.read(into: slab, 0..<100) == 0)
        files.append("file", " two")
        #expect(try reader.read(into: slab, 0..<100) == 4)
        try reader.finish()
    }

    @Test func endingNamesTheCodec() {
        #expect(Codec(path: "a/b.ndjson.zst") == .zstd)
        #expect(Codec(path: "b.lz4") == .lz4)
        #expect(Codec(path: "lz4") == nil)
    }
}
