import Dataflow
import Storage
import TestSupport

/// Who takes the rows of a queued sink, and is away now and then.
final class SimulatedReceiver: @unchecked Sendable {
    // Sendable: a simulation has one thread.
    private(set) var text = ""
    private var random: SplitMix64
    /// Turns until it is there.
    private var away = 0
    /// Of the queue before it.
    let quota: Int
    let memoryBytesMax: Int
    /// The most turns that it is away at once.
    private let awayMax: Int

    init(seed: UInt64, isOftenAway: Bool = false) {
        random = SplitMix64(seed: seed)
        quota = random.pick([64 << 10, 1 << 20])
        memoryBytesMax = random.pick([0, 1_000, 1 << 20])
        awayMax = isOftenAway ? 2_000 : random.pick([50, 50, 2_000])
    }

    /// Forgets what it was given.
    func reset() { text = "" }

    /// Comes back, for the next turn at least.
    func comeBack() { away = -1 }

    /// Whether it takes rows now; lets one of the turns pass.
    func isThere() -> Bool {
        if away > 0 { away -= 1 }
        if away == 0 && random.chance(0.05) { away = random.int(1...awayMax) }
        if away < 0 { away = 0 }
        return away == 0
    }

    fileprivate func take(_ part: EncodedPart) {
        text += String(decoding: part.slab.array(0..<part.byteCount), as: UTF8.self)
    }
}

/// What the receiver is reached by.
final class ReceiverSink: SinkWriter {
    private let receiver: SimulatedReceiver
    private let isDead: () -> Bool

    init(_ receiver: SimulatedReceiver, isDead: @escaping () -> Bool) {
        self.receiver = receiver
        self.isDead = isDead
    }

    /// Its process was killed.
    struct Killed: Error {}

    func open() {}

    func write(_ parts: [EncodedPart]) throws {
        if isDead() { throw Killed() }
        for part in parts { receiver.take(part) }
    }

    func flush() {}

    func close() {}

    func interrupt() {}
}
