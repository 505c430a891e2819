/// Tells whether text is one JSON value (RFC 8259): for fields of another format that hold JSON.
enum JSONTextCheck {
    /// Objects and arrays inside each other, at most.
    static let depthMax = 1000

    /// Whether `bytes`, which are UTF-8, hold one value and nothing else but white space.
    static func isValue(_ bytes: RawSpan) -> Bool {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return false }
            var reader = unsafe Reader(place: base, end: base + buffer.count)
            return unsafe reader.value() && reader.isAtEnd
        }
    }

    @unsafe
    private struct Reader {
        var place: UnsafeRawPointer
        let end: UnsafeRawPointer
        /// The open objects (true) and arrays.
        var open: [Bool] = []

        init(place: UnsafeRawPointer, end: UnsafeRawPointer) {
            unsafe self.place = unsafe place
            unsafe self.end = unsafe end
        }

        var isAtEnd: Bool { unsafe place == end }
        /// The next byte; 0, which JSON has none of, at the end.
        var peek: UInt8 { unsafe place < end ? place.load(as: UInt8.self) : 0 }

        mutating func skipBlanks() {
            while unsafe peek == 0x20 || peek == 0x09 || peek == 0x0a || peek == 0x0d {
                unsafe place += 1
            }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            guard unsafe place < end && peek == byte else { return false }
            unsafe place += 1
            return true
        }

        /// Takes a value, with the blanks around it.
        mutating func value() -> Bool {
            while true {
                unsafe skipBlanks()
                switch unsafe peek {
                case 0x7b:
                    unsafe place += 1
                    unsafe open.append(true)
                    unsafe skipBlanks()
                    if unsafe !take(0x7d) {
                        guard unsafe open.count <= JSONTextCheck.depthMax && name() else {
                            return false
                        }
                        continue
                    }
                    unsafe open.removeLast()
                case 0x5b:
                    unsafe place += 1
                    unsafe open.append(false)
                    unsafe skipBlanks()
                    if unsafe !take(0x5d) {
                        if unsafe open.count > JSONTextCheck.depthMax { return false }
                        continue
                    }
                    unsafe open.removeLast()
                default:
                    guard unsafe scalar() else { return false }
                }
                guard let isDone = unsafe close() else { return false }
                if isDone { return true }
            }
        }

        /// Behind a value: closes what ends here; true at the end of all, nil for bad syntax.
        private mutating func close() -> Bool? {
            while true {
                unsafe skipBlanks()
                guard let isObject = unsafe open.last else { return true }
                if unsafe take(0x2c) {
                    if !isObject { return false }
                    unsafe skipBlanks()
                    return unsafe name() ? false : nil
                }
                guard unsafe take(isObject ? 0x7d : 0x5d) else { return nil }
                unsafe open.removeLast()
            }
        }

        private mutating func name() -> Bool {
            guard unsafe string() else { return false }
            unsafe skipBlanks()
            return unsafe take(0x3a)
        }

        private mutating func scalar() -> Bool {
            switch unsafe peek {
            case 0x22: return unsafe string()
            case 0x74: return unsafe word("true")
            case 0x66: return unsafe word("false")
            case 0x6e: return unsafe word("null")
            default:
                guard let number = unsafe NumberParser.parseDouble(place, end) else { return false }
                unsafe place = unsafe number.next
                return true
            }
        }

        private mutating func word(_ word: StaticString) -> Bool {
            for index in 0..<word.utf8CodeUnitCount {
                guard unsafe take(word.utf8Start[index]) else { return false }
            }
            return true
        }

        private mutating func string() -> Bool {
            guard unsafe take(0x22) else { return false }
            while unsafe place < end {
                let byte = unsafe peek
                unsafe place += 1
                if byte == 0x22 { return true }
                if byte < 0x20 { return false }
                if byte == 0x5c, unsafe !escape() { return false }
            }
            return false
        }

        private mutating func escape() -> Bool {
            let byte = unsafe peek
            guard unsafe place < end else { return false }
            unsafe place += 1
            switch byte {
            case 0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74: return true
            case 0x75:
                guard let unit = unsafe codeUnit(), unit & 0xfc00 != 0xdc00 else { return false }
                if unit & 0xfc00 != 0xd800 { return true }
                // The first half of a pair needs the second.
                guard unsafe take(0x5c), unsafe take(0x75), let low = unsafe codeUnit() else {
                    return false
                }
                return low & 0xfc00 == 0xdc00
            default: return false
            }
        }

        /// The four digits of a `\u` escape.
        private mutating func codeUnit() -> UInt32? {
            var unit: UInt32 = 0
            for _ in 0..<4 {
                switch unsafe peek {
                case let digit where digit &- 0x30 < 10: unit = unit << 4 | UInt32(digit - 0x30)
                case let digit where (digit | 0x20) &- 0x61 < 6:
                    unit = unit << 4 | UInt32((digit | 0x20) - 0x57)
                default: return nil
                }
                unsafe place += 1
            }
            return unit
        }
    }
}
