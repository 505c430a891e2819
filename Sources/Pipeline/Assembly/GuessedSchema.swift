import Dataflow
import Storage

/// The fields of a source that were guessed from a sample. Checkpoints keep them, so that a run
/// that goes on reads its input as the one before did, whatever its first records are by now.
///
///     guess = 1 | definition | fields: count, each
///     field = name | type: 1 | path: count, text each
///
/// As `ByteWriter` writes. With another definition, the source's place and format, it means
/// nothing.
struct GuessedSchema {
    private static let version: UInt8 = 1

    let definition: String
    let fields: [FieldSpec]

    init(of source: SourceSpec, _ fields: [FieldSpec]) {
        definition = Self.definition(of: source)
        self.fields = fields
    }

    private static func definition(of source: SourceSpec) -> String {
        let place: String
        switch source.kind {
        case .file(let file): place = file.paths.map(\.value).joined(separator: ", ")
        case .log(let log): place = log.path
        case .tcp(let tcp): place = "\(tcp.listen)"
        case .standardInput, .generate: place = ""
        }
        return "\(source.type) \(source.format.name) \(place)"
    }

    /// Whether it is of such a source.
    func isOf(_ source: SourceSpec) -> Bool { definition == Self.definition(of: source) }

    /// The guess that `bytes` hold, of a source at a place in the file; nil where they hold none
    /// that is known here.
    init?(_ bytes: [UInt8], at place: Place) {
        var reader = ByteReader(bytes)
        do throws(ByteReader.Damage) {
            guard try reader.integer(UInt8.self) == Self.version else { return nil }
            definition = try reader.text()
            fields = try reader.list { reader throws(ByteReader.Damage) in
                let name = try reader.text()
                guard let type = FieldType(rawValue: try reader.integer()) else {
                    throw ByteReader.Damage(cause: "the type of a field is not known here")
                }
                let path = try reader.list { reader throws(ByteReader.Damage) in
                    try reader.text()
                }
                return FieldSpec(
                    name: Located(name, at: place), type: type, timestampFormat: .rfc3339,
                    path: path)
            }
            try reader.finish()
        } catch {
            return nil
        }
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.version)
        writer.append(definition)
        writer.append(count: fields.count)
        for field in fields {
            writer.append(field.name.value)
            writer.append(field.type.rawValue)
            writer.append(count: field.path.count)
            for name in field.path { writer.append(name) }
        }
        return writer.bytes
    }

    /// The fields, and those that a newer guess has besides: what was known keeps its type.
    func fields(with newer: [FieldSpec]) -> [FieldSpec] {
        fields
            + newer.filter { field in
                !fields.contains { known in
                    known.name.value == field.name.value || known.path.starts(with: field.path)
                        || field.path.starts(with: known.path)
                }
            }
    }
}
