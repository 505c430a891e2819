import Testing

@testable import Connectors

struct HTTPRulesTests {
    @Test(arguments: [
        "http://example.org", "https://example.org/in?a=b#c", "HTTP://10.0.0.1:8080/",
        "https://[::1]:9200/_bulk",
    ])
    func addresses(_ url: String) throws {
        let address = try HTTPAddress(url)
        #expect(address.url == url)
        #expect(address.isEncrypted == url.hasPrefix("https"))
        #expect(!address.shown.contains("?"))
    }

    @Test(arguments: [
        "", "example.org", "ftp://example.org", "http:/example.org", "http://", "http:///path",
        "http://host:0/", "http://host:70000/", "http://us er@host/", "http://user:pw@host/",
        "https:example.org", "http+unix://%2Ftmp%2Fsock/in",
    ])
    func noAddresses(_ url: String) {
        #expect(throws: HTTPAddress.Problem.self) { try HTTPAddress(url) }
    }

    @Test func headers() {
        #expect(["X-Key", "a", "!#$%&'*+-.^_`|~9Z"].allSatisfy(HTTPHeaderRules.isName))
        #expect(["", "a b", "a:", "é", "a\r"].allSatisfy { !HTTPHeaderRules.isName($0) })
        #expect(["", "a b\tc", "é"].allSatisfy(HTTPHeaderRules.isValue))
        #expect(["a\nb", "a\r", "\0", "\u{7f}"].allSatisfy { !HTTPHeaderRules.isValue($0) })
        // The example of RFC 7617.
        #expect(
            HTTPHeaderRules.basic(user: "Aladdin", password: "open sesame")
                == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    }

    @Test func verdicts() {
        let verdict = { (status: Int) in HTTPAnswer(status: status).verdict }
        #expect([200, 201, 202, 204, 299].allSatisfy { verdict($0) == .taken })
        #expect([400, 406, 409, 413, 415, 422, 499].allSatisfy { verdict($0) == .refused })
        #expect(
            [101, 300, 304, 401, 402, 404, 429, 500, 503, 700].allSatisfy { verdict($0) == .later })
    }
}
