import Connectors

/// Reads the keys of a sink that sends to an HTTP server.
struct HTTPSinkReader {
    let reader: SpecReader
    private var diagnostics: Diagnostics { reader.diagnostics }

    /// Headers that requests have by themselves.
    private static let ownHeaders: Set<String> = [
        "content-length", "transfer-encoding", "connection",
    ]
    private static let rowsMaxMax = 1_000_000
    private static let bytesMaxMax = 64 << 20

    init(reader: SpecReader) { self.reader = reader }

    func read() -> HTTPSinkSpec? {
        let address = readAddress()
        let body = reader.choice("body", HTTPBody.allCases.map(\.rawValue))
        let rowsMax = reader.integer("max_rows", 1...Self.rowsMaxMax)
        let bytesMax = reader.size("max_size", atMost: Self.bytesMaxMax)
        let method = reader.choice("method", ["post", "put", "patch"])
        let timeout = reader.duration("timeout", atLeast: 1000)
        let headers = readHeaders() + readAuthorization()
        let tls = readTLS(address)
        let refused = reader.string("refused", takes: "the directory of a log")
        let delivery = DeliveryReader.read(reader)
        if rowsMax != nil, body?.value == HTTPBody.row.rawValue {
            diagnostics.error(
                at: reader.place(of: "max_rows"),
                "'max_rows' goes with 'body: lines' and 'body: array'")
        }
        guard let address else { return nil }
        var options = HTTPSink.Options(address)
        options.method = method?.value.uppercased() ?? options.method
        options.headers = headers
        options.body = body.flatMap { HTTPBody(rawValue: $0.value) } ?? options.body
        options.rowsMax = rowsMax?.value ?? options.rowsMax
        options.bytesMax = bytesMax?.value ?? options.bytesMax
        options.timeoutMilliseconds =
            timeout.map { Int($0.value / 1000) } ?? options.timeoutMilliseconds
        options.tls = tls
        options.refused = refused?.value
        return HTTPSinkSpec(options: options, refused: refused, delivery: delivery)
    }

    private func readAddress() -> HTTPAddress? {
        guard let text = reader.string("url", takes: "a URL") else {
            reader.miss("url", "url: https://example.org/ingest")
            return nil
        }
        do throws(HTTPAddress.Problem) {
            return try HTTPAddress(text.value)
        } catch {
            diagnostics.error(at: text.place, "'url' \(error.message)")
            return nil
        }
    }

    private func readHeaders() -> [(name: String, value: String)] {
        let texts = reader.has("headers") ? reader.texts("headers", of: "name: text") ?? [] : []
        for (key, value) in texts {
            if !HTTPHeaderRules.isName(key.value) {
                diagnostics.error(at: key.place, "'\(key.value)' is no name of a header")
            } else if Self.ownHeaders.contains(key.value.lowercased()) {
                diagnostics.error(at: key.place, "'\(key.value)' is made for each request")
            }
            if !HTTPHeaderRules.isValue(value.value) {
                diagnostics.error(
                    at: value.place, "the value of '\(key.value)' has characters that no header has"
                )
            }
        }
        return texts.map { (name: $0.key.value, value: $0.value.value) }
    }

    /// The header that says who asks.
    private func readAuthorization() -> [(name: String, value: String)] {
        guard reader.has("auth"), let auth = reader.nested("auth", keys: .httpAuth) else {
            return []
        }
        defer { auth.finish() }
        let token = auth.string("token")
        let user = auth.string("user")
        let password = auth.string("password")
        if let token {
            if user != nil || password != nil {
                diagnostics.error(at: token.place, "'auth' takes 'token', or 'user' and 'password'")
            }
            if !HTTPHeaderRules.isValue(token.value) {
                diagnostics.error(at: token.place, "'token' has characters that no header has")
            }
            return [("Authorization", "Bearer \(token.value)")]
        }
        guard let user, let password else {
            auth.miss(user == nil && password == nil ? "token" : user == nil ? "user" : "password")
            return []
        }
        if user.value.contains(":") {
            diagnostics.error(at: user.place, "'user' has a colon, which would end it")
        }
        return [
            ("Authorization", HTTPHeaderRules.basic(user: user.value, password: password.value))
        ]
    }

    private func readTLS(_ address: HTTPAddress?) -> HTTPTLS {
        var result = HTTPTLS()
        guard reader.has("tls"), let tls = reader.nested("tls", keys: .httpTLS) else {
            return result
        }
        defer { tls.finish() }
        if let address, !address.isEncrypted {
            diagnostics.error(at: tls.place, "'tls' goes with a 'url' that begins with https://")
        }
        result.authorities = tls.string("ca", takes: "the path of a file")?.value
        let certificates = tls.string("certificate", takes: "the path of a file")
        let key = tls.string("key", takes: "the path of a file")
        if let certificates, let key {
            result.identity = (certificates.value, key.value)
        } else if certificates != nil || key != nil {
            tls.miss(key == nil ? "key" : "certificate")
        }
        return result
    }
}
