import Dataflow
import Storage

/// A growing slab, and how CSV is written to it.
///
/// `reserve` makes room for the fields of fixed width of one record; text makes its own.
@safe
struct CSVPen {
    private(set) var slab: Slab
    private(set) var count = 0
    private var base: UnsafeMutableRawPointer
    private var byteCount: Int
    private let delimiter: UInt8
    private let quote: UInt8

    init(slab: Slab, _ dialect: CSVDialect) {
        self.slab = slab
        unsafe base = slab.base
        byteCount = slab.byteCount
        delimiter = dialect.delimiter
        quote = dialect.quote
    }

    private var target: UnsafeMutableRawPointer { unsafe base + count }

    /// Makes room for `byteCount` bytes.
    @inline(__always)
    mutating func reserve(_ byteCount: Int) {
        if count &+ byteCount > self.byteCount { grow(byteCount) }
    }

    @inline(never)
    private mutating func grow(_ byteCount: Int) {
        let larger = Slab(byteCount: max(self.byteCount * 2, count + byteCount))
        unsafe larger.base.copyMemory(from: slab.base, byteCount: count)
        slab = larger
        unsafe base = larger.base
        self.byteCount = larger.byteCount
    }

    @inline(__always)
    mutating func putDelimiter() { putByte(delimiter) }

    @inline(__always)
    mutating func putLineEnd() { putByte(0x0a) }

    @inline(__always)
    private mutating func putByte(_ byte: UInt8) {
        unsafe target.storeBytes(of: byte, as: UInt8.self)
        count &+= 1
    }

    @inline(__always)
    mutating func put(_ value: Bool) {
        let word: UInt64 = value ? 0x6575_7274 : 0x65_736c_6166
        unsafe target.storeBytes(of: word, as: UInt64.self)
        count &+= value ? 4 : 5
    }

    @inline(__always)
    mutating func put(_ value: Int64) {
        count &+= unsafe NumberWriter.write(value, to: target) - target
    }

    @inline(__always)
    mutating func put(_ value: Double) {
        count &+= unsafe NumberWriter.write(value, to: target) - target
    }

    /// Writes a time; the text of a pattern may need quotes.
    @inline(__always)
    mutating func put(_ time: Int64, _ writer: inout TimestampWriter) {
        let written = unsafe writer.write(time, to: target) - target
        if writer.mayNeedQuotes {
            let bytes = unsafe UnsafeRawBufferPointer(start: target, count: written)
            let copy = unsafe Array(bytes)
            unsafe copy.withUnsafeBytes { unsafe putText($0, mustQuote: false) }
        } else {
            count &+= written
        }
    }

    /// What was written from `start` on.
    func text(from start: Int) -> String {
        let bytes = unsafe UnsafeRawBufferPointer(start: base + start, count: count - start)
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    /// Puts what was written from `start` on, which has no quotes, into quotes.
    mutating func quote(from start: Int) {
        unsafe (base + start + 1).copyMemory(from: base + start, byteCount: count - start)
        unsafe (base + start).storeBytes(of: quote, as: UInt8.self)
        count &+= 1
        putByte(quote)
    }

    /// Writes text, and keeps `reserving` bytes of room behind it.
    @inline(__always)
    mutating func put(_ view: StringView, mustQuote: Bool, reserving: Int) {
        reserve(view.count &* 2 &+ 64 &+ reserving)
        if view.isInline && view.count > 0 && !mustQuote {
            unsafe view.copy(to: target)
            let low = unsafe target.loadUnaligned(as: UInt64.self)
            let high = unsafe target.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            if !isSpecial(low) && !isSpecial(high) {
                count &+= view.count
                return
            }
        }
        view.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { unsafe putText($0, mustQuote: mustQuote) }
        }
    }

    /// Whether one of eight bytes must be quoted.
    @inline(__always)
    private func isSpecial(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        func marks(_ byte: UInt8) -> UInt64 {
            let flipped = word ^ (UInt64(byte) &* ones)
            return (flipped &- ones) & ~flipped
        }
        return (marks(delimiter) | marks(quote) | marks(0x0a) | marks(0x0d)) & (ones &<< 7) != 0
    }

    /// Writes text for which there is room, in quotes if it needs them.
    private mutating func putText(_ bytes: UnsafeRawBufferPointer, mustQuote: Bool) {
        var needsQuotes = unsafe mustQuote || bytes.isEmpty
        var place = 0
        while !needsQuotes && place + 8 <= bytes.count {
            needsQuotes = unsafe isSpecial(
                bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            place += 8
        }
        while !needsQuotes && place < bytes.count {
            let byte = unsafe bytes[place]
            needsQuotes = byte == delimiter || byte == quote || byte == 0x0a || byte == 0x0d
            place += 1
        }
        if !needsQuotes {
            if let base = bytes.baseAddress {
                unsafe target.copyMemory(from: base, byteCount: bytes.count)
            }
            count += bytes.count
            return
        }
        putByte(quote)
        for index in 0..<bytes.count {
            let byte = unsafe bytes[index]
            if byte == quote { putByte(quote) }
            putByte(byte)
        }
        putByte(quote)
    }
}
