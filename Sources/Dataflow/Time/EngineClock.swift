import Storage

/// The door to time: every clock and every sleep of the engine, replaced by a virtual one in tests.
package struct EngineClock: Sendable {
    /// Nanoseconds since some moment; never goes back. Timers run on it.
    package let monotonicNanoseconds: @Sendable () -> Int64
    /// Microseconds since 1970-01-01T00:00:00Z; may jump.
    package let wallMicroseconds: @Sendable () -> Int64
    /// Waits for that many nanoseconds.
    package let sleep: @Sendable (Int64) -> Void

    package init(
        monotonicNanoseconds: @escaping @Sendable () -> Int64,
        wallMicroseconds: @escaping @Sendable () -> Int64,
        sleep: @escaping @Sendable (Int64) -> Void
    ) {
        self.monotonicNanoseconds = monotonicNanoseconds
        self.wallMicroseconds = wallMicroseconds
        self.sleep = sleep
    }

    /// The machine's clocks.
    package static let system = EngineClock(
        monotonicNanoseconds: { SystemTime.monotonicNanoseconds() },
        wallMicroseconds: { SystemTime.wallMicroseconds() },
        sleep: { SystemTime.sleep(nanoseconds: $0) })
}
