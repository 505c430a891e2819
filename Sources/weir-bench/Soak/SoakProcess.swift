import Glibc
import Storage

/// A run of the `weir` executable, which may be killed at any instant.
///
/// Its standard output goes nowhere, or to a file; its standard error to a file.
final class SoakProcess {
    /// How a process ended.
    enum End: Equatable {
        case exit(Int32)
        case signal(Int32)
    }

    /// It could not be started.
    struct Failure: Error, CustomStringConvertible {
        let program: String
        let code: Int32

        var description: String {
            "\(program) cannot be started: \(unsafe String(cString: strerror(code)))"
        }
    }

    private static let changer = "/usr/bin/env"

    private let identifier: pid_t
    private var end: End?

    /// Starts a program in a directory; `killAt` is its `WEIR_KILL_AT`.
    init(
        _ program: String, _ arguments: [String], in directory: String,
        output: String = "/dev/null", errors: String, killAt: String? = nil
    ) throws {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        let flags = O_WRONLY | O_CREAT | O_TRUNC
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, output, flags, 0o666)
        unsafe posix_spawn_file_actions_addopen(&actions, 2, errors, flags, 0o666)
        // It changes the directory and becomes the program.
        let words = [Self.changer, "--chdir", directory, program] + arguments
        var command = unsafe words.map { unsafe strdup($0) }
        unsafe command.append(nil)
        var variables = unsafe Self.environment(killAt).map { unsafe strdup($0) }
        unsafe variables.append(nil)
        defer {
            for index in unsafe command.indices { unsafe free(command[index]) }
            for index in unsafe variables.indices { unsafe free(variables[index]) }
        }
        var made = pid_t()
        let code = unsafe posix_spawn(&made, Self.changer, &actions, nil, command, variables)
        guard code == 0 else { throw Failure(program: program, code: code) }
        identifier = made
    }

    deinit {
        if end == nil {
            kill(identifier, SIGKILL)
            waitpid(identifier, nil, 0)
        }
    }

    /// This process's own variables, without those that would end or change a run.
    private static func environment(_ killAt: String?) -> [String] {
        var variables: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            let text = unsafe String(cString: entry)
            if !text.hasPrefix("WEIR_") { variables.append(text) }
            unsafe next += 1
        }
        if let killAt { variables.append("WEIR_KILL_AT=\(killAt)") }
        return variables
    }

    func send(signal: Int32) { if end == nil { kill(identifier, signal) } }

    /// How it ended, if it has.
    func ended() -> End? {
        if let end { return end }
        var raw: Int32 = 0
        guard unsafe waitpid(identifier, &raw, WNOHANG) == identifier else { return nil }
        let number = raw & 0x7f
        end = number == 0 ? .exit(raw >> 8 & 0xff) : .signal(number)
        return end
    }

    private static let lookNanoseconds: Int64 = 500_000

    /// Waits for its end, for some time at most; `isOver` ends the wait, too.
    func wait(nanoseconds: Int64, until isOver: () -> Bool = { false }) -> End? {
        let limit = SystemTime.monotonicNanoseconds() + nanoseconds
        while true {
            if let end = ended() { return end }
            let left = limit - SystemTime.monotonicNanoseconds()
            if left <= 0 || isOver() { return nil }
            SystemTime.sleep(nanoseconds: min(left, Self.lookNanoseconds))
        }
    }
}
