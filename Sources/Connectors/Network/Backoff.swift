/// How long to wait before each new try: twice as long each time, up to a limit, and shortened at
/// random by up to a half, so that many do not come back at once.
struct Backoff {
    let first: Int
    let longest: Int
    private var next: Int
    private var state: UInt64

    /// Waits of `first` to `longest` milliseconds; the same `seed` gives the same waits.
    init(firstMilliseconds first: Int, longestMilliseconds longest: Int, seed: UInt64) {
        self.first = max(first, 1)
        self.longest = max(longest, self.first)
        next = self.first
        state = seed
    }

    /// Milliseconds to wait now.
    mutating func take() -> Int {
        let wait = next
        next = min(next * 2, longest)
        return wait - Int(random() % UInt64(wait / 2 + 1))
    }

    /// A try succeeded.
    mutating func reset() { next = first }

    /// SplitMix64.
    private mutating func random() -> UInt64 {
        state &+= RowRandom.step
        return RowRandom.mix(state)
    }
}
