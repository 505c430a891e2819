import Glibc

/// The files of the machine.
package struct DiskFileSystem: FileSystem {
    package init() {}

    package func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File {
        let flags: Int32 =
            switch mode {
            case .read: O_RDONLY
            case .write(let truncating): O_RDWR | O_CREAT | (truncating ? O_TRUNC : 0)
            case .append: O_WRONLY | O_CREAT | O_APPEND
            }
        while true {
            let descriptor = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o666)
            if descriptor >= 0 { return try DiskFile(descriptor: descriptor, path: path) }
            if errno == EINTR { continue }
            // A pipe or device that can only be written to.
            if errno == EINVAL, case .write = mode { return try open(path, .append) }
            throw StorageError(errno: errno, operation: "open", path: path)
        }
    }

    package func status(of path: String) throws(StorageError) -> FileStatus? {
        var info = stat()
        guard unsafe stat(path, &info) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw StorageError(errno: errno, operation: "look at", path: path)
        }
        return FileStatus(info)
    }

    package func names(in directory: String) throws(StorageError) -> [String] {
        guard let stream = unsafe opendir(directory) else {
            throw StorageError(errno: errno, operation: "list", path: directory)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                if errno == 0 { return names }
                throw StorageError(errno: errno, operation: "list", path: directory)
            }
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                let room = unsafe MemoryLayout.size(ofValue: pointer.pointee)
                return unsafe pointer.withMemoryRebound(to: CChar.self, capacity: room) {
                    unsafe String(cString: $0)
                }
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    package func makeDirectories(_ path: String) throws(StorageError) {
        if path.isEmpty { return }
        if unsafe mkdir(path, 0o777) == 0 { return }
        switch errno {
        case EEXIST:
            guard let status = try status(of: path), status.kind == .directory else {
                throw StorageError(errno: ENOTDIR, operation: "make directory", path: path)
            }
        case ENOENT:
            let parent = FilePath.directory(of: path)
            guard parent != path && !parent.isEmpty else {
                throw StorageError(errno: ENOENT, operation: "make directory", path: path)
            }
            try makeDirectories(parent)
            if unsafe mkdir(path, 0o777) != 0 && errno != EEXIST {
                throw StorageError(errno: errno, operation: "make directory", path: path)
            }
        default:
            throw StorageError(errno: errno, operation: "make directory", path: path)
        }
    }

    package func rename(_ path: String, to newPath: String) throws(StorageError) {
        guard unsafe Glibc.rename(path, newPath) == 0 else {
            throw StorageError(errno: errno, operation: "rename to \(newPath)", path: path)
        }
    }

    package func unlink(_ path: String) throws(StorageError) {
        guard unsafe Glibc.unlink(path) == 0 else {
            throw StorageError(errno: errno, operation: "remove", path: path)
        }
    }

    package func watch(_ path: String) -> FileWatch? { FileWatch(path) }

    package func syncDirectory(_ path: String) throws(StorageError) {
        let directory = path.isEmpty ? "." : path
        let descriptor = unsafe Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StorageError(errno: errno, operation: "open", path: directory)
        }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw StorageError(errno: errno, operation: "sync", path: directory)
        }
    }
}

extension FileStatus {
    init(_ info: stat) {
        let kind: Kind =
            switch info.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFIFO: .pipe
            case S_IFSOCK: .socket
            default: .device
            }
        let seconds = Int64(info.st_mtim.tv_sec)
        self.init(
            identity: Identity(device: UInt64(info.st_dev), inode: UInt64(info.st_ino)),
            kind: kind, byteCount: Int(info.st_size),
            modified: seconds &* 1_000_000 &+ Int64(info.st_mtim.tv_nsec) / 1000,
            linkCount: Int(info.st_nlink))
    }
}
