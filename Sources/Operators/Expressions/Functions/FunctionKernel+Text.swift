import Dataflow

/// Functions of strings.
extension FunctionKernel {
    /// Functions that write their result.
    func newText(_ arguments: StrictArguments, _ frame: inout Frame) -> Column {
        if function == .concatenate { return concatenate(arguments, &frame) }
        if case .formatTime(let pattern) = function {
            let times = arguments.first.int64s
            return arguments.texts(&frame) { row, text in
                pattern.append(times[row], to: &text)
                return .done
            }
        }
        let values = arguments.first.strings
        switch function {
        case .upper, .lower:
            let isUpper = function == .upper
            return arguments.texts(&frame) { row, text in
                values[row].withUTF8 { TextFunctions.mapCase($0, upper: isUpper, to: &text) }
                return .done
            }
        case .reverse:
            return arguments.texts(&frame) { row, text in
                values[row].withUTF8 { TextFunctions.reverse($0, to: &text) }
                return .done
            }
        case .repeated:
            let counts = arguments.second.int64s
            return arguments.texts(&frame) { row, text in
                values[row].withUTF8 { TextFunctions.repeated($0, count: counts[row], to: &text) }
                    ? .done : .tooLong
            }
        case .replace:
            let searched = arguments.second.strings
            let replacements = arguments.third.strings
            return arguments.texts(&frame) { row, text in
                values[row].withUTF8 { value in
                    searched[row].withUTF8 { searched in
                        replacements[row].withUTF8 { replacement in
                            TextFunctions.replace(value, searched, replacement, to: &text)
                        }
                    }
                } ? .done : .tooLong
            }
        default: return padded(arguments, &frame)
        }
    }

    private func padded(_ arguments: StrictArguments, _ frame: inout Frame) -> Column {
        let values = arguments.first.strings
        let lengths = arguments.second.int64s
        let paddings = arguments.third.strings
        let isLeft = function == .padLeft
        return arguments.texts(&frame) { row, text in
            values[row].withUTF8 { value in
                paddings[row].withUTF8 { padding in
                    TextFunctions.pad(value, length: lengths[row], padding, left: isLeft, to: &text)
                }
            }
        }
    }

    /// Functions whose result is a part of their argument, which is not copied.
    func partOfText(_ arguments: StrictArguments, _ frame: inout Frame) -> Column {
        let values = arguments.first.strings
        switch function {
        case .trim(let leading, let trailing):
            let characters = arguments.second.strings
            return arguments.views(frame) { row in
                let range = values[row].withUTF8 { value in
                    characters[row].withUTF8 {
                        TextFunctions.trim(value, $0, leading: leading, trailing: trailing)
                    }
                }
                return values[row].slice(range)
            }
        case .substring:
            let starts = arguments.second.int64s
            let lengths = arguments.third.int64s
            return arguments.views(frame) { row in
                let range = values[row].withUTF8 {
                    TextFunctions.substring($0, start: starts[row], length: lengths[row])
                }
                return range.map { values[row].slice($0) }
            }
        case .splitIndex:
            let separators = arguments.second.strings
            let indices = arguments.third.int64s
            return arguments.views(frame) { row in
                let range = values[row].withUTF8 { value in
                    separators[row].withUTF8 {
                        TextFunctions.part(value, $0, index: indices[row])
                    }
                }
                return range.map { values[row].slice($0) }
            }
        default:
            let counts = arguments.second.int64s
            let isLeft = function == .left
            return arguments.views(frame) { row in
                let range = values[row].withUTF8 { value in
                    isLeft
                        ? TextFunctions.left(value, count: counts[row])
                        : TextFunctions.right(value, count: counts[row])
                }
                return values[row].slice(range)
            }
        }
    }

    /// Numbers and truth values about strings.
    func textMeasure(_ arguments: StrictArguments, _ frame: inout Frame) -> Column {
        let values = arguments.first.strings
        switch function {
        case .length:
            return arguments.int64s(.int, &frame, failure: { _ in "" }) { row in
                values[row].withUTF8 {
                    Int64(TextFunctions.characterCount($0, byteCount: $0.count))
                }
            }
        case .locate:
            let texts = arguments.second.strings
            let starts = arguments.third.int64s
            return arguments.int64s(.int, &frame, failure: { _ in "" }) { row in
                values[row].withUTF8 { part in
                    texts[row].withUTF8 { TextFunctions.locate(part, $0, start: starts[row]) }
                }
            }
        default:
            let parts = arguments.second.strings
            let isStart = function == .startsWith
            return arguments.bools(frame) { row in
                values[row].withUTF8 { value in
                    parts[row].withUTF8 { part in
                        let start = isStart ? 0 : value.count - part.count
                        return TextFunctions.matches(part, value, at: start)
                    }
                }
            }
        }
    }

    /// CONCAT and ||: the views of each row are laid side by side first, column by column.
    private func concatenate(_ arguments: StrictArguments, _ frame: inout Frame) -> Column {
        let width = arguments.columns.count
        var parts = [StringView](repeating: .empty, count: width * frame.rowCount)
        var laid = parts.mutableSpan
        for (place, column) in arguments.columns.enumerated() {
            let values = column.strings
            forEachRow(arguments.live) { row in laid[row * width + place] = values[row] }
        }
        var builder = arguments.builder(.string, frame)
        var arena = TextArena()
        var out = builder.strings
        let all = parts.span
        forEachRow(arguments.live) { row in
            let pieces = all.extracting(row * width..<row * width + width)
            out[row] = Self.join(pieces, &arena, row, &frame)
        }
        builder.keep(arena.slabs)
        return builder.finish(count: frame.rowCount)
    }

    private static func join(
        _ pieces: Span<StringView>, _ arena: inout TextArena, _ row: Int, _ frame: inout Frame
    ) -> StringView {
        var byteCount = 0
        for place in pieces.indices { byteCount += pieces[place].count }
        if byteCount <= TextFunctions.byteCountMax { return arena.join(pieces) }
        frame.fail(row, FunctionKernel.tooLong)
        return .empty
    }

    /// CONCAT_WS: a NULL separator gives NULL, other NULLs are left out.
    func joinWithSeparator(_ rows: Selection, _ frame: inout Frame) -> Column {
        var columns: [Column] = []
        var live = rows
        for operand in operands {
            let (column, survivors) = operand.evaluateSurvivors(live, &frame)
            columns.append(column)
            live = survivors
        }
        let separators = columns[0]
        var parts: [[StringView]] = Array(repeating: [], count: frame.rowCount)
        let joined = separators.validity.map { live.valid(in: $0) } ?? live
        for column in columns.dropFirst() {
            let values = column.strings
            let given = column.validity.map { joined.valid(in: $0) } ?? joined
            forEachRow(given) { row in
                if !parts[row].isEmpty { parts[row].append(separators.strings[row]) }
                parts[row].append(values[row])
            }
        }
        var builder = ColumnBuilder(.string, capacity: frame.rowCount)
        var arena = TextArena()
        var out = builder.strings
        forEachRow(joined) { row in
            let pieces = parts[row]
            out[row] = Self.join(pieces.span, &arena, row, &frame)
        }
        builder.keep(arena.slabs)
        let nulls = live.removing(joined)
        for place in 0..<nulls.count { builder.setNull(nulls[place]) }
        return builder.finish(count: frame.rowCount)
    }
}
