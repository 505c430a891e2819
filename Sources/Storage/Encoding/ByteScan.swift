/// Finds bytes in memory, eight at a time.
package enum ByteScan {
    private static let lows: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// The high bit of every byte of `word` that is zero, and of no other.
    @inline(__always)
    private static func zeroBytes(_ word: UInt64) -> UInt64 {
        ~(((word & ~highs) &+ ~highs) | word | ~highs)
    }

    /// The place of the first `byte` in `range` of `bytes`.
    package static func first(_ byte: UInt8, in bytes: RawSpan, _ range: Range<Int>) -> Int? {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.byteCount)
        let pattern = UInt64(byte) &* lows
        var place = range.lowerBound
        while place &+ 8 <= range.upperBound {
            let word = unsafe bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: place, as: UInt64.self)
            let found = zeroBytes(UInt64(littleEndian: word) ^ pattern)
            if found != 0 { return place &+ found.trailingZeroBitCount &>> 3 }
            place &+= 8
        }
        while place < range.upperBound {
            if load(bytes, place) == byte { return place }
            place &+= 1
        }
        return nil
    }

    /// The place of the last `byte` in `range` of `bytes`.
    package static func last(_ byte: UInt8, in bytes: RawSpan, _ range: Range<Int>) -> Int? {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.byteCount)
        let pattern = UInt64(byte) &* lows
        var end = range.upperBound
        while end &- 8 >= range.lowerBound {
            let word = unsafe bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: end &- 8, as: UInt64.self)
            let found = zeroBytes(UInt64(littleEndian: word) ^ pattern)
            if found != 0 { return end &- 1 &- found.leadingZeroBitCount &>> 3 }
            end &-= 8
        }
        while end > range.lowerBound {
            end &-= 1
            if load(bytes, end) == byte { return end }
        }
        return nil
    }

    /// How often `byte` stands in `range` of `bytes`.
    package static func count(_ byte: UInt8, in bytes: RawSpan, _ range: Range<Int>) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.byteCount)
        let pattern = UInt64(byte) &* lows
        var count = 0
        var place = range.lowerBound
        while place &+ 8 <= range.upperBound {
            let word = unsafe bytes.unsafeLoadUnaligned(
                fromUncheckedByteOffset: place, as: UInt64.self)
            count &+= zeroBytes(word ^ pattern).nonzeroBitCount
            place &+= 8
        }
        while place < range.upperBound {
            if load(bytes, place) == byte { count &+= 1 }
            place &+= 1
        }
        return count
    }

    /// The byte at a place.
    package static func byte(in bytes: RawSpan, at place: Int) -> UInt8 {
        precondition(place >= 0 && place < bytes.byteCount)
        return load(bytes, place)
    }

    /// The four bytes at a place, most significant first.
    package static func bigEndianLength(in bytes: RawSpan, at place: Int) -> Int {
        precondition(place >= 0 && place + 4 <= bytes.byteCount)
        let word = unsafe bytes.unsafeLoadUnaligned(
            fromUncheckedByteOffset: place, as: UInt32.self)
        return Int(UInt32(bigEndian: word))
    }

    @inline(__always)
    private static func load(_ bytes: RawSpan, _ place: Int) -> UInt8 {
        unsafe bytes.unsafeLoad(fromUncheckedByteOffset: place, as: UInt8.self)
    }
}
