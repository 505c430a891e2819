/// Where the rules of IANA time zones come from: the system's compiled files (TZif, RFC 8536).
///
/// It opens no files of its own: whoever makes it hands in the reading of one.
package struct TimeZoneDatabase: Sendable {
    /// Where systems keep the files.
    package static let directories = [
        "/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo",
    ]

    private let read: @Sendable (_ path: String) -> [UInt8]?

    /// `read` gives the content of a file, or nil where there is none that can be read.
    package init(read: @escaping @Sendable (_ path: String) -> [UInt8]?) { self.read = read }

    /// A database without files: only UTC is known.
    package static let none = TimeZoneDatabase { _ in nil }

    private static let utcNames: Set<String> = [
        "UTC", "Etc/UTC", "UCT", "Etc/UCT", "Zulu", "Etc/Zulu", "Universal", "Etc/Universal",
        "GMT", "Etc/GMT", "Z",
    ]

    /// The rules of the zone `name`; UTC needs no file.
    func zone(named name: String) throws(TimestampFormatError) -> TimeZoneRules {
        if Self.utcNames.contains(name) { return .utc }
        guard Self.isName(name) else {
            throw TimestampFormatError("'\(name)' is not the name of a time zone")
        }
        for directory in Self.directories {
            guard let bytes = read("\(directory)/\(name)") else { continue }
            do {
                return try TZifReader(bytes).rules()
            } catch {
                throw TimestampFormatError(
                    "time zone '\(name)': \(directory)/\(name) \(error.description)")
            }
        }
        for directory in Self.directories
        where read("\(directory)/Etc/UTC") != nil || read("\(directory)/UTC") != nil {
            throw TimestampFormatError(
                "unknown time zone '\(name)': there is no \(directory)/\(name)")
        }
        throw TimestampFormatError(
            "time zone '\(name)' needs the system's time zone data, which is not in "
                + "\(Self.directories[0]) (Debian: install tzdata)")
    }

    /// Whether `name` is safe to be a path below a directory.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix("/") && !name.hasSuffix("/")
            && name.split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy { !$0.isEmpty && $0.first != "." }
            && name.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b, 0x2d, 0x2e, 0x2f, 0x5f: true
                default: false
                }
            }
    }
}
