#if SQLite
import GRDB
import Storage

extension DatabaseError {
    /// Whether the statement itself is wrong, and not what it met with.
    var isOfSQL: Bool { resultCode == .SQLITE_ERROR }

    /// The error in the words of files.
    func described(of path: String) -> StorageError {
        let cause = message ?? resultCode.description
        func error(_ kind: StorageError.Kind, advice: String = "") -> StorageError {
            StorageError(
                kind, operation: "write to", path: path, cause: cause, advice: advice)
        }
        switch resultCode {
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return error(
                .other,
                advice: "another connection has kept it for some seconds; end its transaction")
        case .SQLITE_FULL: return error(.noSpace)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            return error(.corrupt, advice: "restore it from a backup")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH: return error(.notPermitted)
        case .SQLITE_IOERR: return error(.inputOutput)
        default: return error(.other)
        }
    }
}
#endif
