import Dataflow

/// Functions of times.
extension FunctionKernel {
    func time(_ arguments: StrictArguments, _ frame: inout Frame) -> Column {
        let failure = { (_: Int) in "the time is beyond the range of a timestamp" }
        if function == .timeFromText { return parsed(arguments, &frame) }
        let values = arguments.first.int64s
        switch function {
        case .extract(let unit):
            return arguments.int64s(.int, &frame, failure: failure) { row in
                TimeFunctions.extract(unit, values[row])
            }
        case .floorTime(let unit):
            return arguments.int64s(.timestamp, &frame, failure: failure) { row in
                TimeFunctions.floor(values[row], to: unit)
            }
        case .ceilingTime(let unit):
            return arguments.int64s(.timestamp, &frame, failure: failure) { row in
                TimeFunctions.ceiling(values[row], to: unit)
            }
        case .addTime(let unit):
            let times = arguments.second.int64s
            return arguments.int64s(.timestamp, &frame, failure: failure) { row in
                TimeFunctions.add(values[row], unit, to: times[row])
            }
        case .timeDifference(let unit):
            let ends = arguments.second.int64s
            return arguments.int64s(.int, &frame, failure: failure) { row in
                TimeFunctions.difference(unit, from: values[row], to: ends[row])
            }
        case .shift(.microseconds(let count)):
            return arguments.int64s(.timestamp, &frame, failure: failure) { row in
                let (sum, overflow) = values[row].addingReportingOverflow(count)
                return overflow ? nil : sum
            }
        case .shift(.months(let count)):
            return arguments.int64s(.timestamp, &frame, failure: failure) { row in
                TimeFunctions.add(months: count, to: values[row])
            }
        case .timeFromNumber(let digits):
            return arguments.int64s(.timestamp, &frame, failure: failure) { row in
                TimeFunctions.time(values[row], digits: digits)
            }
        default: return arguments.first
        }
    }

    private func parsed(_ arguments: StrictArguments, _ frame: inout Frame) -> Column {
        let column = arguments.first
        let texts = column.strings
        let failure = { (row: Int) in
            let view = column.strings[row]
            return "'\(view.slice(0..<min(view.count, 80)).description)' is not a timestamp"
        }
        return arguments.int64s(.timestamp, &frame, failure: failure) { row in
            texts[row].withUTF8 { TimestampText.parse($0) }
        }
    }
}
