/// What a bucketed family held at a checkpoint: the files of each bucket, the newest first.
///
///     snapshot = name | value width: 4 | references: count, 4 each | buckets: count, bucket each
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
    package let buckets: [Bucket]

    package init(name: String, valueWidth: Int, references: [Int], buckets: [Bucket]) {
        self.name = name
        self.valueWidth = valueWidth
        self.references = references
        self.buckets = buckets
    }

    /// The names of all files, each once.
    package var files: Set<String> { Set(buckets.flatMap(\.files)) }

    package func encode(to writer: inout ByteWriter) {
        writer.append(name)
        writer.append(UInt32(valueWidth))
        writer.append(count: references.count)
        for reference in references { writer.append(UInt32(reference)) }
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
        buckets = try reader.list { reader throws(ByteReader.Damage) in
            let start = try reader.integer(Int64.self)
            let files = try reader.list { reader throws(ByteReader.Damage) in try reader.text() }
            return Bucket(start: start, files: files)
        }
    }
}
