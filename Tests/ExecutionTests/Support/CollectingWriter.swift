import Dataflow
import Storage
import Synchronization

/// What sinks wrote, for a test to look at during and after a run.
final class Collected: Sendable {
    private struct State {
        var text: [String: String] = [:]
        var flushes = 0
        var closes = 0
        var unflushed = false
    }

    private let state = Mutex(State())

    func text(_ sink: String) -> String { state.withLock { $0.text[sink] ?? "" } }

    func lines(_ sink: String) -> [String] { text(sink).split(separator: "\n").map { String($0) } }

    var closes: Int { state.withLock { $0.closes } }
    /// Whether something was written and not flushed.
    var hasUnflushed: Bool { state.withLock { $0.unflushed } }

    fileprivate func write(_ parts: [EncodedPart], to sink: String) {
        state.withLock { state in
            for part in parts {
                let bytes = part.slab.array(0..<part.byteCount)
                state.text[sink, default: ""] += String(decoding: bytes, as: UTF8.self)
            }
            state.unflushed = true
        }
    }

    fileprivate func flush() { state.withLock { $0.unflushed = false } }

    fileprivate func close() { state.withLock { $0.closes += 1 } }
}

/// A sink's writer that keeps what it is given, and fails when it is told to.
final class CollectingWriter: SinkWriter {
    struct Failure: Error, Equatable {}

    /// How writing goes wrong.
    enum Fault: Sendable {
        case none
        /// The target closes after so many writes.
        case closesAfter(Int)
        case failsAfter(Int)
        /// Opening fails.
        case cannotOpen
        /// Ending the output fails.
        case cannotClose
    }

    private let name: String
    private let collected: Collected
    private let fault: Fault
    private var writes = 0

    init(_ name: String, into collected: Collected, fault: Fault = .none) {
        self.name = name
        self.collected = collected
        self.fault = fault
    }

    func open() throws {
        if case .cannotOpen = fault { throw Failure() }
    }

    func write(_ parts: [EncodedPart]) throws {
        switch fault {
        case .closesAfter(let count) where writes >= count: throw OutputClosed()
        case .failsAfter(let count) where writes >= count: throw Failure()
        default: break
        }
        writes += 1
        collected.write(parts, to: name)
    }

    func flush() throws { collected.flush() }

    func close() throws {
        collected.close()
        if case .cannotClose = fault { throw Failure() }
    }

    func interrupt() {}
}
