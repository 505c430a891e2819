import Foundation
import Storage

/// Places for the files of measurements.
enum BenchFiles {
    /// Makes a directory; nothing is left of what was there.
    static func makeEmpty(_ path: String) throws {
        if FileManager.default.fileExists(atPath: path) {
            try FileManager.default.removeItem(atPath: path)
        }
        try DiskFileSystem().makeDirectories(path)
    }

    /// A path for something that this process alone uses and removes.
    static func temporary(_ name: String, ending: String = "") -> URL {
        FileManager.default.temporaryDirectory
            .appendingPathComponent("\(name)-\(ProcessInfo.processInfo.processIdentifier)\(ending)")
    }
}
