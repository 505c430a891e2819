import Glibc

/// Lets one thread sleep until another wakes it, or something is there to be read or written.
///
/// A wake that comes while nobody sleeps is kept for the next sleep; several count as one. Where
/// the system has no descriptor left, sleeps end by their time alone.
package final class Waker: Sendable {
    /// The reading end of a pipe that a wake writes to.
    private let descriptor: Int32
    private let writeEnd: Int32

    package init() {
        var ends: (Int32, Int32) = (-1, -1)
        unsafe withUnsafeMutableBytes(of: &ends) { bytes in
            let pointer = unsafe bytes.assumingMemoryBound(to: Int32.self).baseAddress
            if unsafe pipe(pointer) != 0 { unsafe pointer?[0] = -1 }
        }
        descriptor = ends.0
        writeEnd = ends.1
        for end in [descriptor, writeEnd] where descriptor >= 0 {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        close(writeEnd)
    }

    /// Ends the sleep of now, or the next one; may be called on any thread.
    package func wake() {
        var byte: UInt8 = 1
        // A full pipe refuses, and wakes all the same.
        if writeEnd >= 0 { _ = unsafe write(writeEnd, &byte, 1) }
    }

    /// Sleeps until a wake, at most `milliseconds`; says whether it was woken.
    @discardableResult
    package func wait(milliseconds: Int) -> Bool {
        wait(for: [], on: -1, milliseconds: milliseconds) == .woken
    }

    /// Sleeps until a wake, at most `microseconds`; for less than a millisecond whatever wakes.
    package func wait(microseconds: Int) {
        guard microseconds < 1000 else { return _ = wait(milliseconds: microseconds / 1000) }
        usleep(UInt32(max(microseconds, 0)))
    }

    /// What ended a sleep.
    enum Outcome { case ready, woken, timeout }

    /// What a descriptor is to be ready for.
    struct Readiness: OptionSet {
        let rawValue: Int16
        static let read = Readiness(rawValue: Int16(POLLIN))
        static let write = Readiness(rawValue: Int16(POLLOUT))
    }

    /// Sleeps until `other` is ready, closed or broken, or a wake; at most `milliseconds`. A wake
    /// goes before readiness.
    func wait(for readiness: Readiness, on other: Int32, milliseconds: Int) -> Outcome {
        let deadline = SystemTime.monotonicNanoseconds() + Int64(milliseconds) * 1_000_000
        while true {
            let left = max(deadline - SystemTime.monotonicNanoseconds(), 0)
            var own = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let theirs = pollfd(fd: other, events: readiness.rawValue, revents: 0)
            let outcome = unsafe withUnsafeTemporaryAllocation(of: pollfd.self, capacity: 2) {
                entries -> Outcome? in
                unsafe entries[0] = own
                unsafe entries[1] = theirs
                let timeout = Int32(clamping: (left + 999_999) / 1_000_000)
                let count = unsafe poll(entries.baseAddress, 2, timeout)
                own = unsafe entries[0]
                if count < 0 { return errno == EINTR ? nil : .timeout }
                if own.revents != 0 { return .woken }
                return unsafe entries[1].revents != 0 ? .ready : .timeout
            }
            if let outcome {
                if outcome == .woken { drain() }
                return outcome
            }
        }
    }

    private func drain() {
        var bytes: UInt64 = 0
        while unsafe read(descriptor, &bytes, 8) == 8 {}
    }
}
