/// How a timestamp is written in input and output.
package enum TimestampFormat: Hashable, Sendable {
    case seconds, milliseconds, microseconds, nanoseconds
    case rfc3339
    /// A strptime-like pattern, in a zone of the IANA data base (UTC where absent).
    case pattern(String, zone: String?)

    /// Nanoseconds of one unit, for the numeric forms.
    package var unitNanoseconds: Int64? {
        switch self {
        case .seconds: 1_000_000_000
        case .milliseconds: 1_000_000
        case .microseconds: 1000
        case .nanoseconds: 1
        case .rfc3339, .pattern: nil
        }
    }
}

/// One named, typed field of a schema.
package struct Field: Hashable, Sendable {
    package let name: String
    package let type: FieldType
    /// How a `timestamp` leaves; RFC 3339 for computed ones.
    package let timestampFormat: TimestampFormat

    package init(_ name: String, _ type: FieldType, timestampFormat: TimestampFormat = .rfc3339) {
        self.name = name
        self.type = type
        self.timestampFormat = timestampFormat
    }
}

/// The columns of the batches on one edge: fields by name, and what the engine adds to rows.
///
/// A column's index in the schema is its index in `Batch.columns`. Fields that nothing downstream
/// needs are not decoded and have no column.
package struct Schema: Hashable, Sendable {
    package private(set) var fields: [Field] = []
    /// Columns that the engine adds; each an index into `fields`.
    package private(set) var eventTime: Int?
    /// The watermark that stood before each row (`int`, microseconds).
    package private(set) var watermark: Int?
    /// The place of each row within its chunk (`int`); with the chunk's number, its position.
    package private(set) var ordinal: Int?
    /// The bytes of the record as it came in (`json`, without line end); present while rows are
    /// open.
    package private(set) var record: Int?
    /// Fields of an open row that were overwritten or dropped: their old members do not leave.
    package private(set) var hidden: [String] = []
    /// Indices, in output order, of the named fields that leave: all of them in a closed row; in an
    /// open row with a record only those that a step added.
    package private(set) var output: [Int] = []

    package init() {}

    /// Names of engine columns start with this, which no field's name may.
    package static let engineMark = "\u{1}"

    /// The index of a field by name.
    package func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }

    /// Adds a field and gives its index; `leaves` says whether it is written at a sink.
    @discardableResult
    package mutating func add(_ field: Field, leaves: Bool) -> Int {
        fields.append(field)
        if leaves { output.append(fields.count - 1) }
        return fields.count - 1
    }

    /// The kinds of columns the engine adds.
    package enum EngineColumn: String, CaseIterable, Sendable {
        case eventTime = "event_time"
        case watermark, ordinal, record
    }

    /// Adds an engine column of its own; its values leave nowhere.
    @discardableResult
    package mutating func add(_ column: EngineColumn) -> Int {
        let type: FieldType =
            switch column {
            case .eventTime: .timestamp
            case .watermark, .ordinal: .int
            case .record: .json
            }
        let index = add(Field(Schema.engineMark + column.rawValue, type), leaves: false)
        set(column, to: index)
        return index
    }

    /// Makes an existing column serve as an engine column, or none.
    package mutating func set(_ column: EngineColumn, to index: Int?) {
        switch column {
        case .eventTime: eventTime = index
        case .watermark: watermark = index
        case .ordinal: ordinal = index
        case .record: record = index
        }
    }

    /// Where an engine column stands.
    package func index(of column: EngineColumn) -> Int? {
        switch column {
        case .eventTime: eventTime
        case .watermark: watermark
        case .ordinal: ordinal
        case .record: record
        }
    }

    /// Says which columns leave, in which order, and which members of open records do not.
    package mutating func setOutput(_ output: [Int], hidden: [String] = []) {
        self.output = output
        self.hidden = hidden
    }

    /// Forgets the name of a column that another has taken; the column stays.
    package mutating func rename(_ index: Int, to name: String) {
        let old = fields[index]
        fields[index] = Field(name, old.type, timestampFormat: old.timestampFormat)
    }
}
