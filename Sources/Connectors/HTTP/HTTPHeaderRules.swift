import AsyncHTTPClient

/// What may stand in the header of a request (RFC 9110, section 5).
package enum HTTPHeaderRules {
    private static let marks = Set("!#$%&'*+-.^_`|~".utf8)

    /// Whether a text is a token, as names of headers are.
    package static func isName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    true
                default: marks.contains(byte)
                }
            }
    }

    /// Whether a header may have this value: no controls, no line ends.
    package static func isValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 == 9 || ($0 >= 0x20 && $0 != 0x7f) }
    }

    /// The header's value for a user and a password (RFC 7617).
    package static func basic(user: String, password: String) -> String {
        HTTPClient.Authorization.basic(username: user, password: password).headerValue
    }
}
