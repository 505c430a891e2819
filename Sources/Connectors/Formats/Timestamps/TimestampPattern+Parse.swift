extension TimestampPattern {
    /// The parts of a time as a pattern finds them.
    struct Parts {
        var year = 1970
        var month = 1
        var day = 1
        var dayOfYear: Int?
        var hour = 0
        var isAfternoon: Bool?
        var minute = 0
        var second = 0
        var microsecond = 0
        /// Seconds ahead of UTC, where the text says so.
        var offset: Int64?
        var epochSeconds: Int64?
    }

    /// Takes a whole text apart; nil if it does not follow the pattern.
    func parse(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Parts? {
        var parts = Parts()
        var cursor = unsafe Cursor(place: start, end: end)
        let steps = steps.span
        for index in steps.indices {
            guard unsafe cursor.take(steps[index], into: &parts) else { return nil }
        }
        return unsafe cursor.place == end ? parts : nil
    }

    /// A place in the text.
    @unsafe
    private struct Cursor {
        var place: UnsafeRawPointer
        let end: UnsafeRawPointer

        var peek: UInt8? { unsafe place < end ? place.load(as: UInt8.self) : nil }

        /// Takes what `step` stands for.
        @inline(__always)
        mutating func take(_ step: Step, into parts: inout Parts) -> Bool {
            switch step {
            case .literal(let byte): return unsafe takeByte(byte)
            case .blank:
                unsafe skipBlanks()
                return true
            case .year: return unsafe take(&parts.year, widthMin: 4, width: 4, in: 0...9999)
            case .month: return unsafe take(&parts.month, width: 2, in: 1...12)
            case .day: return unsafe take(&parts.day, width: 2, in: 1...31)
            case .hour: return unsafe take(&parts.hour, width: 2, in: 0...23)
            case .minute: return unsafe take(&parts.minute, width: 2, in: 0...59)
            case .second: return unsafe take(&parts.second, width: 2, in: 0...59)
            case .fraction: return unsafe takeFraction(into: &parts)
            default: return unsafe takeRare(step, into: &parts)
            }
        }

        @inline(never)
        private mutating func takeRare(_ step: Step, into parts: inout Parts) -> Bool {
            switch step {
            case .shortYear:
                guard unsafe take(&parts.year, widthMin: 2, width: 2, in: 0...99) else {
                    return false
                }
                parts.year += parts.year < 69 ? 2000 : 1900
                return true
            case .monthName:
                guard let month = unsafe takeName(TimestampPattern.monthNames) else { return false }
                parts.month = month + 1
                return true
            case .weekday: return unsafe takeName(TimestampPattern.weekdayNames) != nil
            case .paddedDay:
                unsafe skipBlanks()
                return unsafe take(&parts.day, width: 2, in: 1...31)
            case .dayOfYear:
                var day = 0
                guard unsafe take(&day, width: 3, in: 1...366) else { return false }
                parts.dayOfYear = day
                return true
            case .hourOf12: return unsafe take(&parts.hour, width: 2, in: 1...12)
            case .half: return unsafe takeHalf(into: &parts)
            case .offset: return unsafe takeOffset(into: &parts)
            case .utcName:
                parts.offset = 0
                return unsafe takeWord("UTC") || takeWord("GMT") || takeWord("Z")
            case .epochSeconds:
                guard let parsed = unsafe NumberParser.parseInt(place, end, syntax: .text) else {
                    return false
                }
                parts.epochSeconds = unsafe parsed.value
                unsafe place = unsafe parsed.next
                return true
            default: return false
            }
        }

        private mutating func takeByte(_ byte: UInt8) -> Bool {
            guard unsafe place < end && place.load(as: UInt8.self) == byte else { return false }
            unsafe place += 1
            return true
        }

        private mutating func skipBlanks() {
            while unsafe place < end && TimestampPattern.isBlank(place.load(as: UInt8.self)) {
                unsafe place += 1
            }
        }

        /// Takes a number of up to `width` digits.
        @inline(__always)
        private mutating func take(
            _ number: inout Int, widthMin: Int = 1, width: Int, in range: ClosedRange<Int>
        ) -> Bool {
            var (value, count) = (0, 0)
            while unsafe count < width && place < end {
                let digit = unsafe place.load(as: UInt8.self) &- 0x30
                if digit > 9 { break }
                value = value * 10 + Int(digit)
                count += 1
                unsafe place += 1
            }
            number = value
            return count >= widthMin && range.contains(value)
        }

        private mutating func takeFraction(into parts: inout Parts) -> Bool {
            var count = 0
            var value = 0
            while unsafe place < end {
                let digit = unsafe place.load(as: UInt8.self) &- 0x30
                if digit > 9 { break }
                if count < 6 { value = value * 10 + Int(digit) }
                count += 1
                unsafe place += 1
            }
            if count == 0 || count > 9 { return false }
            for _ in min(count, 6)..<6 { value *= 10 }
            parts.microsecond = value
            return true
        }

        /// The index of the name, whole or its first three letters, that stands here.
        private mutating func takeName(_ names: [[UInt8]]) -> Int? {
            for (index, name) in names.enumerated() {
                if unsafe takeLetters(name[...]) || takeLetters(name.prefix(3)) { return index }
            }
            return nil
        }

        private mutating func takeWord(_ word: StaticString) -> Bool {
            let bytes = unsafe UnsafeBufferPointer(
                start: word.utf8Start, count: word.utf8CodeUnitCount)
            return unsafe takeLetters(Array(bytes)[...])
        }

        /// Takes letters in any case.
        private mutating func takeLetters(_ letters: ArraySlice<UInt8>) -> Bool {
            guard unsafe end - place >= letters.count else { return false }
            var next = unsafe place
            for letter in letters {
                if unsafe next.load(as: UInt8.self) | 0x20 != letter | 0x20 { return false }
                unsafe next += 1
            }
            unsafe place = unsafe next
            return true
        }

        private mutating func takeHalf(into parts: inout Parts) -> Bool {
            if unsafe takeWord("AM") {
                parts.isAfternoon = false
            } else if unsafe takeWord("PM") {
                parts.isAfternoon = true
            } else {
                return false
            }
            return true
        }

        private mutating func takeOffset(into parts: inout Parts) -> Bool {
            if unsafe takeWord("Z") {
                parts.offset = 0
                return true
            }
            let isNegative = unsafe peek == 0x2d
            guard unsafe isNegative || peek == 0x2b else { return false }
            unsafe place += 1
            var (hours, minutes) = (0, 0)
            guard unsafe take(&hours, widthMin: 2, width: 2, in: 0...23) else { return false }
            let hasColon = unsafe takeByte(0x3a)
            let digit = unsafe peek.map { $0 &- 0x30 <= 9 } ?? false
            if hasColon || digit {
                guard unsafe take(&minutes, widthMin: 2, width: 2, in: 0...59) else { return false }
            }
            let seconds = Int64(hours * 3600 + minutes * 60)
            parts.offset = isNegative ? -seconds : seconds
            return true
        }
    }
}
