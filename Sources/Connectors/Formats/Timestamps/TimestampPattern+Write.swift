import Dataflow

extension TimestampPattern {
    /// An instant, and the local time at it.
    struct Moment {
        let epochSeconds: Int64
        let microsecond: Int64
        /// Seconds ahead of UTC.
        let offset: Int64
        let date: CivilDate
        let days: Int64
        /// Seconds since local midnight.
        let secondOfDay: Int64

        init(seconds: Int64, microsecond: Int64, offset: Int64) {
            epochSeconds = seconds
            self.microsecond = microsecond
            self.offset = offset
            let local = seconds + offset
            let rest = local % CivilDate.secondsPerDay
            secondOfDay = rest < 0 ? rest + CivilDate.secondsPerDay : rest
            days = (local - secondOfDay) / CivilDate.secondsPerDay
            date = CivilDate(daysSinceEpoch: days)
        }

        var hour: Int64 { secondOfDay / 3600 }
        var minute: Int64 { secondOfDay / 60 % 60 }
        var second: Int64 { secondOfDay % 60 }
    }

    /// Writes `moment`; gives the first byte behind it.
    func write(_ moment: Moment, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var pen = unsafe Pen(place: target)
        let steps = steps.span
        for index in steps.indices { unsafe pen.write(steps[index], moment) }
        return unsafe pen.place
    }

    /// Where the next byte goes.
    @unsafe
    private struct Pen {
        var place: UnsafeMutableRawPointer

        mutating func write(_ step: Step, _ moment: Moment) {
            switch step {
            case .literal(let byte), .blank(let byte): unsafe put(byte)
            case .year: unsafe putYear(moment.date.year)
            case .shortYear: unsafe put((moment.date.year % 100 + 100) % 100, width: 2)
            case .month: unsafe put(moment.date.month, width: 2)
            case .monthName(let isShort):
                unsafe put(TimestampPattern.monthNames[moment.date.month - 1], isShort)
            case .day: unsafe put(moment.date.day, width: 2)
            case .paddedDay:
                if moment.date.day < 10 { unsafe put(0x20) }
                unsafe put(moment.date.day, width: moment.date.day < 10 ? 1 : 2)
            case .dayOfYear: unsafe put(moment.date.dayOfYear, width: 3)
            case .weekday(let isShort):
                let weekday = CivilDate.weekday(daysSinceEpoch: moment.days)
                unsafe put(TimestampPattern.weekdayNames[weekday], isShort)
            case .hour: unsafe put(Int(moment.hour), width: 2)
            case .hourOf12: unsafe put(Int((moment.hour + 11) % 12 + 1), width: 2)
            case .half:
                unsafe put(moment.hour < 12 ? 0x41 : 0x50)
                unsafe put(0x4d)
            case .minute: unsafe put(Int(moment.minute), width: 2)
            case .second: unsafe put(Int(moment.second), width: 2)
            case .fraction: unsafe put(Int(moment.microsecond), width: 6)
            case .offset: unsafe putOffset(Int(moment.offset))
            case .utcName: for byte in "UTC".utf8 { unsafe put(byte) }
            case .epochSeconds:
                unsafe place = unsafe NumberWriter.write(moment.epochSeconds, to: place)
            }
        }

        private mutating func put(_ byte: UInt8) {
            unsafe place.storeBytes(of: byte, as: UInt8.self)
            unsafe place += 1
        }

        private mutating func put(_ number: Int, width: Int) {
            unsafe NumberWriter.writeDigits(UInt64(number), count: width, to: place)
            unsafe place += width
        }

        private mutating func put(_ name: [UInt8], _ isShort: Bool) {
            for byte in isShort ? name.prefix(3) : name[...] { unsafe put(byte) }
        }

        private mutating func putYear(_ year: Int) {
            if (0...9999).contains(year) { return unsafe put(year, width: 4) }
            unsafe put(year < 0 ? 0x2d : 0x2b)
            unsafe place = unsafe NumberWriter.write(UInt64(year.magnitude), to: place)
        }

        private mutating func putOffset(_ offset: Int) {
            let minutes = abs(offset) / 60
            unsafe put(offset < 0 ? 0x2d : 0x2b)
            unsafe put(minutes / 60 * 100 + minutes % 60, width: 4)
        }
    }
}
