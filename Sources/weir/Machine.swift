import Glibc
import Storage

/// What the machine has, and what this process uses of it.
enum Machine {
    /// Processors that this process may use.
    static var coreCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// The files of the machine; with `WEIR_KILL_AT` in the environment, those that end the process
    /// at an operation of choice.
    static let files: any FileSystem = {
        guard let variable = unsafe getenv("WEIR_KILL_AT") else { return DiskFileSystem() }
        let text = unsafe String(cString: variable)
        guard let point = KillPoint(text) else {
            StandardError.write("weir: error: WEIR_KILL_AT: '\(text)' names no operation")
            exit(ExitStatus.badConfiguration.rawValue)
        }
        return KillingFileSystem(point: point)
    }()

    /// The directory that relative paths stand in; empty where the system does not say.
    static var workingDirectory: String {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard unsafe getcwd(&path, path.count) != nil else { return "" }
        return String(
            decoding: path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Lets this process have as many open files as it is allowed to: each run of state is one, and
    /// the limit that a shell or a service manager begins with may be as low as 1024.
    static func raiseFileLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return
        }
        limit.rlim_cur = limit.rlim_max
        // Where that is refused, the limit stays what it was.
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Bytes that this process had written to disks so far, or will have; nil where the system does
    /// not say.
    static var writtenBytes: Int? { number("write_bytes:", in: "/proc/self/io") }

    /// The most memory that was resident at once since the process started, in KiB; nil where the
    /// system does not say. (`ru_maxrss` would count the process that started this one, too.)
    static var peakKiB: Int? { number("VmHWM:", in: "/proc/self/status") }

    /// The number in a line of a file that describes this process.
    private static func number(_ title: String, in path: String) -> Int? {
        guard let file = try? DiskFileSystem().open(path, .read) else { return nil }
        let slab = Slab(byteCount: 8192)
        guard let count = try? file.read(into: slab, 0..<8192, at: 0) else { return nil }
        let text = String(decoding: slab.array(0..<count), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(title) }
        return line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
    }
}
