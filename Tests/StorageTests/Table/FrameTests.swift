import TestSupport
import Testing

@testable import Storage

/// Frames come back as they went, or damage is named.
struct FrameTests {
    static let codecs: [BlockCodec] = [.none, .lz4, .zstd(level: 1), .zstd(level: 9)]

    static func slice(_ bytes: [UInt8]) -> SlabSlice { SlabSlice(Slab(bytes), 0..<bytes.count) }

    /// The same bytes with bits of one of them inverted.
    static func flipped(_ bytes: [UInt8], _ offset: Int, _ mask: UInt8) -> [UInt8] {
        var bytes = bytes
        bytes[offset] ^= mask
        return bytes
    }

    static func array(_ slice: SlabSlice) -> [UInt8] { slice.slab.array(slice.range) }

    static func content(_ random: inout SplitMix64, most: Int) -> [UInt8] {
        let alphabet = random.pick([1, 4, 256])
        return (0..<random.int(0...most)).map { _ in UInt8(random.int(0..<alphabet)) }
    }

    @Test(arguments: Seeds.list(12))
    func framesComeBackAsTheyWent(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let files = MemoryFileSystem()
        let writer = try FrameWriter(files.open("f", .write(truncating: true)))
        var written: [(FramePlace, [UInt8])] = []
        for _ in 0..<random.int(0...30) {
            let content = Self.content(&random, most: random.pick([10, 1000, 40_000]))
            let place = try writer.append(Self.slice(content), codec: random.pick(Self.codecs))
            written.append((place, content))
        }
        let footer = Self.content(&random, most: 500)
        let byteCount = try writer.finish(footer: Self.slice(footer))
        #expect(files.bytes("f").count == byteCount)
        let reader = try FrameReader(files.open("f", .read))
        #expect(reader.byteCount == byteCount)
        #expect(Self.array(reader.footer) == footer)
        for (place, content) in written.shuffled(using: &random) {
            let stored = place.storedByteCount
            #expect(Self.array(try reader.read(place)) == content, "\(Seeds.note(seed))")
            #expect(stored <= content.count + FrameFormat.tailBytes)
        }
    }

    @Test(arguments: codecs)
    func contentThatCompressesWellIsStoredSmall(codec: BlockCodec) throws {
        let files = MemoryFileSystem()
        let writer = try FrameWriter(files.open("f", .write(truncating: true)))
        let content = [UInt8](repeating: 3, count: 10_000)
        let place = try writer.append(Self.slice(content), codec: codec)
        #expect((place.storedByteCount < 200) == (codec != .none))
    }

    /// A small file with a frame of each codec.
    static func smallFile(_ files: MemoryFileSystem) throws -> [(FramePlace, [UInt8])] {
        let writer = try FrameWriter(files.open("f", .write(truncating: true)))
        var written: [(FramePlace, [UInt8])] = []
        for (number, codec) in codecs.enumerated() {
            let content = (0..<100).map { UInt8($0 / 20 + number) }
            written.append((try writer.append(slice(content), codec: codec), content))
        }
        _ = try writer.finish(footer: slice(Array("footer".utf8)))
        return written
    }

    /// Reads a file that may be damaged; gives how many things were refused.
    static func refusals(
        _ files: MemoryFileSystem, _ written: [(FramePlace, [UInt8])]
    ) throws -> Int {
        func refused(_ body: () throws -> Void) throws -> Int {
            do {
                try body()
                return 0
            } catch let error as StorageError {
                #expect(error.kind == .corrupt && error.path == "f" && error.offset != nil)
                return 1
            }
        }
        var reader: FrameReader?
        var count = try refused { reader = try FrameReader(files.open("f", .read)) }
        guard let reader else { return count }
        #expect(array(reader.footer) == Array("footer".utf8))
        for (place, content) in written {
            count += try refused {
                let read = try reader.read(place)
                #expect(array(read) == content)
            }
        }
        return count
    }

    @Test func everyFlippedByteIsFound() throws {
        let files = MemoryFileSystem()
        let written = try Self.smallFile(files)
        let bytes = files.bytes("f")
        #expect(try Self.refusals(files, written) == 0)
        for offset in bytes.indices {
            for mask: UInt8 in [0x01, 0x80, 0xff] {
                files.setBytes("f", FrameTests.flipped(bytes, offset, mask))
                let refused = try Self.refusals(files, written)
                #expect(refused == 1, "byte \(offset) with \(mask)")
                files.setBytes("f", bytes)
            }
        }
    }

    @Test func everyCutIsFound() throws {
        let files = MemoryFileSystem()
        let written = try Self.smallFile(files)
        let bytes = files.bytes("f")
        for count in 0..<bytes.count {
            files.setBytes("f", Array(bytes[..<count]))
            #expect(try Self.refusals(files, written) == 1, "cut to \(count) bytes")
            // Cut at the front, and grown at the end.
            files.setBytes("f", Array(bytes[(bytes.count - count)...]))
            #expect(try Self.refusals(files, written) > 0)
            files.setBytes("f", bytes + bytes[..<min(count + 1, 64)])
            #expect(try Self.refusals(files, written) > 0)
        }
    }

    @Test func placesOutsideOfTheFileAreRefused() throws {
        let files = MemoryFileSystem()
        let written = try Self.smallFile(files)
        let reader = try FrameReader(files.open("f", .read))
        for offset in [-1, 0, 7, 9, reader.byteCount - 29, reader.byteCount, .max] {
            for count in [-1, 0, 4, 5, 6, reader.byteCount, .max] {
                let place = FramePlace(offset: offset, storedByteCount: count)
                #expect(throws: StorageError.self) { try reader.read(place) }
            }
        }
        #expect(try Self.refusals(files, written) == 0)
    }

    /// Bytes that are no compressed block, which a reader meets where the checksum is right.
    @Test(arguments: Seeds.list(30))
    func compressedBytesThatAreWrongDoNoHarm(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let content = Self.content(&random, most: 3000) + [UInt8](repeating: 1, count: 300)
        for codec in Self.codecs.dropFirst() {
            guard var bytes = codec.compress(Self.slice(content)).map(Self.array) else { continue }
            let whole = BlockCodec.decompress(Self.slice(bytes), mark: codec.mark)
            #expect(whole.map(Self.array) == content)
            for _ in 0..<20 {
                bytes[random.int(0..<bytes.count)] ^= UInt8(random.int(1...255))
                if random.chance(0.2) { bytes.removeLast(random.int(0..<bytes.count)) }
                if bytes.isEmpty { break }
                let mark = random.chance(0.1) ? UInt8(random.int(1...255)) : codec.mark
                let made = BlockCodec.decompress(Self.slice(bytes), mark: mark)
                #expect((made?.byteCount ?? 0) <= BlockCodec.rawBytesMax)
            }
        }
    }
}
