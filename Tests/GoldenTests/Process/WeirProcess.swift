import Glibc
import Storage
import Synchronization
import TestSupport

/// A run of the `weir` executable (or of a shell that runs it), with pipes to its streams.
///
/// Reads give up after a minute, so that a program that hangs fails its test.
final class WeirProcess {
    /// The executable beside the tests.
    static let executable: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &path, path.count - 1)
        let text = String(
            decoding: path.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let found = text.hasSuffix(".xctest") ? text : WeirProcess.bundle
        return FilePath.directory(of: found) + "/weir"
    }()

    /// Where the tests were loaded from, when another program runs them.
    private static let bundle: String =
        CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? ""

    private static let patienceMilliseconds: Int32 = 60_000

    let identifier: pid_t
    private var input: Int32
    private let output: Int32
    private let errors: Int32
    private var pending: [UInt8] = []
    /// The exit status; 128 and the signal's number if a signal ended it.
    private var status: Int32?

    /// Starts `weir` with `arguments`, in the repository's directory.
    convenience init(_ arguments: String...) throws {
        try self.init(
            "cd \"$0\" && exec \"$@\"", [Repository.path, WeirProcess.executable] + arguments)
    }

    /// Starts a script in a shell, in the repository's directory; `$WEIR` is the executable.
    convenience init(shell script: String) throws {
        try self.init(
            "cd \"$0\" && WEIR=\"$1\"; \(script)", [Repository.path, WeirProcess.executable])
    }

    /// Could not be started.
    struct Failure: Error { let code: Int32 }

    private init(_ script: String, _ arguments: [String]) throws {
        signal(SIGPIPE, SIG_IGN)
        let made = try WeirProcess.starting.withLock { _ in
            try WeirProcess.start(["/bin/bash", "-c", script] + arguments)
        }
        (identifier, input, output, errors) = made
    }

    /// One start at a time: no child is to get the pipes of another.
    private static let starting = Mutex<Void>(())

    private static func start(
        _ command: [String]
    ) throws -> (pid_t, input: Int32, output: Int32, errors: Int32) {
        let (inside, outside, errors) = (Ends(), Ends(), Ends())
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawn_file_actions_adddup2(&actions, inside.read, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, outside.write, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors.write, 2)
        // What the tests ignore and block is not handed down.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe sigaddset(&none, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &none)
        let flags = Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        unsafe posix_spawnattr_setflags(&attributes, flags)
        var arguments = unsafe command.map { unsafe strdup($0) }
        unsafe arguments.append(nil)
        var made = pid_t()
        let code = unsafe posix_spawn(
            &made, command[0], &actions, &attributes, arguments, environ)
        for index in unsafe arguments.indices { unsafe free(arguments[index]) }
        unsafe posix_spawn_file_actions_destroy(&actions)
        unsafe posix_spawnattr_destroy(&attributes)
        for descriptor in [inside.read, outside.write, errors.write] { close(descriptor) }
        guard code == 0 else { throw Failure(code: code) }
        return (made, inside.write, outside.read, errors.read)
    }

    deinit {
        if status == nil {
            kill(identifier, SIGKILL)
            waitpid(identifier, nil, 0)
        }
        closeInput()
        close(output)
        close(errors)
    }

    /// Both ends of a pipe that no child gets but by its standard streams.
    private struct Ends {
        let read: Int32
        let write: Int32

        init() {
            var ends: [Int32] = [-1, -1]
            unsafe pipe(&ends)
            (read, write) = (ends[0], ends[1])
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
    }

    /// Writes to its standard input; says whether all went.
    @discardableResult
    func send(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe write(input, $0.baseAddress, $0.count)
            }
            if count <= 0 { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// Whether there is something to read from a stream, or its end, in time.
    private func waits(for descriptor: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&entry, 1, WeirProcess.patienceMilliseconds) > 0
    }

    private func receive(_ descriptor: Int32) -> [UInt8] {
        guard waits(for: descriptor) else { return [] }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        return Array(bytes.prefix(max(count, 0)))
    }

    /// The next line of its standard output, without its end; nil where there is none.
    func line() -> String? {
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeFirst(end + 1)
                return line
            }
            let bytes = receive(output)
            if bytes.isEmpty { return nil }
            pending += bytes
        }
    }

    /// The rest of its standard output.
    func rest() -> String {
        while true {
            let bytes = receive(output)
            if bytes.isEmpty { break }
            pending += bytes
        }
        defer { pending = [] }
        return String(decoding: pending, as: UTF8.self)
    }

    /// All that is left of its standard error.
    func allErrors() -> String {
        var all: [UInt8] = []
        while true {
            let bytes = receive(errors)
            if bytes.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += bytes
        }
    }

    /// The next piece of its standard error.
    func someErrors() -> String { String(decoding: receive(errors), as: UTF8.self) }

    func send(signal: Int32) { kill(identifier, signal) }

    /// Waits for its end and gives its exit status; its output must have been read or be short.
    func wait() -> Int32 {
        if let status { return status }
        var raw: Int32 = 0
        unsafe waitpid(identifier, &raw, 0)
        return finish(raw)
    }

    /// Does something every few milliseconds until it ends, for a minute at most.
    func wait(milliseconds: Int32, _ body: () -> Void) -> Int32 {
        for _ in 0..<WeirProcess.patienceMilliseconds / milliseconds where status == nil {
            body()
            _ = poll(nil, 0, milliseconds)
            var raw: Int32 = 0
            if unsafe waitpid(identifier, &raw, WNOHANG) == identifier { return finish(raw) }
        }
        return status ?? -1
    }

    private func finish(_ raw: Int32) -> Int32 {
        let number = raw & 0x7f
        let ended = number == 0 ? raw >> 8 & 0xff : 128 + number
        status = ended
        return ended
    }
}
