/// How the CSV of one source or sink is written: RFC 4180, with what people vary.
///
///     record  = field *(delimiter field) (LF / CRLF)
///     field   = *any, without delimiter, LF, and not starting with the quote
///             / quote *(any but quote / quote quote) quote
///
/// A quote inside an unquoted field is a character like any other. Quoted fields may hold
/// delimiters and line ends. An empty line between records of several fields is no record.
package struct CSVDialect: Sendable, Equatable {
    package var delimiter: UInt8
    package var quote: UInt8
    /// Whether each file starts with a line of names.
    package var hasHeader: Bool
    /// The names of all columns, in order; instead of those of the header line, if there is one.
    package var columns: [String]?
    /// Further texts that mean null when they stand unquoted (`NA`, `NULL`).
    package var nulls: [String]

    package init(
        delimiter: UInt8 = UInt8(ascii: ","), quote: UInt8 = UInt8(ascii: "\""),
        hasHeader: Bool = true, columns: [String]? = nil, nulls: [String] = []
    ) {
        self.delimiter = delimiter
        self.quote = quote
        self.hasHeader = hasHeader
        self.columns = columns
        self.nulls = nulls
    }

    /// Why these settings cannot work, in words a user can act on.
    package var problem: String? {
        let special: [UInt8] = [0x0a, 0x0d]
        if delimiter == quote { return "the delimiter and the quote are the same character" }
        if special.contains(delimiter) || delimiter >= 0x80 {
            return "the delimiter must be one ASCII character that ends no line"
        }
        if special.contains(quote) || quote >= 0x80 {
            return "the quote must be one ASCII character that ends no line"
        }
        if !hasHeader && columns == nil { return "without a header line, columns must be named" }
        if let columns, Set(columns).count < columns.count { return "a column is named twice" }
        return nil
    }
}
