import AsyncHTTPClient

/// Where requests go: a URL of `http` or `https`.
package struct HTTPAddress: Sendable, Hashable {
    package let url: String
    package let isEncrypted: Bool

    /// Why a text is no such URL.
    package struct Problem: Error {
        package let message: String
    }

    /// Scheme, host and port: what messages say of it. The rest may be nobody's business.
    package let shown: String

    /// Checks a URL; nothing is looked up.
    package init(_ url: String) throws(Problem) {
        let scheme = url.prefix { $0 != ":" }.lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw Problem(message: "takes a URL that begins with http:// or https://")
        }
        let rest = url.dropFirst(scheme.utf8.count + 3)
        let place = String(rest.prefix { !"/?#".contains($0) })
        if place.contains("@") {
            throw Problem(message: "has a user in its URL; say who it is with 'auth'")
        }
        guard url.dropFirst(scheme.utf8.count).hasPrefix("://"), Self.isPlace(place),
            url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }),
            let request = try? HTTPClient.Request(url: url), !request.host.isEmpty
        else {
            throw Problem(message: "is no URL such as https://example.org/ingest")
        }
        self.url = url
        isEncrypted = scheme == "https"
        shown = "\(scheme)://\(place)"
    }

    /// Whether a text is a host, alone or with a port. What is no port must not come further: the
    /// client takes it for one.
    private static func isPlace(_ text: String) -> Bool {
        let port = text.hasSuffix("]") ? nil : text.lastIndex(of: ":")
        guard let port else { return !text.isEmpty }
        guard text[..<port].last != ":" else { return false }
        return UInt16(text[text.index(after: port)...]).map { $0 > 0 } ?? false
    }
}
