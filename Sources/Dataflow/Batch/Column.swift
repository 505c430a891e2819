package import Storage

/// The values of one field for every row of a batch; shared, never changed.
///
/// Layout: `count` values of `type.width` bytes (`bool` one byte of 0 or 1; `int`, `float` and
/// `timestamp` eight bytes; text sixteen, see `StringView`), and a bitmap where nulls occur. The
/// value of a null row is zero bits. A text column keeps alive the slabs its views point into.
package struct Column: Sendable {
    package let type: FieldType
    /// Rows, selected or not.
    package let count: Int
    /// Absent where no row is null.
    package let validity: Bitmap?
    /// What the views of a text column point into.
    package let owners: [Slab]
    let values: Slab

    package init(
        type: FieldType, count: Int, values: Slab, validity: Bitmap? = nil, owners: [Slab] = []
    ) {
        precondition(count * type.width <= values.byteCount, "a column's values fill its rows")
        self.type = type
        self.count = count
        self.values = values
        self.validity = validity
        self.owners = owners
    }

    /// Whether the row is not null.
    package func isValid(_ row: Int) -> Bool { validity.map { $0[row] } ?? true }

    /// The values of an `int` or `timestamp` column.
    package var int64s: Span<Int64> {
        @_lifetime(borrow self) get {
            precondition(type == .int || type == .timestamp, "not a column of whole numbers")
            return unsafe _overrideLifetime(span(of: Int64.self), borrowing: self)
        }
    }

    /// The address of the values, for the encoders' row loops.
    package var base: UnsafeMutableRawPointer { unsafe values.base }

    /// One value of an `int` or `timestamp` column; loops over rows take `int64s` instead.
    package func int64(at row: Int) -> Int64 {
        let values = int64s
        return values[row]
    }

    /// One value of a text column; it is good for as long as the column.
    package func text(at row: Int) -> StringView {
        let values = strings
        return values[row]
    }

    /// One value as text, for messages.
    package func described(at row: Int) -> String {
        guard isValid(row) else { return "null" }
        switch type {
        case .bool: return orderedWord(at: row) == 1 ? "true" : "false"
        case .int, .timestamp: return "\(int64(at: row))"
        case .float:
            let values = doubles
            return "\(values[row])"
        case .string, .json: return text(at: row).description
        }
    }

    /// One value of a numeric column as a word whose order is that of the values; 0 for null.
    package func orderedWord(at row: Int) -> UInt64 {
        guard isValid(row) else { return 0 }
        switch type {
        case .int, .timestamp: return UInt64(bitPattern: int64(at: row)) ^ 1 << 63
        case .float:
            let values = doubles
            let bits = (values[row] + 0).bitPattern
            return bits >> 63 == 1 ? ~bits : bits ^ 1 << 63
        case .bool:
            let values = bools
            return UInt64(values[row])
        case .string, .json: preconditionFailure("text has no order in one word")
        }
    }

    /// The values of a `float` column.
    package var doubles: Span<Double> {
        @_lifetime(borrow self) get {
            precondition(type == .float, "not a column of floats")
            return unsafe _overrideLifetime(span(of: Double.self), borrowing: self)
        }
    }

    /// The values of a `bool` column, 0 or 1.
    package var bools: Span<UInt8> {
        @_lifetime(borrow self) get {
            precondition(type == .bool, "not a column of truth values")
            return unsafe _overrideLifetime(span(of: UInt8.self), borrowing: self)
        }
    }

    /// The values of a `string` or `json` column.
    package var strings: Span<StringView> {
        @_lifetime(borrow self) get {
            precondition(type.isText, "not a column of text")
            return unsafe _overrideLifetime(span(of: StringView.self), borrowing: self)
        }
    }

    @_lifetime(borrow self)
    private func span<T: BitwiseCopyable>(of type: T.Type) -> Span<T> {
        let span = unsafe Span<T>(
            _unsafeStart: values.base.assumingMemoryBound(to: T.self), count: count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// The first `count` rows.
    package func prefix(_ count: Int) -> Column {
        Column(type: type, count: count, values: values, validity: validity, owners: owners)
    }

    /// A column of another type over the same values (`json` as `string`, `int` as `timestamp`).
    package func reinterpreted(as other: FieldType) -> Column {
        precondition(type.width == other.width && type.isText == other.isText)
        return Column(type: other, count: count, values: values, validity: validity, owners: owners)
    }
}
