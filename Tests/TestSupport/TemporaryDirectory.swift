import Glibc
import Storage

/// A directory of the machine that is gone, with all in it, when the last reference goes.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// Makes one; an empty path says that it could not be made.
    package init() {
        var template = Array("/tmp/weir-test-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.flatMap { unsafe mkdtemp($0) }
                .map { unsafe String(cString: $0) }
        }
        path = made ?? ""
    }

    deinit { if !path.isEmpty { TemporaryDirectory.remove(path) } }

    /// The path of a name in it.
    package func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    private static func remove(_ directory: String) {
        let disk = DiskFileSystem()
        for name in (try? disk.names(in: directory)) ?? [] {
            let path = "\(directory)/\(name)"
            if (try? disk.status(of: path))??.kind == .directory {
                remove(path)
            } else {
                try? disk.unlink(path)
            }
        }
        unsafe rmdir(directory)
    }
}
