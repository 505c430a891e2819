/// What a measurement gave, as a JSON object; its members stand in the order they are given in.
struct ResultJSON: ExpressibleByDictionaryLiteral {
    /// A value as JSON writes it.
    struct Value {
        fileprivate let text: String

        static func text(_ value: String) -> Value { Value(text: "\"\(value)\"") }

        static func int(_ value: some BinaryInteger) -> Value { Value(text: "\(value)") }

        static func number(_ value: Double, digits: Int) -> Value {
            Value(text: value.fixed(digits))
        }
    }

    private var members: [(name: String, value: Value)]

    init(dictionaryLiteral members: (String, Value)...) {
        self.members = members.map { (name: $0.0, value: $0.1) }
    }

    mutating func add(_ name: String, _ value: Value) { members.append((name, value)) }

    var text: String {
        let texts = members.map { "\"\($0.name)\":\($0.value.text)" }
        return "{" + texts.joined(separator: ",") + "}"
    }
}

extension Double {
    /// The number with so many digits behind the point.
    func fixed(_ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((magnitude * scale).rounded())
        let whole = String(scaled / Int(scale))
        let sign = self < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return sign + whole }
        let rest = String(scaled % Int(scale))
        let zeros = String(repeating: "0", count: digits - rest.count)
        return sign + whole + "." + zeros + rest
    }
}
