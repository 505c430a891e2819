import Glibc

/// The machine's clocks.
package enum SystemTime {
    /// Nanoseconds since some moment; never goes back.
    package static func monotonicNanoseconds() -> Int64 { nanoseconds(CLOCK_MONOTONIC) }

    /// Microseconds since 1970-01-01T00:00:00Z, as the machine has it.
    package static func wallMicroseconds() -> Int64 { nanoseconds(CLOCK_REALTIME) / 1000 }

    /// Sleeps; a signal does not cut it short.
    package static func sleep(nanoseconds: Int64) {
        var left = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        var rest = timespec()
        while unsafe nanosleep(&left, &rest) != 0 && errno == EINTR { left = rest }
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}
