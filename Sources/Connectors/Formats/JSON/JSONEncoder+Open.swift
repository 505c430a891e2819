import Dataflow
import Storage

/// Open rows to which a step added members, or from which it took some.
extension JSONEncoder {
    func encodeOpen(_ batch: Batch, _ record: Int) -> [EncodedPart] {
        var output = TextOutput(slabBytes: 256 << 10)
        let hidden = schema.hidden.map { Array($0.utf8) }
        let column = batch.columns[record]
        let records = column.strings
        // A short record lies in its view, behind which nothing may be read.
        let short = Slab(byteCount: StringView.inlineCountMax)
        JSONRowSource.with(members, of: batch) { source in
            batch.selection.forEach { row in
                let record = records[row]
                if record.isInline {
                    unsafe record.copy(to: short.base)
                    let text = unsafe UnsafeRawBufferPointer(
                        start: short.base, count: record.count)
                    unsafe writeOpen(text, hidden, source, row, to: &output)
                } else {
                    let text = unsafe UnsafeRawBufferPointer(
                        start: record.address, count: record.count)
                    unsafe writeOpen(text, hidden, source, row, to: &output)
                }
            }
        }
        return output.finish()
    }

    private func writeOpen(
        _ text: UnsafeRawBufferPointer, _ hidden: [[UInt8]], _ source: JSONRowSource, _ row: Int,
        to output: inout TextOutput
    ) {
        output.reserve(text.count + source.byteCountMax(row))
        let start = unsafe output.cursor
        var target = unsafe copyMembers(text, without: hidden, to: start)
        for index in unsafe 0..<source.members.count {
            let before = unsafe target
            unsafe target = writeMember(index, source, row, to: target)
            // The first member of all needs no comma before it.
            if unsafe before == start + 1 {
                let count = unsafe target - before - 1
                unsafe before.copyMemory(from: before + 1, byteCount: count)
                unsafe target -= 1
            }
        }
        unsafe target.storeBytes(of: UInt8(ascii: "}"), as: UInt8.self)
        unsafe target.storeBytes(of: UInt8(ascii: "\n"), toByteOffset: 1, as: UInt8.self)
        unsafe output.advance(to: target + 2)
        output.endRow()
    }

    /// Copies the opening bracket and the members that stay, without the closing bracket.
    private func copyMembers(
        _ text: UnsafeRawBufferPointer, without hidden: [[UInt8]],
        to start: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        guard let base = text.baseAddress else { return unsafe start }
        if hidden.isEmpty {
            // A record was checked when it was decoded: its last byte is the bracket.
            unsafe start.copyMemory(from: base, byteCount: text.count - 1)
            let bytes = unsafe JSONBytes(base: base, end: text.count - 1)
            let isEmpty = unsafe bytes.skipSpace(1) == text.count - 1
            return unsafe start + (isEmpty ? 1 : text.count - 1)
        }
        let bytes = unsafe JSONBytes(base: base, end: text.count)
        unsafe start.storeBytes(of: UInt8(ascii: "{"), as: UInt8.self)
        var target = unsafe start + 1
        var at = unsafe bytes.skipSpace(1)
        while unsafe bytes[at] == UInt8(ascii: "\"") {
            let memberStart = at
            do throws(JSONFault) {
                let member = try unsafe bytes.skipName(at)
                at = try unsafe bytes.skipValue(member.next)
                let isHidden = unsafe contains(hidden, member.name, member.isPlain, in: bytes)
                if !isHidden {
                    if unsafe target != start + 1 {
                        unsafe target.storeBytes(of: UInt8(ascii: ","), as: UInt8.self)
                        unsafe target += 1
                    }
                    unsafe target.copyMemory(from: base + memberStart, byteCount: at - memberStart)
                    unsafe target += at - memberStart
                }
            } catch {
                break
            }
            at = unsafe bytes.skipSpace(at)
            if unsafe bytes[at] == UInt8(ascii: ",") { at = unsafe bytes.skipSpace(at + 1) }
        }
        return unsafe target
    }

    private func contains(
        _ hidden: [[UInt8]], _ name: Range<Int>, _ isPlain: Bool, in bytes: JSONBytes
    ) -> Bool {
        var arena = TextArena()
        let text = unsafe isPlain ? bytes.text(name) : bytes.unescape(name, into: &arena).description
        return hidden.contains { text.utf8.elementsEqual($0) }
    }
}
