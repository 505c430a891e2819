/// What a bucketed family held at a checkpoint: the files of each bucket, the newest first.
///
///     snapshot = name | value width: 4 | references: count, 4 each
///              | least hash: 8 | greatest hash: 8 | buckets: count, bucket each
///     bucket   = start: 8 | files: count, text each
package struct FamilySnapshot: Sendable, Equatable {
    /// A bucket, and the files that have a section of it or were to have one.
    package struct Bucket: Sendable, Equatable {
        package let start: Int64
        package let files: [String]

        package init(start: Int64, files: [String]) {
            self.start = start
            self.files = files
        }
    }

    package let name: String
    package let valueWidth: Int
    package let references: [Int]
    /// The hashes of the keys that count: files may have others.
    package let hashes: ClosedRange<UInt64>
    package let buckets: [Bucket]

    package init(
        name: String, valueWidth: Int, references: [Int], hashes: ClosedRange<UInt64>,
        buckets: [Bucket]
    ) {
        self.name = name
        self.valueWidth = valueWidth
        self.references = references
        self.hashes = hashes
        self.buckets = buckets
    }

    /// The names of all files, each once.
    package var files: Set<String> { Set(buckets.flatMap(\.files)) }

    package func encode(to writer: inout ByteWriter) {
        writer.append(name)
        writer.append(UInt32(valueWidth))
        writer.append(count: references.count)
        for reference in references { writer.append(UInt32(reference)) }
        writer.append(hashes.lowerBound)
        writer.append(hashes.upperBound)
        writer.append(count: buckets.count)
        for bucket in buckets {
            writer.append(bucket.start)
            writer.append(count: bucket.files.count)
            for file in bucket.files { writer.append(file) }
        }
    }

    package init(from reader: inout ByteReader) throws(ByteReader.Damage) {
        name = try reader.text()
        valueWidth = Int(try reader.integer(UInt32.self))
        references = try reader.list { reader throws(ByteReader.Damage) in
            Int(try reader.integer(UInt32.self))
        }
        let (least, greatest) = (try reader.integer(UInt64.self), try reader.integer(UInt64.self))
        guard least <= greatest else {
            throw ByteReader.Damage(cause: "a range of hashes ends before it starts")
        }
        hashes = least...greatest
        buckets = try reader.list { reader throws(ByteReader.Damage) in
            let start = try reader.integer(Int64.self)
            let files = try reader.list { reader throws(ByteReader.Damage) in try reader.text() }
            return Bucket(start: start, files: files)
        }
    }

    /// The buckets of a family's parts on several workers: each file once, the newest first.
    ///
    /// Files that several parts have were there before the parts were, so each of them stands
    /// behind all that is newer in any part.
    package static func combined(_ parts: [FamilySnapshot]) -> [Bucket] {
        var lists: [Int64: [[String]]] = [:]
        for bucket in parts.flatMap(\.buckets) {
            lists[bucket.start, default: []].append(bucket.files)
        }
        return lists.sorted { $0.key < $1.key }.map { start, lists in
            Bucket(start: start, files: merged(lists))
        }
    }

    /// The elements of all lists, each once, in an order that contradicts none of them.
    private static func merged(_ lists: [[String]]) -> [String] {
        var rest = lists.map { $0[...] }
        var occurrences: [String: Int] = [:]
        for file in lists.joined() { occurrences[file, default: 0] += 1 }
        var merged: [String] = []
        while let any = rest.first(where: { !$0.isEmpty })?.first {
            let heads = rest.compactMap(\.first)
            let next =
                heads.first { head in heads.count { $0 == head } == occurrences[head] } ?? any
            merged.append(next)
            for index in rest.indices where rest[index].first == next {
                rest[index].removeFirst()
                occurrences[next, default: 1] -= 1
            }
        }
        return merged
    }
}
