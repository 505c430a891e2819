import AsyncHTTPClient

/// Where requests go: a URL of `http` or `https`.
package struct HTTPAddress: Sendable, Hashable {
    package let url: String
    package let isEncrypted: Bool

    /// Why a text is no such URL.
    package struct Problem: Error {
        package let message: String
    }

    /// Checks a URL; nothing is looked up.
    package init(_ url: String) throws(Problem) {
        let scheme = url.prefix { $0 != ":" }.lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw Problem(message: "takes a URL that begins with http:// or https://")
        }
        let rest = url.dropFirst(scheme.utf8.count)
        guard rest.hasPrefix("://"), let request = try? HTTPClient.Request(url: url),
            !request.host.isEmpty, (1...65535).contains(request.port)
        else {
            throw Problem(message: "is no URL such as https://example.org/ingest")
        }
        if rest.dropFirst(3).prefix(while: { !"/?#".contains($0) }).contains("@") {
            throw Problem(message: "has a user in its URL; say who it is with 'auth'")
        }
        self.url = url
        isEncrypted = scheme == "https"
    }

    /// The URL without its query, which may be nobody's business.
    package var shown: String { String(url.prefix { $0 != "?" && $0 != "#" }) }
}
