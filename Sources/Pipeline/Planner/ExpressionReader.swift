import Dataflow
import Operators

/// Reads the expressions of a pipeline file, and gives every mistake in them its place in the file.
struct ExpressionReader {
    let source: SourceText
    let diagnostics: Diagnostics

    /// Parses an expression.
    func parse(_ text: Located<String>) -> Expression? {
        get(Expression.parse(text.value), text)
    }

    /// Parses an expression and gives its names columns and types; where the schema is not known,
    /// it is only parsed.
    func check(_ text: Located<String>, _ schema: Schema?) -> (Expression, TypedExpression)? {
        guard let expression = parse(text), let schema,
            let typed = get(expression.checked(against: schema), text)
        else { return nil }
        return (expression, typed)
    }

    /// Parses an aggregate call.
    func parseAggregate(_ text: Located<String>) -> AggregateCall? {
        get(AggregateCall.parse(text.value), text)
    }

    /// The value, or nil after a report.
    func get<Value>(
        _ result: Result<Value, ExpressionErrors>, _ text: Located<String>
    ) -> Value? {
        switch result {
        case .success(let value): return value
        case .failure(let errors):
            report(errors, in: text)
            return nil
        }
    }

    func report(_ errors: ExpressionErrors, in text: Located<String>) {
        if text.scalar?.isSecret == true {
            // A message would quote what is not to be shown.
            diagnostics.error(
                at: text.place, "with the values of its variables this is not a valid expression")
            return
        }
        for error in errors.list {
            diagnostics.error(at: place(ofByte: error.offset, in: text), error.message)
        }
    }

    /// The place of a byte of a text.
    func place(ofByte offset: Int, in text: Located<String>) -> Place {
        guard let scalar = text.scalar else { return text.place }
        return source.place(ofByte: offset, in: scalar, at: text.place)
    }
}

extension FieldType {
    /// `an int`, `a string`.
    var described: String {
        switch self {
        case .int: "an int"
        case .json: "a JSON value"
        case .bool, .float, .string, .timestamp: "a \(name)"
        }
    }
}

/// Looks up the names of fields in a schema.
struct FieldLookup {
    let schema: Schema
    let diagnostics: Diagnostics

    /// The names a user may say.
    static func names(_ schema: Schema) -> [String] {
        schema.fields.map(\.name).filter { !$0.hasPrefix(Schema.engineMark) }
    }

    /// The column of a field; `of` is what lacks it, for tables.
    func index(_ name: Located<String>, of what: String = "") -> Int? {
        if !name.value.hasPrefix(Schema.engineMark), let index = schema.index(of: name.value) {
            return index
        }
        let hint = NearestName.hint(
            for: name.value, among: FieldLookup.names(schema), noun: "there are")
        diagnostics.error(
            at: name.place, "unknown field '\(name.value)'\(what)\(hint)")
        return nil
    }

    /// The column of a field that is part of a key.
    func keyIndex(_ name: Located<String>, of what: String = "") -> Int? {
        guard let index = index(name, of: what) else { return nil }
        let type = schema.fields[index].type
        switch type {
        case .string, .int, .bool, .timestamp: return index
        case .float, .json:
            diagnostics.error(
                at: name.place,
                "'\(name.value)' is \(type.described); a key is a string, int, bool or timestamp")
            return nil
        }
    }

    /// All of the columns, or nil after a report.
    func keyIndices(_ names: [Located<String>], of what: String = "") -> [Int]? {
        let found = names.map { keyIndex($0, of: what) }
        return found.contains(nil) ? nil : found.compactMap { $0 }
    }
}
