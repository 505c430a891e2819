import Connectors
import Dataflow
import Storage
import TestSupport

/// Who takes the rows of a queued sink, or does not, as a test says.
final class AwayReceiver: @unchecked Sendable {
    // Sendable: a test has one thread.
    private(set) var text = ""
    var isAway = true
    /// Parts that it takes before it goes away again; nil for all.
    var partsLeft: Int?

    var lines: Set<Substring> { Set(text.split(separator: "\n")) }

    func forget() { text = "" }

    /// A sink behind a queue, whose sending is work that the returned value does.
    func sink(
        on files: MemoryFileSystem, queue: String, memoryBytesMax: Int = 1 << 20
    ) -> (make: @Sendable () -> any SinkWriter, sender: Sender) {
        let sender = Sender(self)
        return (
            { [self] in
                var options = QueuedSink.Options(directory: queue)
                options.log.segmentBytes = 4096
                options.log.quota = 1 << 20
                options.memoryBytesMax = memoryBytesMax
                options.sendBytesMax = 1
                return QueuedSink(
                    Target(self), name: "receiver", options, fileSystem: files, work: sender)
            }, sender
        )
    }

    /// Sends when it is asked to.
    final class Sender: SideWork, @unchecked Sendable {
        // Sendable: a test has one thread.
        private let receiver: AwayReceiver
        private var step: (@Sendable () -> Bool)?
        private var isStepping = false
        private var isIdle = false

        init(_ receiver: AwayReceiver) { self.receiver = receiver }

        func start(_ step: @escaping @Sendable () -> Bool) { self.step = step }

        /// Sends all there is, if the receiver takes it.
        func turn() {
            guard !isStepping else { return }
            isIdle = false
            while let step, !isIdle, !receiver.isAway {
                isStepping = true
                if !step() { self.step = nil }
                isStepping = false
            }
        }

        func wait(for waker: Waker, milliseconds: Int) -> Bool {
            if isStepping {
                isIdle = true
                return true
            }
            turn()
            return !receiver.isAway
        }

        func join() { step = nil }
    }

    private final class Target: SinkWriter {
        private let receiver: AwayReceiver

        init(_ receiver: AwayReceiver) { self.receiver = receiver }

        func open() {}

        func write(_ parts: [EncodedPart]) {
            for part in parts {
                let bytes = part.slab.array(0..<part.byteCount)
                receiver.text += String(decoding: bytes, as: UTF8.self)
                guard let left = receiver.partsLeft else { continue }
                receiver.partsLeft = left - 1
                if left <= 1 { receiver.isAway = true }
            }
        }

        func flush() {}

        func close() {}

        func interrupt() {}
    }
}
