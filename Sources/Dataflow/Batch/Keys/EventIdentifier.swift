import Storage

/// Builds a column of event identifiers: where a row comes from, whenever it is made.
///
///     identifier = hash of what it comes from: 16 hexadecimal digits | "-" | a number in it
///
/// For a record that is its source with the place, and its offset there; for a result of a window
/// the step with the group, and the window's start.
package struct EventIdentifiers: ~Copyable {
    private var arena = TextArena()
    private var builder: ColumnBuilder
    private let count: Int

    private static let digits = Array("0123456789abcdef".utf8)

    /// Room for identifiers of so many rows.
    package init(count: Int) {
        self.count = count
        builder = ColumnBuilder(.string, capacity: count)
    }

    /// A hash of texts and bytes that stays the same from release to release.
    package static func hash(_ texts: [String], _ key: [UInt8] = []) -> UInt64 {
        var all: [UInt8] = []
        for text in texts { all += Array(text.utf8) + [0] }
        all += key
        return Slab(all).hash(0..<all.count)
    }

    /// Gives a row its identifier.
    package mutating func set(_ row: Int, origin: UInt64, number: Int64) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(40)
        for shift in stride(from: 60, through: 0, by: -4) {
            bytes.append(Self.digits[Int(truncatingIfNeeded: origin >> UInt64(shift)) & 15])
        }
        bytes.append(UInt8(ascii: "-"))
        bytes += String(number).utf8
        let view = arena.add(utf8: bytes.span)
        builder.set(row, to: view)
    }

    /// A row without one.
    package mutating func setNull(_ row: Int) { builder.setNull(row) }

    package consuming func finish() -> Column {
        builder.keep(arena.slabs)
        return builder.finish(count: count)
    }
}

extension Schema {
    /// The column of event identifiers, if rows have them.
    package static let originName = engineMark + "origin"

    package var origin: Int? { index(of: Schema.originName) }

    /// The same schema with other indices where `origin` is left out: what a decoder fills itself.
    package var withoutOrigin: Schema {
        guard let origin else { return self }
        func moved(_ index: Int?) -> Int? { index.map { $0 > origin ? $0 - 1 : $0 } }
        var schema = Schema()
        for (index, field) in fields.enumerated() where index != origin {
            schema.add(field, leaves: false)
        }
        schema.setOutput(output.filter { $0 != origin }.compactMap(moved), hidden: hidden)
        for column in EngineColumn.allCases {
            schema.set(column, to: moved(self.index(of: column)))
        }
        return schema
    }
}
