import Storage

/// What is in the outputs of a scenario: by output or partition the records, in their order or
/// sorted.
struct SoakContent {
    /// Records of one file, of several, or of a partition.
    struct Part {
        let name: String
        /// Of a log: the offset of the first record that is still there.
        var first = 0
        /// Of a log: the keys of the records. Each key has its own order.
        var keys: [String]?
        /// The offset behind the last one; of files the number of records.
        var end: Int { first + records.count }
        var isOrdered = true
        var records: [String]
    }

    var parts: [Part] = []

    private static let files = DiskFileSystem()

    init(_ scenario: SoakScenario, in directory: String) throws {
        for output in scenario.outputs {
            switch output {
            case .file(let name, let isOrdered):
                let lines = try Self.lines(of: "\(directory)/\(name)")
                parts.append(Part(name: name, isOrdered: isOrdered, records: lines))
            case .files(let suffix, let isOrdered):
                var lines: [String] = []
                for name in try Self.files.names(in: directory).sorted()
                where name.hasSuffix(suffix) && !name.hasPrefix(".") {
                    lines += try Self.lines(of: "\(directory)/\(name)")
                }
                parts.append(Part(name: "*\(suffix)", isOrdered: isOrdered, records: lines))
            case .log(let name): parts += try Self.partitions(of: "\(directory)/\(name)")
            }
        }
    }

    private static func lines(of path: String) throws -> [String] {
        guard let size = try files.status(of: path)?.byteCount else { return [] }
        let slab = Slab(byteCount: max(size, 1))
        let count = try files.open(path, .read).readAll(into: slab, 0..<size, at: 0)
        let text = String(decoding: slab.array(0..<count), as: UTF8.self)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            .dropLast(text.hasSuffix("\n") || text.isEmpty ? 1 : 0)
    }

    private static func partitions(of directory: String) throws -> [Part] {
        let view = try LogView(directory, fileSystem: files)
        return try (0..<view.options.partitionCount).map { number in
            let reader = try LogReader(view, partition: number, from: .earliest)
            var part = Part(name: "partition \(number)", records: [])
            part.first = Int(reader.nextOffset)
            part.keys = []
            while let batch = try reader.next() {
                var records = batch.records
                while let record = try records.next() {
                    // Batches of a segment that begins below the first offset have records before.
                    if record.offset < Int64(part.first) { continue }
                    guard record.offset == Int64(part.end) else {
                        throw SoakTrial.Failure(
                            description: "\(part.name): offset \(record.offset) is behind "
                                + "\(part.end - 1)")
                    }
                    part.keys?.append(text(record.key, of: batch))
                    part.records.append(text(record.value, of: batch))
                }
            }
            if let damage = reader.damages.first {
                throw SoakTrial.Failure(description: "\(part.name): \(damage)")
            }
            return part
        }
    }

    private static func text(_ range: Range<Int>?, of batch: LogBatch) -> String {
        guard let slice = range.map(batch.slice) else { return "" }
        return String(decoding: slice.slab.array(slice.range), as: UTF8.self)
    }

    /// What is different from an undisturbed run's; nil where nothing is.
    func difference(from plain: SoakContent) -> String? {
        guard parts.count == plain.parts.count else {
            return "\(parts.count) parts instead of \(plain.parts.count)"
        }
        for (part, other) in zip(parts, plain.parts) {
            if let text = Self.difference(part, other) { return "\(part.name): \(text)" }
        }
        return nil
    }

    private static func difference(_ part: Part, _ plain: Part) -> String? {
        if let keys = part.keys, let plainKeys = plain.keys {
            return difference(part, keys, plain, plainKeys)
        }
        if part.isOrdered && part.records == plain.records { return nil }
        let (found, wanted) = (part.records.sorted(), plain.records.sorted())
        if found == wanted {
            return part.isOrdered ? "all records are there, but in another order" : nil
        }
        var counts: [String: Int] = [:]
        for record in found { counts[record, default: 0] += 1 }
        for record in wanted { counts[record, default: 0] -= 1 }
        let extra = counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        let missing = counts.filter { $0.value < 0 }.sorted { $0.key < $1.key }
        func text(_ records: [(key: String, value: Int)]) -> String {
            let sum = records.reduce(0) { $0 + abs($1.value) }
            return "\(sum)" + records.prefix(3).map { "\n    \($0.value) × \($0.key)" }.joined()
        }
        return "\(found.count) records instead of \(wanted.count); too many: \(text(extra))"
            + "\n  missing: \(text(missing))"
    }

    /// Of a partition the end must be the same, and of every key the last records.
    private static func difference(
        _ part: Part, _ keys: [String], _ plain: Part, _ plainKeys: [String]
    ) -> String? {
        if part.end != plain.end { return "it ends at \(part.end) instead of \(plain.end)" }
        var found: [String: [String]] = [:]
        var wanted: [String: [String]] = [:]
        for (key, record) in zip(keys, part.records) { found[key, default: []].append(record) }
        for (key, record) in zip(plainKeys, plain.records) {
            wanted[key, default: []].append(record)
        }
        for (key, records) in found.sorted(by: { $0.key < $1.key }) {
            let last = wanted[key, default: []].suffix(records.count)
            if records[...] == last { continue }
            let text = difference(
                Part(name: key, records: records), Part(name: key, records: Array(last)))
            return "key \(key): \(text ?? "")"
        }
        return nil
    }
}
