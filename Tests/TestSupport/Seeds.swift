import Glibc

/// The seeds of random tests: fixed, unless the environment variable `WEIR_SEED` names another.
///
///     @Test(arguments: Seeds.list(20))
///     func sumsAgree(seed: UInt64) {
///         var random = SplitMix64(seed: seed)
///         …
///         #expect(fast == slow, "\(Seeds.note(seed))")
///     }
///
/// With `WEIR_SEED=n` every list starts with `n` itself, so the seed that a failure prints, given
/// back, is the first to run. Of tests that can go on for as long as one likes, `WEIR_SEEDS=n` says
/// how many seeds they take.
package enum Seeds {
    /// The first seed of every list.
    package static let base: UInt64 = number("WEIR_SEED") ?? 20_260_101

    private static func number(_ name: String) -> UInt64? {
        guard let text = unsafe getenv(name) else { return nil }
        return UInt64(unsafe String(cString: text))
    }

    /// `count` seeds, or as many as the environment says.
    package static func many(_ count: Int) -> [UInt64] {
        list(number("WEIR_SEEDS").map { Int(clamping: $0) } ?? count)
    }

    /// `count` seeds, one for each run of a test.
    package static func list(_ count: Int) -> [UInt64] {
        (0..<UInt64(count)).map { base &+ $0 }
    }

    /// What a failure says, so that it can be repeated.
    package static func note(_ seed: UInt64) -> String { "repeat with WEIR_SEED=\(seed)" }
}
