import TestSupport
import Testing

@testable import Storage

/// Keys of one length, stored by their pattern.
struct KeyPatternTests {
    /// Keys whose places are of random kinds: fixed, digits, hexadecimal ones, anything.
    static func keys(_ random: inout SplitMix64, count: Int, byteCount: Int) -> [[UInt8]] {
        let alphabets = [
            Array("0123456789".utf8), Array("0123456789abcdef".utf8),
            Array("0123456789ABCDEF".utf8), Array("0aF".utf8), (0...255).map { UInt8($0) },
            Array("/:@G`g".utf8), [0x80, 0xb0, 0xe1],
        ]
        var kinds: [[UInt8]] = []
        while kinds.count < byteCount {
            let alphabet =
                random.chance(0.4) ? [UInt8(random.int(0...255))] : random.pick(alphabets)
            for _ in 0..<random.int(1...20) where kinds.count < byteCount {
                kinds.append(alphabet.count == 1 ? [UInt8(random.int(0...255))] : alphabet)
            }
        }
        return (0..<count).map { _ in kinds.map { random.pick($0) } }
    }

    @Test(arguments: Seeds.list(40))
    func packedKeysComeBack(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let byteCount = random.pick([1, 7, 8, 16, 24, 36, 100, 255])
        let keys = Self.keys(&random, count: random.int(2...60), byteCount: byteCount)
        var pattern = GrowingBytes(capacity: 16)
        let flat = Slab(keys.flatMap { $0 })
        let isShorter = unsafe KeyPattern.find(
            flat.base, count: keys.count, keyBytes: byteCount, stride: byteCount, into: &pattern)
        let start = unsafe UnsafeRawPointer(pattern.slab.base)
        let read = try #require(
            unsafe KeyPattern(start, end: start + pattern.count, keyBytes: byteCount))
        #expect(read.byteCount == pattern.count)
        #expect(
            isShorter == (read.byteCount + read.rowBytes * keys.count < byteCount * keys.count))
        for (index, key) in keys.enumerated() {
            let row = Slab(byteCount: read.rowBytes + 8)
            let target = Slab(byteCount: byteCount + 8)
            target.fill(0xee, count: byteCount + 8)
            unsafe read.pack(flat.base + index * byteCount, to: row.base)
            unsafe read.unpack(row.base, to: target.base)
            #expect(target.array(0..<byteCount) == key, "\(Seeds.note(seed))")
            // Nothing is written behind the key.
            #expect(target.array(byteCount..<byteCount + 8).allSatisfy { $0 == 0xee })
        }
        for cut in 0..<pattern.count {
            #expect(unsafe KeyPattern(start, end: start + cut, keyBytes: byteCount) == nil)
        }
        #expect(unsafe KeyPattern(start, end: start + pattern.count, keyBytes: 256) == nil)
    }

    /// Whoever compares keys has room for so many bytes.
    @Test func keysAreNoLongerThanTheRoomForThem() {
        let bytes = Slab([2, 3, 255, 3, 45] as [UInt8])
        let start = unsafe UnsafeRawPointer(bytes.base)
        #expect(unsafe KeyPattern(start, end: start + 5, keyBytes: 300) == nil)
        #expect(unsafe KeyPattern(start, end: start + 3, keyBytes: 255) == nil)
    }

    @Test func identifiersTakeHalfTheirBytes() throws {
        var random = SplitMix64(seed: 3)
        let keys = (0..<100).map { _ in
            let digits = String(random.next() | 1 << 63, radix: 16)
            return Array("ord-eu1-\(digits)".utf8)
        }
        var pattern = GrowingBytes(capacity: 16)
        let flat = Slab(keys.flatMap { $0 })
        #expect(
            unsafe KeyPattern.find(
                flat.base, count: 100, keyBytes: 24, stride: 24, into: &pattern))
        let start = unsafe UnsafeRawPointer(pattern.slab.base)
        let read = try #require(
            unsafe KeyPattern(start, end: start + pattern.count, keyBytes: 24))
        #expect(read.rowBytes == 8)
    }

    @Test(arguments: Seeds.list(16))
    func blocksGiveTheirKeysBack(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let byteCount = random.int(2...60)
        var builder = HashedBlockBuilder(valueWidth: 0, referenceCount: 0)
        let isGrouped = random.chance(0.5)
        let keys = Self.keys(&random, count: random.int(1...80), byteCount: byteCount)
        var expected: [(hash: UInt64, key: [UInt8])] = []
        for (index, key) in keys.enumerated() {
            let hash = UInt64(index) << 32 | UInt64(random.int(0..<1 << 30))
            var key = key
            if isGrouped {
                let group = HashedBlockBuilder.group(of: hash)
                key[0] = UInt8(group & 0xff)
                key[1] = UInt8(group >> 8)
            }
            let bytes = Slab(key)
            unsafe builder.add(
                hash: hash, key: bytes.base, keyCount: byteCount, value: bytes.base)
            expected.append((hash, key))
        }
        let block = try HashedBlock(builder.finish(), valueWidth: 0, hasExtras: false)
        var cursor = block.start
        for (hash, key) in expected {
            #expect(cursor.hash == hash && block.keyCount(cursor) == byteCount)
            let target = Slab(byteCount: byteCount + 8)
            unsafe block.copyKey(cursor, to: target.base)
            #expect(target.array(0..<byteCount) == key, "\(Seeds.note(seed))")
            let asked = Slab(key)
            #expect(unsafe block.find(hash, asked.base, keyCount: byteCount) != nil)
            var other = key
            other[random.int(0..<byteCount)] ^= 1
            let wrong = Slab(other)
            #expect(unsafe block.find(hash, wrong.base, keyCount: byteCount) == nil)
            block.advance(&cursor)
        }
        #expect(cursor.index == block.count)
    }
}
