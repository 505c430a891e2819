import Glibc
import Synchronization

/// A descriptor that the process was given: standard input or output.
///
/// It is shared with other processes, so its flags stay as they are. Reads and writes wait by
/// `poll`, and an interrupt ends the wait.
package final class StandardStream: Sendable {
    /// What a read found.
    package enum ReadOutcome: Sendable, Equatable {
        case bytes(Int)
        /// Nothing came in time, or an interrupt did.
        case nothing
        case end
    }

    /// Linux's `F_SETPIPE_SZ`, which the C library's module does not show.
    private static let setPipeSize: Int32 = 1031

    package let name: String
    private let descriptor: Int32
    /// A description of a pipe's writing end that is ours alone and does not block.
    private let own: Int32?
    private let waker = Waker()
    /// What `peek` has read, and `read` gives first.
    private let peeked = Mutex<[UInt8]>([])

    /// A stream over `descriptor`, which stays the caller's.
    package init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
        var info = stat()
        var own: Int32?
        if unsafe fstat(descriptor, &info) == 0, FileStatus(info).kind == .pipe {
            // Fewer and larger reads and writes; a refusal does no harm.
            _ = fcntl(descriptor, StandardStream.setPipeSize, Int32(1 << 20))
            if fcntl(descriptor, F_GETFL) & O_ACCMODE != O_RDONLY {
                let path = "/proc/self/fd/\(descriptor)"
                let copy = unsafe open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
                if copy >= 0 { own = copy }
            }
        }
        self.own = own
    }

    deinit { if let own { close(own) } }

    /// Takes the places of standard streams that the process was not given, so that no file gets
    /// their numbers and is read or written in their stead.
    ///
    /// What stands there refuses every read of input and every write of output.
    package static func holdMissing() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is the missing one.
            _ = unsafe open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Standard input.
    package static func input() -> StandardStream {
        StandardStream(descriptor: STDIN_FILENO, name: "stdin")
    }

    /// Standard output.
    package static func output() -> StandardStream {
        StandardStream(descriptor: STDOUT_FILENO, name: "stdout")
    }

    /// Reads what is there into `range` of `slab`; waits at most `waitMilliseconds` for it.
    package func read(
        into slab: Slab, _ range: Range<Int>, waitMilliseconds: Int
    ) throws(StorageError) -> ReadOutcome {
        precondition(range.lowerBound >= 0 && range.upperBound <= slab.byteCount)
        let given = takePeeked(into: slab, range)
        if given > 0 { return .bytes(given) }
        let outcome = waker.wait(for: .read, on: descriptor, milliseconds: waitMilliseconds)
        guard outcome == .ready else { return .nothing }
        let got = unsafe Glibc.read(descriptor, slab.base + range.lowerBound, range.count)
        if got > 0 { return .bytes(got) }
        if got == 0 { return .end }
        if errno == EINTR || errno == EAGAIN { return .nothing }
        throw StorageError(errno: errno, operation: "read", path: name)
    }

    /// Looks at the first bytes without taking them away: so many lines at least, and what came
    /// with them. Waits for them, or for the end.
    package func peek(byteCountMax: Int, lineCount: Int = 1) throws(StorageError) -> [UInt8] {
        let slab = Slab(byteCount: byteCountMax)
        var count = 0
        var missing = lineCount
        while missing > 0 && count < byteCountMax {
            switch try read(into: slab, count..<byteCountMax, waitMilliseconds: 60_000) {
            case .bytes(let got):
                missing -= slab.array(count..<count + got).count { $0 == UInt8(ascii: "\n") }
                count += got
            case .nothing: continue
            case .end: missing = 0
            }
        }
        let bytes = slab.array(0..<count)
        peeked.withLock { $0 = bytes }
        return bytes
    }

    private func takePeeked(into slab: Slab, _ range: Range<Int>) -> Int {
        peeked.withLock { bytes in
            let count = min(bytes.count, range.count)
            for index in 0..<count {
                unsafe slab.base.storeBytes(
                    of: bytes[index], toByteOffset: range.lowerBound + index, as: UInt8.self)
            }
            bytes.removeFirst(count)
            return count
        }
    }

    /// Writes all of the slices; waits while the other end does not take them. Says whether it
    /// did: an interrupt makes it stop.
    package func write(_ slices: [SlabSlice]) throws(StorageError) -> Bool {
        var left = UnwrittenSlices(slices)
        while !left.slices.isEmpty {
            guard let written = try writeSome(left.slices, skipping: left.skip) else {
                return false
            }
            left.drop(written)
        }
        return true
    }

    private func writeSome(
        _ slices: ArraySlice<SlabSlice>, skipping skip: Int
    ) throws(StorageError) -> Int? {
        let target = own ?? descriptor
        while true {
            do {
                return try VectoredWrite.write(slices, skipping: skip, to: target, path: name)
            } catch {
                guard error.kind == .wouldBlock else { throw error }
                let outcome = waker.wait(for: .write, on: target, milliseconds: 60_000)
                if outcome == .woken { return nil }
            }
        }
    }

    /// Whether it is a pipe or a connection that nobody will read from.
    package var isClosedByReader: Bool {
        var entry = pollfd(fd: descriptor, events: 0, revents: 0)
        return unsafe poll(&entry, 1, 0) > 0 && entry.revents & Int16(POLLERR) != 0
    }

    /// Ends the wait of a read or write; may be called on any thread.
    package func interrupt() { waker.wake() }
}
