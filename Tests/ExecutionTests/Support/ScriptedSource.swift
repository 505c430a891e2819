import Dataflow
import Storage
import Synchronization
import TestSupport

/// A source that gives what a script says, read by read.
final class ScriptedSource: Source {
    /// One read.
    enum Entry: Sendable {
        case text(String, partition: Int = 0, events: [PartitionEvent] = [])
        case events([PartitionEvent])
        case rejected(String)
        /// Nothing is there, so many times.
        case nothing(Int)
        case end
        case failure(String)
    }

    /// What a source that fails throws.
    struct Failure: Error, Equatable { let text: String }

    /// Where the script is; outlives the source, for the test to look at.
    final class Progress: Sendable {
        private let entries = Atomic<Int>(0)
        private let interrupts = Atomic<Int>(0)

        /// Entries that were read.
        var read: Int { entries.load(ordering: .relaxed) }
        var wasInterrupted: Bool { interrupts.load(ordering: .relaxed) > 0 }

        fileprivate func advance() { entries.add(1, ordering: .relaxed) }
        fileprivate func interrupt() { interrupts.add(1, ordering: .relaxed) }
    }

    let isBounded: Bool
    let progress: Progress
    private var script: [Entry]
    private var offset = 0
    private let onNothing: @Sendable () -> Void

    /// A source for `script`; a live one has nothing more behind its end, a bounded one ends there.
    /// `onNothing` is called at each `.nothing` of the script.
    init(
        _ script: [Entry], isBounded: Bool = true, progress: Progress = Progress(),
        onNothing: @escaping @Sendable () -> Void = {}
    ) {
        self.script = script.reversed()
        self.isBounded = isBounded
        self.progress = progress
        self.onNothing = onNothing
    }

    func open() {}

    func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        guard let entry = script.popLast() else { return isBounded ? .end : .nothing }
        if case .nothing(let times) = entry, times > 1 {
            script.append(.nothing(times - 1))
        } else {
            progress.advance()
        }
        switch entry {
        case .text(let text, let partition, let events):
            let slice = SlabSlice(text)
            defer { offset += slice.byteCount }
            return .chunk(
                RawChunk(
                    slab: slice.slab, range: slice.range,
                    place: SourcePlace(name: "script", offset: offset), partition: partition,
                    events: events))
        case .events(let events): return .chunk(RawChunk(events: events))
        case .rejected(let error):
            return .rejected([
                RejectedRecord(
                    error: error, place: SourcePlace(name: "script", offset: offset), raw: [])
            ])
        case .nothing:
            onNothing()
            return .nothing
        case .end: return .end
        case .failure(let text): throw Failure(text: text)
        }
    }

    func interrupt() { progress.interrupt() }

    func close() {}
}
