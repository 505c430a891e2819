/// What keys of one length have in common at each place: how a block stores them in fewer bytes.
///
/// Identifiers are mostly text: a fixed start, digits, hexadecimal ones. A pattern is a list of
/// runs of places; a key is stored as what its runs keep of it, one behind the other.
///
///     pattern = runs: 1 | for each run: kind: 1 | places: 1 | the bytes of a fixed run
///     kind    = 0 fixed, nothing is kept | 1 hexadecimal digits of lower case, half a byte each
///               (the first one in the low bits) | 2 the same of upper case | 3 any bytes
@safe
struct KeyPattern {
    private enum Kind: UInt8 {
        case fixed, lower, upper, any

        /// Bytes kept of so many places.
        @inline(__always)
        func byteCount(_ places: Int) -> Int {
            switch self {
            case .fixed: 0
            case .lower, .upper: (places &+ 1) &>> 1
            case .any: places
            }
        }
    }

    /// Bytes of a key, at most.
    static let keyBytesMax = 255

    /// The pattern's runs: in a builder's bytes, or in a block.
    private let runs: UnsafeRawPointer
    /// Bytes of the pattern itself.
    let byteCount: Int
    /// Bytes of each key as it is stored.
    let rowBytes: Int

    /// Takes a pattern for keys of `keyBytes`; nil where the bytes up to `end` are none.
    init?(_ start: UnsafeRawPointer, end: UnsafeRawPointer, keyBytes: Int) {
        guard unsafe start < end else { return nil }
        let count = Int(unsafe start.load(as: UInt8.self))
        var next = unsafe start + 1
        var (places, rowBytes) = (0, 0)
        for _ in 0..<count {
            guard unsafe next + 2 <= end,
                let kind = Kind(rawValue: unsafe next.load(as: UInt8.self))
            else { return nil }
            let length = Int(unsafe next.load(fromByteOffset: 1, as: UInt8.self))
            unsafe next += 2 + (kind == .fixed ? length : 0)
            places += length
            rowBytes += kind.byteCount(length)
        }
        guard unsafe next <= end, places == keyBytes, keyBytes <= Self.keyBytesMax else {
            return nil
        }
        unsafe runs = start
        unsafe byteCount = next - start
        self.rowBytes = rowBytes
    }

    /// Writes the pattern of `count` keys to `pattern`; gives whether it makes them shorter.
    ///
    /// The keys have `keyBytes` each and lie at every `stride` bytes.
    static func find(
        _ keys: UnsafeRawPointer, count: Int, keyBytes: Int, stride: Int,
        into pattern: inout GrowingBytes
    ) -> Bool {
        pattern.removeAll()
        guard count > 1, (1...keyBytesMax).contains(keyBytes) else { return false }
        pattern.append(UInt8(0))
        var (runs, rowBytes) = (UInt8(0), 0)
        var chunk = KindsOfChunk()
        var place = 0
        while place < keyBytes {
            unsafe chunk.read(keys + place / 8 * 8, count: count, stride: stride)
            let kind = chunk.kind(at: place % 8, after: nil)
            var end = place + 1
            while end < keyBytes {
                if end % 8 == 0 { unsafe chunk.read(keys + end, count: count, stride: stride) }
                guard chunk.kind(at: end % 8, after: kind) == kind else { break }
                end += 1
            }
            pattern.append(kind.rawValue)
            pattern.append(UInt8(end - place))
            if kind == .fixed { unsafe pattern.append(keys + place, count: end - place) }
            rowBytes += kind.byteCount(end - place)
            runs += 1
            place = end
        }
        unsafe pattern.slab.base.storeBytes(of: runs, as: UInt8.self)
        return pattern.count + rowBytes * count < keyBytes * count
    }

    /// What eight places of all keys have in common: in each byte, the upper bit.
    @safe
    private struct KindsOfChunk {
        private var start: UnsafeRawPointer?
        private var isChanging: UInt64 = 0
        private var isLower: UInt64 = 0
        private var isUpper: UInt64 = 0

        mutating func read(_ start: UnsafeRawPointer, count: Int, stride: Int) {
            guard unsafe self.start != start else { return }
            unsafe self.start = start
            // Behind the last key lie readable bytes.
            let first = unsafe start.loadUnaligned(as: UInt64.self)
            var changes: UInt64 = 0
            var above: UInt64 = 0
            var isLower = ~(0 as UInt64)
            var isUpper = ~(0 as UInt64)
            for index in 0..<count {
                let text = unsafe start.loadUnaligned(
                    fromByteOffset: index &* stride, as: UInt64.self)
                changes |= text ^ first
                above |= text
                let low = text & 0x7f7f_7f7f_7f7f_7f7f
                let isDigit = Self.lies(low, from: 0x30, to: 0x39)
                isLower &= isDigit | Self.lies(low, from: 0x61, to: 0x66)
                isUpper &= isDigit | Self.lies(low, from: 0x41, to: 0x46)
            }
            let low = changes & 0x7f7f_7f7f_7f7f_7f7f
            isChanging = changes | (low &+ 0x7f7f_7f7f_7f7f_7f7f)
            self.isLower = isLower & ~above
            self.isUpper = isUpper & ~above
        }

