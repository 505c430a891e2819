import Synchronization
import TestSupport

/// What the disk would have been, had the machine stopped before an operation.
final class CrashClones: Sendable {
    struct Clone: Sendable {
        /// How many clones were begun before it.
        let number: Int
        let files: MemoryFileSystem
        let note: String
    }

    private let taken = Mutex<[Clone]>([])
    private let begun = Mutex(0)
    private let random: Mutex<SplitMix64>
    /// One of so many operations is followed by a crash.
    private let rarity: Int

    init(seed: UInt64, rarity: Int) {
        random = Mutex(SplitMix64(seed: seed))
        self.rarity = rarity
    }

    func watch(_ files: MemoryFileSystem) {
        files.observe { [weak self, weak files] note in
            guard let self, let files else { return }
            self.consider(files, "\(note)")
        }
    }

    private func consider(_ files: MemoryFileSystem, _ note: String) {
        let choice = random.withLock { random -> (seed: UInt64, isKill: Bool)? in
            guard random.int(0..<rarity) == 0 else { return nil }
            return (random.next(), random.chance(0.3))
        }
        guard let (seed, isKill) = choice else { return }
        let number = begun.withLock { begun in
            defer { begun += 1 }
            return begun
        }
        let clone = isKill ? files.crashKeepingWritten() : files.crash(seed: seed)
        let what = isKill ? "killed" : "cut off with seed \(seed)"
        taken.withLock { $0.append(Clone(number: number, files: clone, note: "\(what) \(note)")) }
    }

    /// Clones that were begun: what happens from now on is in none of them.
    var begunCount: Int { begun.withLock { $0 } }

    var all: [Clone] { taken.withLock { $0 } }
}
