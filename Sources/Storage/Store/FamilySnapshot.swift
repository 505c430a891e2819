/// What a bucketed family held at a checkpoint: the files of each bucket, the newest first.
///
///     snapshot = name | value width: 4 | references: count, 4 each
///              | least hash: 8 | greatest hash: 8 | buckets: count, bucket each
///     bucket   = start: 8 | files: count, each
///     file     = name | least hash: 8 | greatest hash: 8
package struct FamilySnapshot: Sendable, Equatable {
    /// A bucket, and the files that have a section of it or were to have one.
    package struct Bucket: Sendable, Equatable {
        package let start: Int64
        package let files: [File]

        package init(start: Int64, files: [File]) {
            self.start = start
            self.files = files
        }
    }

    /// A file, and the hashes of the keys that count in it: of others it may have what they were
    /// before another worker took them over.
    package struct File: Sendable, Equatable {
        package let name: String
        package let hashes: ClosedRange<UInt64>

        package init(name: String, hashes: ClosedRange<UInt64>) {
            self.name = name
            self.hashes = hashes
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
    package var files: Set<String> { Set(buckets.flatMap { $0.files.map(\.name) }) }

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
            for file in bucket.files {
                writer.append(file.name)
                writer.append(file.hashes.lowerBound)
                writer.append(file.hashes.upperBound)
            }
        }
    }

    package init(from reader: inout ByteReader) throws(ByteReader.Damage) {
        name = try reader.text()
        valueWidth = Int(try reader.integer(UInt32.self))
        references = try reader.list { reader throws(ByteReader.Damage) in
            Int(try reader.integer(UInt32.self))
        }
        hashes = try Self.hashes(from: &reader)
        buckets = try reader.list { reader throws(ByteReader.Damage) in
            let start = try reader.integer(Int64.self)
            let files = try reader.list { reader throws(ByteReader.Damage) in
                File(name: try reader.text(), hashes: try Self.hashes(from: &reader))
            }
            return Bucket(start: start, files: files)
        }
    }

    private static func hashes(
        from reader: inout ByteReader
    ) throws(ByteReader.Damage) -> ClosedRange<UInt64> {
        let (least, greatest) = (try reader.integer(UInt64.self), try reader.integer(UInt64.self))
        guard least <= greatest, StateStore.allHashes.contains(greatest) else {
            throw ByteReader.Damage(cause: "a range of hashes is none")
        }
        return least...greatest
    }

    /// The buckets of a family's parts on several workers, as far as they lie in a range of hashes;
    /// of each key, its newest file comes first.
    ///
    /// Every file counts for the keys of its part alone. Where all lists end with the same files,
    /// those were there before the parts were, and are taken together.
    package static func combined(
        _ parts: [FamilySnapshot], within hashes: ClosedRange<UInt64>
    ) -> [Bucket] {
        var lists: [Int64: [[File]]] = [:]
        for part in parts.sorted(by: { $0.hashes.lowerBound < $1.hashes.lowerBound }) {
            for bucket in part.buckets {
                let files = bucket.files.compactMap { file in
                    file.limited(to: part.hashes)?.limited(to: hashes)
                }
                if !files.isEmpty { lists[bucket.start, default: []].append(files) }
            }
        }
        return lists.sorted { $0.key < $1.key }.map { start, lists in
            var lists = lists
            let shared = takeShared(&lists)
            return Bucket(start: start, files: lists.flatMap { $0 } + shared)
        }
    }

    /// Takes the files off the ends of all lists that are the same, and whose ranges are one.
    private static func takeShared(_ lists: inout [[File]]) -> [File] {
        var shared: [File] = []
        while lists.count > 1 {
            let last = lists.compactMap(\.last)
            guard last.count == lists.count, var all = last.first else { break }
            for file in last.dropFirst() {
                guard file.name == all.name, file.hashes.lowerBound == all.hashes.upperBound + 1
                else { return shared }
                all = File(
                    name: all.name, hashes: all.hashes.lowerBound...file.hashes.upperBound)
            }
            shared.insert(all, at: 0)
            for index in lists.indices { lists[index].removeLast() }
        }
        return shared
    }
}

extension FamilySnapshot.File {
    /// The file as far as its keys lie in a range; nil if none of them does.
    fileprivate func limited(to other: ClosedRange<UInt64>) -> FamilySnapshot.File? {
        guard hashes.overlaps(other) else { return nil }
        return FamilySnapshot.File(name: name, hashes: hashes.clamped(to: other))
    }
}