        /// Sets the upper bit of each byte that lies in a range; those of `low` are not set.
        @inline(__always)
        private static func lies(_ low: UInt64, from: UInt64, to: UInt64) -> UInt64 {
            let ones: UInt64 = 0x0101_0101_0101_0101
            return (low &+ ones &* (0x80 &- from)) & ~(low &+ ones &* (0x7f &- to))
        }

        /// The kind of a place: that of the run before it, if it can be.
        func kind(at place: Int, after run: Kind?) -> Kind {
            let bit: UInt64 = 0x80 &<< UInt64(truncatingIfNeeded: place &* 8)
            if isChanging & bit == 0 { return .fixed }
            if isUpper & bit != 0 && (run == .upper || isLower & bit == 0) { return .upper }
            return isLower & bit != 0 ? .lower : .any
        }
    }

    /// Stores a key as the pattern has it; `target` has room for `rowBytes` and a word.
    func pack(_ key: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
        var (key, target) = unsafe (key, target)
        unsafe forEachRun { kind, places, _ in
            switch kind {
            case .fixed: break
            case .any: unsafe target.copyMemory(from: key, byteCount: places)
            case .lower, .upper:
                for start in stride(from: 0, to: places, by: 8) {
                    let text = unsafe key.loadUnaligned(fromByteOffset: start, as: UInt64.self)
                    let left = UInt64(truncatingIfNeeded: min(8, places &- start))
                    let digits = Self.digits(text) & (1 &<< (left &* 4) &- 1)
                    unsafe target.storeBytes(
                        of: UInt32(truncatingIfNeeded: digits), toByteOffset: start &>> 1,
                        as: UInt32.self)
                }
            }
            unsafe key += places
            unsafe target += kind.byteCount(places)
        }
    }

    /// Brings a key back to `target`.
    func unpack(_ row: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
        var (row, target) = unsafe (row, target)
        unsafe forEachRun { kind, places, bytes in
            switch kind {
            case .fixed: unsafe target.copyMemory(from: bytes, byteCount: places)
            case .any: unsafe target.copyMemory(from: row, byteCount: places)
            case .lower, .upper:
                for start in stride(from: 0, to: places, by: 8) {
                    let digits = unsafe row.loadUnaligned(
                        fromByteOffset: start &>> 1, as: UInt32.self)
                    var text = Self.text(digits, isLower: kind == .lower)
                    if start &+ 8 <= places {
                        unsafe target.storeBytes(of: text, toByteOffset: start, as: UInt64.self)
                        continue
                    }
                    for place in start..<places {
                        unsafe target.storeBytes(
                            of: UInt8(truncatingIfNeeded: text), toByteOffset: place,
                            as: UInt8.self)
                        text &>>= 8
                    }
                }
            }
            unsafe row += kind.byteCount(places)
            unsafe target += places
        }
    }

    @inline(__always)
    private func forEachRun(_ body: (Kind, Int, UnsafeRawPointer) -> Void) {
        var next = unsafe runs + 1
        let count = unsafe runs.load(as: UInt8.self)
        for _ in 0..<count {
            let kind = Kind(rawValue: unsafe next.load(as: UInt8.self)) ?? .any
            let places = Int(unsafe next.load(fromByteOffset: 1, as: UInt8.self))
            unsafe next += 2
            unsafe body(kind, places, next)
            if kind == .fixed { unsafe next += places }
        }
    }

    /// The values of eight hexadecimal digits, four bits each.
    @inline(__always)
    private static func digits(_ text: UInt64) -> UInt64 {
        let letters = text &>> 6 & 0x0101_0101_0101_0101
        var digits = text & 0x0f0f_0f0f_0f0f_0f0f &+ letters &* 9
        digits = (digits | digits &>> 4) & 0x00ff_00ff_00ff_00ff
        digits = (digits | digits &>> 8) & 0x0000_ffff_0000_ffff
        return (digits | digits &>> 16) & 0xffff_ffff
    }

    /// The digits of eight values.
    @inline(__always)
    private static func text(_ packed: UInt32, isLower: Bool) -> UInt64 {
        var digits = UInt64(packed)
        digits = (digits | digits &<< 16) & 0x0000_ffff_0000_ffff
        digits = (digits | digits &<< 8) & 0x00ff_00ff_00ff_00ff
        digits = (digits | digits &<< 4) & 0x0f0f_0f0f_0f0f_0f0f
        let letters = (digits &+ 0x0606_0606_0606_0606) &>> 4 & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* (isLower ? 0x27 : 0x07)
    }
}
