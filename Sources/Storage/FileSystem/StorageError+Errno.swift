import Glibc

extension StorageError {
    /// The error for a failed system call.
    package init(errno code: Int32, operation: String, path: String, offset: Int? = nil) {
        let kind = Kind(errno: code)
        let text = unsafe strerror(code)
        let cause = unsafe text.map { unsafe String(cString: $0) } ?? "error \(code)"
        self.init(
            kind, operation: operation, path: path, offset: offset, cause: cause,
            advice: kind.advice)
    }
}

extension StorageError.Kind {
    fileprivate init(errno code: Int32) {
        self =
            switch code {
            case ENOENT: .notFound
            case EEXIST: .alreadyExists
            case EACCES, EPERM, EROFS: .notPermitted
            case EISDIR: .isDirectory
            case ENOTDIR: .notDirectory
            case ENOSPC: .noSpace
            case EDQUOT: .quotaExceeded
            case EMFILE, ENFILE: .tooManyOpenFiles
            case EPIPE: .brokenPipe
            case EIO: .inputOutput
            case EAGAIN: .wouldBlock
            default: .other
            }
    }

    fileprivate var advice: String {
        switch self {
        case .notFound: "check the path"
        case .notPermitted: "check the permissions of the file and of its directories"
        case .isDirectory: "name a file in it, or a pattern such as dir/*"
        case .notDirectory: "a part of the path is a file"
        case .noSpace: "free space on that file system, or write elsewhere"
        case .quotaExceeded: "remove files of this user, raise the quota, or write elsewhere"
        case .tooManyOpenFiles: "raise the limit (ulimit -n), or use fewer files at once"
        case .inputOutput: "the device may be failing; see the system's log"
        case .alreadyExists, .brokenPipe, .wouldBlock, .corrupt, .wouldLose, .other: ""
        }
    }
}
