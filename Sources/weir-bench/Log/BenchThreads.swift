import Dispatch

/// Several threads that do the same at once.
enum BenchThreads {
    /// Runs `body` on so many threads, and waits for all of them.
    static func run(count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let group = DispatchGroup()
        for index in 0..<count {
            let queue = DispatchQueue(label: "bench-\(index)")
            queue.async(group: group) { body(index) }
        }
        group.wait()
    }
}
