import Dataflow
import Storage

/// The general reader: any members in any order, any spaces; one record at a time.
extension JSONDecoder {
    /// What one record has shown so far.
    private struct Progress {
        let row: Int
        /// Whether the record's shape goes into the template.
        var learns: Bool
        /// The offset behind the last value.
        var gapStart: Int
        /// Columns whose last member so far is of the wrong type.
        var mistyped: [(column: Int, fault: JSONFault)] = []
    }

    /// Reads the record in `line` into `row`; every column is written or null afterwards.
    func readRecord(
        _ line: JSONBytes, start: Int, row: Int, learns: Bool
    ) throws(JSONFault) {
        var progress = Progress(row: row, learns: learns, gapStart: start)
        let open = unsafe line.skipSpace(start)
        guard unsafe open < line.end && line[open] == UInt8(ascii: "{") else {
            throw JSONFault(message: "the record is not a JSON object", offset: open)
        }
        let close = try unsafe readObject(
            line, at: open, node: JSONFieldTree.root, depth: 1, &progress)
        let rest = unsafe line.skipSpace(close)
        guard unsafe rest == line.end else {
            throw JSONFault(message: "something follows the record on its line", offset: rest)
        }
        if let first = progress.mistyped.first { throw first.fault }
        for column in 0..<columnCount where writtenBy[column] != recordNumber {
            if column != schema.record { columns.setNull(column, row: row) }
        }
        if let record = schema.record {
            unsafe storeRecord(line, start: start, column: record, row)
        }
        if progress.learns {
            let tail = unsafe progress.gapStart..<line.end
            unsafe template.finish(tail: tail, columns: columnCount, in: line)
        } else if learns {
            template.clear()
        }
    }

    /// Stores the view of the record's text: the line without spaces around it.
    func storeRecord(_ line: JSONBytes, start: Int, column: Int, _ row: Int) {
        let from = unsafe line.skipSpace(start)
        var to = unsafe line.end
        while to > from, unsafe line[to - 1] <= 0x20 { to -= 1 }
        unsafe columns.base(column).storeBytes(
            of: line.view(from, to - from), toByteOffset: row * 16, as: StringView.self)
    }

    private func readObject(
        _ line: JSONBytes, at open: Int, node: Int, depth: Int, _ progress: inout Progress
    ) throws(JSONFault) -> Int {
        var at = unsafe line.skipSpace(open + 1)
        if unsafe at < line.end && line[at] == UInt8(ascii: "}") { return at + 1 }
        while true {
            let member = try unsafe line.skipName(at)
            let child = unsafe findMember(member.name, member.isPlain, of: node, in: line)
            at = try unsafe readMember(line, at: member.next, child: child, depth: depth, &progress)
            at = unsafe line.skipSpace(at)
            guard unsafe at < line.end else {
                throw JSONFault(message: "the record ends inside an object", offset: at)
            }
            let byte = unsafe line[at]
            if byte == UInt8(ascii: "}") { return at + 1 }
            guard byte == UInt8(ascii: ",") else {
                throw JSONFault(message: "expected ',' or '}'", offset: at)
            }
            at = unsafe line.skipSpace(at + 1)
        }
    }

    private func findMember(
        _ name: Range<Int>, _ isPlain: Bool, of node: Int, in line: JSONBytes
    ) -> Int? {
        if isPlain { return unsafe tree.find(name, of: node, in: line) }
        var names = TextArena()
        let plain = unsafe line.unescape(name, into: &names)
        return tree.nodes[node].children.first { child in
            plain.description.utf8.elementsEqual(child.name)
        }?.node
    }

    /// Reads the value of a member; `child` is its place in the tree, if anything there is needed.
    private func readMember(
        _ line: JSONBytes, at start: Int, child: Int?, depth: Int, _ progress: inout Progress
    ) throws(JSONFault) -> Int {
        guard depth <= JSONFault.depthMax else {
            throw JSONFault(message: "nested deeper than \(JSONFault.depthMax)", offset: start)
        }
        guard let child else {
            unsafe learn(line, slotAt: start, column: -1, depth: depth, &progress)
            progress.gapStart = try unsafe line.skipValue(start, depth: depth)
            return progress.gapStart
        }
        let node = tree.nodes[child]
        if !node.children.isEmpty {
            return try unsafe readNested(line, at: start, child: child, depth: depth, &progress)
        }
        guard let column = node.column else {
            return try unsafe line.skipValue(start, depth: depth)
        }
        if writtenBy[column] == recordNumber { progress.learns = false }
        unsafe learn(line, slotAt: start, column: column, depth: depth, &progress)
        progress.mistyped.removeAll { $0.column == column }
        do throws(JSONFault) {
            progress.gapStart = try unsafe readValue(
                line, at: start, column: column, row: progress.row, depth: depth)
        } catch {
            guard let next = error.next else { throw error }
            progress.mistyped.append((column, error))
            progress.gapStart = next
        }
        writtenBy[column] = recordNumber
        return progress.gapStart
    }

    /// Reads a value of which members are needed, and perhaps its text as a whole.
    private func readNested(
        _ line: JSONBytes, at start: Int, child: Int, depth: Int, _ progress: inout Progress
    ) throws(JSONFault) -> Int {
        let columns = tree.columns(below: child)
        for column in columns where writtenBy[column] == recordNumber {
            // The last of several members counts, and it takes all of an earlier one with it.
            writtenBy[column] = -1
            progress.mistyped.removeAll { $0.column == column }
            progress.learns = false
        }
        let isObject = unsafe start < line.end && line[start] == UInt8(ascii: "{")
        if let column = tree.nodes[child].column {
            progress.learns = false
            _ = try unsafe readValue(
                line, at: start, column: column, row: progress.row, depth: depth)
            writtenBy[column] = recordNumber
        }
        guard isObject else {
            progress.learns = false
            return try unsafe line.skipValue(start, depth: depth)
        }
        return try unsafe readObject(line, at: start, node: child, depth: depth + 1, &progress)
    }

    private func learn(
        _ line: JSONBytes, slotAt value: Int, column: Int, depth: Int,
        _ progress: inout Progress
    ) {
        guard progress.learns else { return }
        guard template.slots.count < JSONTemplate.slotCountMax else {
            progress.learns = false
            return
        }
        unsafe template.add(
            gap: progress.gapStart..<value, column: column, depth: depth, in: line)
    }
}
