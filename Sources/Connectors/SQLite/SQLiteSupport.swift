/// Whether this build can write to SQLite databases: it needs a library that not every machine has,
/// so it is asked for by a trait of the package.
package enum SQLiteSupport {
    #if SQLite
    package static let isBuiltIn = true
    #else
    package static let isBuiltIn = false
    #endif

    /// How a build is made that can.
    package static let advice =
        "install libsqlite3-dev, and build with 'swift build -c release --product weir --traits "
        + "SQLite'"

    /// Whether a table's name is one that weir or SQLite keeps for itself.
    package static func isReserved(_ table: String) -> Bool {
        let name = table.lowercased()
        return name == "weir_sinks" || name == "weir_rejected" || name.hasPrefix("sqlite_")
    }
}
