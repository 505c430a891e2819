package import Dataflow
import Storage

/// A path in which `{date}` and the like stand for a row's event time, and `{region}` for a field.
///
///     out/{region}/late-{date}-{hour}.ndjson  →  out/north/late-2024-05-01-13.ndjson
///
/// Times are UTC: `{date}` (2024-05-01), `{year}`, `{month}`, `{day}`, `{hour}`, `{minute}`; these
/// names go before fields of the same name. Fields may be of type string, int or bool. `{{` and
/// `}}` stand for braces. Values are made safe for a file name by `PathValue`.
package struct PathTemplate: Sendable, Equatable {
    /// A part of event time.
    enum TimePart: String, CaseIterable, Sendable {
        case date, year, month, day, hour, minute

        /// The time within which it stays the same, at least.
        var microseconds: Int64 {
            switch self {
            case .date, .year, .month, .day: 86_400_000_000
            case .hour: 3_600_000_000
            case .minute: 60_000_000
            }
        }
    }

    enum Piece: Sendable, Equatable {
        case text(String)
        case time(TimePart, offset: Int)
        case field(String, offset: Int)
    }

    package let text: String
    let pieces: [Piece]

    /// Reads a template; says where it is wrong.
    package init(_ text: String) throws(PathTemplateError) {
        self.text = text
        var pieces: [Piece] = []
        var literal: [UInt8] = []
        let bytes = Array(text.utf8)
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            let isDoubled = place + 1 < bytes.count && bytes[place + 1] == byte
            if byte == UInt8(ascii: "{") && !isDoubled {
                if !literal.isEmpty {
                    pieces.append(.text(String(decoding: literal, as: UTF8.self)))
                }
                literal = []
                pieces.append(try PathTemplate.placeholder(bytes, &place))
                continue
            }
            if byte == UInt8(ascii: "}") && !isDoubled {
                throw PathTemplateError(
                    offset: place, message: "a } without its {; write }} for a brace")
            }
            literal.append(byte)
            let isBrace = byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}")
            place += isBrace ? 2 : 1
        }
        if !literal.isEmpty { pieces.append(.text(String(decoding: literal, as: UTF8.self))) }
        if pieces.isEmpty { throw PathTemplateError(offset: 0, message: "the path is empty") }
        self.pieces = pieces
    }

    /// The value of a field alone, whatever the field is called.
    package init(field name: String) {
        text = "{\(name)}"
        pieces = [.field(name, offset: 0)]
    }

    /// The directory that all its paths have in common; empty for the working directory.
    package var directory: String {
        guard case .text(let start)? = pieces.first else { return "" }
        return FilePath.directory(of: start)
    }

    /// How many directories lie between that one and the files.
    package var directoryLevels: Int {
        func count(_ text: String) -> Int { text.utf8.count { $0 == UInt8(ascii: "/") } }
        return count(text) - (directory.isEmpty ? 0 : count(directory) + 1)
    }

    private static func placeholder(
        _ bytes: [UInt8], _ place: inout Int
    ) throws(PathTemplateError) -> Piece {
        let start = place
        guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "}")) else {
            throw PathTemplateError(
                offset: start, message: "a { without its }; write {{ for a brace")
        }
        let name = String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
        if name.isEmpty { throw PathTemplateError(offset: start, message: "{} names no field") }
        place = end + 1
        if let part = TimePart(rawValue: name) { return .time(part, offset: start) }
        return .field(name, offset: start)
    }

    /// The path itself, where the template has no placeholders.
    package var literal: String? {
        if pieces.count == 1, case .text(let path) = pieces[0] { return path }
        return nil
    }

    /// What is wrong with it for rows of `schema`.
    package func problems(for schema: Schema) -> [PathTemplateError] {
        pieces.compactMap { piece in
            switch piece {
            case .text:
                return nil
            case .time(let part, let offset):
                guard schema.eventTime == nil else { return nil }
                return PathTemplateError(
                    offset: offset,
                    message: "{\(part.rawValue)} needs an event time, and these rows have none")
            case .field(let name, let offset):
                guard let index = schema.index(of: name) else {
                    let times = PathTemplate.timeNames.joined(separator: ", ")
                    return PathTemplateError(
                        offset: offset,
                        message: "there is no field \(name), and times are \(times)",
                        unknownName: name)
                }
                switch schema.fields[index].type {
                case .string, .int, .bool: return nil
                case .float, .timestamp, .json:
                    return PathTemplateError(
                        offset: offset,
                        message: "\(name) is of type \(schema.fields[index].type.name); "
                            + "a path takes string, int and bool")
                }
            }
        }
    }

    /// What stands for a part of the time.
    package static let timeNames = TimePart.allCases.map(\.rawValue)

    /// The fields it names, which the rows must have.
    package var fieldNames: [String] {
        pieces.compactMap { if case .field(let name, _) = $0 { name } else { nil } }
    }
}

/// What is wrong with a path template, and where in it.
package struct PathTemplateError: Error, Equatable, CustomStringConvertible {
    /// Bytes of UTF-8 before the place.
    package let offset: Int
    package let message: String
    /// What is neither a field nor a part of the time.
    package var unknownName: String?

    package var description: String { "at \(offset): \(message)" }
}

/// Makes values safe as parts of file names.
///
/// Bytes below 32, `/`, `\`, `%` and 127 become `%2F` and the like; the values `.`, `..`, `_null`
/// and `_empty` have their first byte treated so. Null is `_null`, the empty string `_empty`. A
/// value that is longer than 100 bytes then keeps its first 80 and gets the hash of all of it.
enum PathValue {
    static let null = "_null"
    private static let byteCountMax = 100
    private static let byteCountKept = 80

    static func escape(_ text: String, hash: UInt64) -> String {
        if text.isEmpty { return "_empty" }
        let isSpecial = [".", "..", null, "_empty"].contains(text)
        var out = ""
        for (index, scalar) in text.unicodeScalars.enumerated() {
            let isControl = scalar.value < 0x20 || scalar.value == 0x7f
            let isPlain = !isControl && !"/\\%".unicodeScalars.contains(scalar)
            if isPlain && !(isSpecial && index == 0) {
                out.unicodeScalars.append(scalar)
            } else {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                out += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
        guard out.utf8.count > byteCountMax else { return out }
        var kept = ""
        for scalar in out.unicodeScalars where kept.utf8.count < byteCountKept {
            kept.unicodeScalars.append(scalar)
        }
        let digits = String(hash, radix: 16)
        return kept + "-" + String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension [EncodedPart] {
    /// Does `body` with the parts for one file, one file after the other; those that name none are
    /// for the one at `path`.
    func forEachTarget(
        or path: String?, _ body: (ArraySlice<EncodedPart>, _ path: String) throws -> Void
    ) throws {
        var rest = self[...]
        while let first = rest.first {
            let count = rest.prefix { $0.target == first.target }.count
            guard let target = first.target.isEmpty ? path : first.target else {
                preconditionFailure("a part of a sink without a path names its own")
            }
            try body(rest.prefix(count), target)
            rest = rest.dropFirst(count)
        }
    }
}
