import Dataflow
import Storage

/// Open rows to which a step added members, or from which it took some.
extension JSONEncoder {
    func encodeOpen(_ batch: Batch, _ record: Int) -> [EncodedPart] {
        var output = TextOutput(rowCount: batch.count)
        let column = batch.columns[record]
        let records = column.strings
        // A short record lies in its view, behind which nothing may be read.
        let short = Slab(byteCount: StringView.inlineCountMax)
        JSONRowSource.with(members, of: batch) { source in
            batch.selection.forEach { row in
                let record = records[row]
                var base = unsafe UnsafeRawPointer(short.base)
                if record.isInline {
                    unsafe record.copy(to: short.base)
                } else {
                    unsafe base = record.address
                }
                let text = unsafe UnsafeRawBufferPointer(start: base, count: record.count)
                unsafe writeOpen(text, source, row, to: &output)
            }
        }
        return output.finish()
    }

    private func writeOpen(
        _ text: UnsafeRawBufferPointer, _ source: JSONRowSource, _ row: Int,
        to output: inout TextOutput
    ) {
        output.reserve(text.count + source.byteCountMax(row))
        let start = unsafe output.cursor
        var target = unsafe copyMembers(text, to: start)
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
        _ text: UnsafeRawBufferPointer, to start: UnsafeMutableRawPointer
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
        do throws(JSONFault) {
            return try unsafe copyObject(bytes, at: 0, without: hidden, to: start).target
        } catch {
            return unsafe start
        }
    }

    /// Copies the object at `open` without its closing bracket; gives where that stands, too.
    private func copyObject(
        _ bytes: JSONBytes, at open: Int, without hidden: [HiddenPath],
        to start: UnsafeMutableRawPointer
    ) throws(JSONFault) -> (target: UnsafeMutableRawPointer, close: Int) {
        unsafe start.storeBytes(of: UInt8(ascii: "{"), as: UInt8.self)
        var target = unsafe start + 1
        var at = unsafe bytes.skipSpace(open + 1)
        while unsafe bytes[at] == UInt8(ascii: "\"") {
            let memberStart = at
            let member = try unsafe bytes.skipName(at)
            let below = hidden.filter { path in
                unsafe path.begins(with: member.name, isPlain: member.isPlain, in: bytes)
            }
            let isObject = unsafe bytes[member.next] == UInt8(ascii: "{")
            if below.contains(where: { $0.isLeaf }) {
                at = try unsafe bytes.skipValue(member.next)
            } else {
                if unsafe target != start + 1 {
                    unsafe target.storeBytes(of: UInt8(ascii: ","), as: UInt8.self)
                    unsafe target += 1
                }
                if !below.isEmpty && isObject {
                    unsafe target = copy(bytes, memberStart..<member.next, to: target)
                    let inner = try unsafe copyObject(
                        bytes, at: member.next, without: below.map(\.rest), to: target)
                    unsafe inner.target.storeBytes(of: UInt8(ascii: "}"), as: UInt8.self)
                    unsafe target = inner.target + 1
                    at = unsafe inner.close + 1
                } else {
                    at = try unsafe bytes.skipValue(member.next)
                    unsafe target = copy(bytes, memberStart..<at, to: target)
                }
            }
            at = unsafe bytes.skipSpace(at)
            if unsafe bytes[at] == UInt8(ascii: ",") { at = unsafe bytes.skipSpace(at + 1) }
        }
        return unsafe (target, at)
    }

    private func copy(
        _ bytes: JSONBytes, _ range: Range<Int>, to target: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        unsafe target.copyMemory(from: bytes.base + range.lowerBound, byteCount: range.count)
        return unsafe target + range.count
    }
}

/// The way to a member that does not leave, from the object at hand.
struct HiddenPath {
    private let names: ArraySlice<[UInt8]>

    init(_ names: [String]) { self.names = names.map { Array($0.utf8) }[...] }

    private init(names: ArraySlice<[UInt8]>) { self.names = names }

    /// Whether it leads to a member of this very object.
    var isLeaf: Bool { names.count == 1 }

    /// The way on from the object it leads into.
    var rest: HiddenPath { HiddenPath(names: names.dropFirst()) }

    /// Whether its first step is the member whose name stands in `range`.
    func begins(with range: Range<Int>, isPlain: Bool, in bytes: JSONBytes) -> Bool {
        guard let first = names.first else { return false }
        guard isPlain else {
            var arena = TextArena()
            return unsafe bytes.unescape(range, into: &arena).description.utf8
                .elementsEqual(first)
        }
        guard first.count == range.count else { return false }
        for index in first.indices {
            let byte = unsafe bytes[range.lowerBound + index]
            if byte != first[index] { return false }
        }
        return true
    }
}
