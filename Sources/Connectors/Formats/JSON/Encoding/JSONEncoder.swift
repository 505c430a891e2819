package import Dataflow
import Storage

/// Encodes rows as NDJSON.
///
/// A closed row is an object of the schema's output fields, in their order; null is written as
/// `null`. Timestamps leave in the form their field declares, floats as the shortest digits that
/// read back as the same value. An open row is its original record: untouched byte for byte,
/// otherwise without the members that are hidden and with the output fields behind the others.
package final class JSONEncoder: Encoder {
    /// An output field, ready to be written.
    struct Member {
        let column: Int
        let type: FieldType
        /// `"name":`, with a comma before it where another member stands before it.
        let name: Slab
        let nameCount: Int
        let timeUnit: Int64
        var time: TimestampWriter?
    }

    let schema: Schema
    var members: [Member]
    /// Members of open records that do not leave.
    let hidden: [HiddenPath]

    /// An encoder of batches of `schema`; fails for a timestamp pattern or zone that is none.
    /// `paths` says where in the record the members of hidden fields stand; others are members of
    /// that name.
    package init(
        schema: Schema, zones: TimeZoneDatabase, paths: [String: [String]] = [:]
    ) throws(TimestampFormatError) {
        self.schema = schema
        hidden = schema.hidden.map { HiddenPath(paths[$0] ?? [$0]) }
        var members: [Member] = []
        for column in schema.output {
            let field = schema.fields[column]
            let isFirst = members.isEmpty && schema.record == nil
            var time: TimestampWriter?
            if field.type == .timestamp {
                time = try TimestampWriter(field.timestampFormat, zones: zones)
            }
            let name = Array((isFirst ? "{" : ",").utf8) + JSONText.quoted(field.name)
            members.append(
                Member(
                    column: column, type: field.type, name: Slab(name + [UInt8(ascii: ":")]),
                    nameCount: name.count + 1,
                    timeUnit: (field.timestampFormat.unitNanoseconds ?? 0) / 1000, time: time))
        }
        self.members = members
    }

    package func encode(_ batch: Batch) -> [EncodedPart] {
        guard !batch.isEmpty else { return [] }
        guard let record = schema.record else { return encodeClosed(batch) }
        if members.isEmpty && schema.hidden.isEmpty { return encodeUntouched(batch, record) }
        return encodeOpen(batch, record)
    }

    /// Rows that are written field by field.
    private func encodeClosed(_ batch: Batch) -> [EncodedPart] {
        var output = TextOutput(rowCount: batch.count)
        if members.isEmpty {
            for _ in 0..<batch.count {
                output.reserve(8)
                output.append(Array("{}\n".utf8))
                output.endRow()
            }
            return output.finish()
        }
        JSONRowSource.with(members, of: batch) { source in
            batch.selection.forEach { row in writeRow(row, source, to: &output) }
        }
        return output.finish()
    }

    @inline(__always)
    private func writeRow(_ row: Int, _ source: JSONRowSource, to output: inout TextOutput) {
        output.reserve(source.byteCountMax(row))
        var target = unsafe output.cursor
        for index in unsafe 0..<source.members.count {
            unsafe target = writeMember(index, source, row, to: target)
        }
        unsafe target.storeBytes(of: UInt8(ascii: "}"), as: UInt8.self)
        unsafe target.storeBytes(of: UInt8(ascii: "\n"), toByteOffset: 1, as: UInt8.self)
        unsafe output.advance(to: target + 2)
        output.endRow()
    }

    /// Writes the name and value of a member; gives the first byte behind them.
    @inline(__always)
    func writeMember(
        _ index: Int, _ row: JSONRowSource, _ number: Int, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        let source = unsafe row.members[index]
        let value = unsafe source.writeName(to: target)
        if !source.isValid(number) {
            unsafe value.storeBytes(of: 0x6c6c_756e, as: UInt32.self)
            return unsafe value + 4
        }
        switch source.type {
        case .string: return unsafe JSONText.write(source.text(number), to: value)
        case .int: return unsafe NumberWriter.write(source.int(number), to: value)
        case .float: return unsafe NumberWriter.write(source.double(number), to: value)
        case .bool:
            let isTrue = source.bool(number)
            unsafe value.storeBytes(of: isTrue ? 0x6575_7274 : 0x736c_6166, as: UInt32.self)
            unsafe value.storeBytes(of: UInt8(ascii: "e"), toByteOffset: 4, as: UInt8.self)
            return unsafe value + (isTrue ? 4 : 5)
        case .json:
            let view = source.text(number)
            unsafe view.copy(to: value)
            return unsafe value + view.count
        case .timestamp:
            let time = source.int(number)
            if source.timeUnit > 0 && time % source.timeUnit == 0 {
                return unsafe NumberWriter.write(time / source.timeUnit, to: value)
            }
            return unsafe writeTime(index, time, to: value)
        }
    }

    private func writeTime(
        _ index: Int, _ time: Int64, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        guard let isNumeric = members[index].time?.isNumeric else { return unsafe target }
        if isNumeric {
            return unsafe members[index].time?.write(time, to: target) ?? target
        }
        unsafe target.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        let end = unsafe members[index].time?.write(time, to: target + 1) ?? target
        unsafe end.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        return unsafe end + 1
    }

    /// Rows that leave as they came; rows that follow one another in the input are copied at once.
    private func encodeUntouched(_ batch: Batch, _ record: Int) -> [EncodedPart] {
        var output = TextOutput(rowCount: batch.count)
        let column = batch.columns[record]
        let records = column.strings
        batch.selection.forEach { row in
            let view = records[row]
            output.reserve(view.count &+ 24)
            var target = unsafe output.cursor
            unsafe view.copy(to: target)
            unsafe target += view.count
            unsafe target.storeBytes(of: UInt8(ascii: "\n"), as: UInt8.self)
            unsafe output.advance(to: target + 1)
            output.endRow()
        }
        return output.finish()
    }
}
