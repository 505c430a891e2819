/// What a keyed family held at a checkpoint: its files by level.
///
///     state = version of the format: 2 | name | operator: 1 | values have lifetimes: 1
///           | sequence: 8 | watermark: 8 | has an origin: 1 | origin: 8 | files: count, file each
///     file  = level: 1 | name | is cut: 1 | range
///     range = first key | has an end: 1 | the first key behind it
///
/// Texts and keys stand behind their counts. Files of level 0 come newest first. Of a file that is
/// cut only the keys of its range count: others of its keys are, or were, another worker's.
package struct KeyedFamilyState: Sendable, Equatable {
    /// A file, and where it stands.
    package struct File: Sendable, Equatable {
        package let level: Int
        package let name: String
        /// The keys that count.
        package let range: KeyRange
    }

    package static let formatVersion: UInt16 = 1

    package let name: String
    package let operation: MergeOperator?
    /// Whether values begin with the time of their writing.
    package let hasLifetime: Bool
    package let sequence: UInt64
    package let watermark: Int64
    /// The first watermark there was.
    package let origin: Int64?
    package let files: [File]

    init(
        name: String, operation: MergeOperator?, hasLifetime: Bool, sequence: UInt64,
        watermark: Int64, origin: Int64?, files: [File]
    ) {
        self.name = name
        self.operation = operation
        self.hasLifetime = hasLifetime
        self.sequence = sequence
        self.watermark = watermark
        self.origin = origin
        self.files = files
    }

    package func encode(to writer: inout ByteWriter) {
        writer.append(Self.formatVersion)
        writer.append(name)
        writer.append(operation?.rawValue ?? 0)
        writer.append(hasLifetime)
        writer.append(sequence)
        writer.append(watermark)
        writer.append(origin != nil)
        if let origin { writer.append(origin) }
        writer.append(count: files.count)
        for file in files {
            writer.append(UInt8(file.level))
            writer.append(file.name)
            writer.append(file.range != .all)
            guard file.range != .all else { continue }
            writer.append(counted: file.range.lower)
            writer.append(file.range.upper != nil)
            if let upper = file.range.upper { writer.append(counted: upper) }
        }
    }

    package init(from reader: inout ByteReader) throws(ByteReader.Damage) {
        let version = try reader.integer(UInt16.self)
        guard version == Self.formatVersion else {
            throw ByteReader.Damage(cause: "no keyed family of version \(Self.formatVersion)")
        }
        name = try reader.text()
        let mark = try reader.integer(UInt8.self)
        operation = MergeOperator(rawValue: mark)
        guard mark == 0 || operation != nil else {
            throw ByteReader.Damage(cause: "a merge operator is not known here")
        }
        hasLifetime = try reader.flag()
        sequence = try reader.integer(UInt64.self)
        guard sequence < TableProperties.versionEnd else {
            throw ByteReader.Damage(cause: "a sequence is too great")
        }
        watermark = try reader.integer(Int64.self)
        origin = try reader.flag() ? try reader.integer(Int64.self) : nil
        files = try reader.list { reader throws(ByteReader.Damage) in
            let level = Int(try reader.integer(UInt8.self))
            guard level < KeyedFamily.levelsEnd else {
                throw ByteReader.Damage(cause: "a level is too deep")
            }
            let name = try reader.text()
            guard try reader.flag() else { return File(level: level, name: name, range: .all) }
            let lower = try reader.countedArray()
            let upper = try reader.flag() ? try reader.countedArray() : nil
            return File(level: level, name: name, range: KeyRange(lower: lower, upper: upper))
        }
    }
}
