package import Storage

/// Bytes ready to be written, and which of the sink's targets they are for.
package struct EncodedPart: Sendable {
    /// The expanded path, for sinks that have several targets; empty otherwise.
    package let target: String
    package let slab: Slab
    package let byteCount: Int
    /// Rows in it.
    package let rowCount: Int

    package init(target: String, slab: Slab, byteCount: Int, rowCount: Int) {
        self.target = target
        self.slab = slab
        self.byteCount = byteCount
        self.rowCount = rowCount
    }
}

/// Turns batches into bytes; one per worker and sink input, used by one thread at a time.
package protocol Encoder: AnyObject {
    /// Encodes the selected rows, in order. Floats are finite: steps make error records of others.
    func encode(_ batch: Batch) -> [EncodedPart]
}

/// Writes encoded parts in the order given; one per sink, on the sink's own thread, where it may
/// block.
package protocol SinkWriter: AnyObject {
    func open() throws
    /// Writes the parts; what it returns has been handed to the target.
    func write(_ parts: [EncodedPart]) throws
    /// Everything written so far leaves buffers of ours; called when nothing more is at hand.
    func flush() throws
    /// Ends the output in order.
    func close() throws
    /// Ends the output of a run that was stopped before the end of its input, in place of `close`:
    /// what the last checkpoint has set apart may be left to the next run.
    func leave() throws
    /// Makes a `write` that waits for its target give up soon; may be called on any thread.
    func interrupt()

    /// Is given what wakes whoever calls it, for a failure of work beside the calls; called once,
    /// when it is open.
    func watch(_ wake: @escaping @Sendable () -> Void)
    /// Throws what has failed beside the calls.
    func check() throws

    /// Sets what was written since the last call apart, as what becomes visible with a checkpoint;
    /// together with what checkpoints that failed have set apart.
    func stage(for epoch: Int) throws -> StagedOutput

    /// The checkpoint is complete, and what was staged for it has been committed.
    func committed(_ epoch: Int)

    /// Opens it as it was when `own` was staged, in place of `open`: what was staged then is
    /// committed, unless it has been, and what was written later is undone.
    func resume(_ own: [UInt8], epoch: Int) throws

    /// Opens it where `resume` found output damaged or gone, and it may begin anew: what is whole
    /// of its output stays, and what was staged for that is committed.
    func beginAnew(_ own: [UInt8], epoch: Int) throws

    /// The greatest epoch that it has committed, as its target tells; 0 for none, or where no
    /// target tells.
    func lastEpoch() throws -> Int

    /// The directory of the log in which its rows wait; nil for one without.
    var waitingLog: String? { get }
}

extension SinkWriter {
    /// Hands everything to the target: what is written has left already.
    package func stage(for epoch: Int) throws -> StagedOutput {
        try flush()
        return StagedOutput()
    }

    package func leave() throws { try close() }

    package func watch(_ wake: @escaping @Sendable () -> Void) {}

    package func check() throws {}

    package func committed(_ epoch: Int) {}

    package func resume(_ own: [UInt8], epoch: Int) throws { try open() }

    package func beginAnew(_ own: [UInt8], epoch: Int) throws { try open() }

    package func lastEpoch() throws -> Int { 0 }

    package var waitingLog: String? { nil }
}

/// What a sink has set apart for a checkpoint: made durable before the checkpoint is complete, and
/// visible after. Both happen beside the data path, in the order of the checkpoints.
package struct StagedOutput: Sendable {
    /// What the sink needs to commit it again after a restore, in a form of its own.
    package var own: [UInt8] = []
    /// Bytes that are still to be delivered, and the files whose presence says that they are; none
    /// where only the sink itself can tell.
    package var byteCount = 0
    package var files: [String] = []
    /// The directory of the log in which they stand, if they do: they are delivered when its mark
    /// is of this epoch.
    package var log = ""
    /// Rows in a log of the sink's own that its target has not taken, if there are any. They are a
    /// part of the checkpoint: a run that goes on elsewhere has them brought back before the sink
    /// is opened.
    package var waiting: WaitingRows?
    /// Makes it durable.
    package var sync: @Sendable () throws -> Void = {}
    /// Makes it visible; may be called again after it has been.
    package var commit: @Sendable () throws -> Void = {}

    package init() {}
}

/// Rows that wait for the target of a sink in an embedded log with one partition. What is trimmed
/// off the log was taken by the target.
package struct WaitingRows: Sendable, Equatable {
    /// Where the log is.
    package let directory: String
    /// The first one that waits, and the end of the log.
    package let offsets: Range<Int64>

    package init(in directory: String, _ offsets: Range<Int64>) {
        self.directory = directory
        self.offsets = offsets
    }
}

/// The target of a sink closed its end (`| head`): the run ends quietly, with exit code 0.
package struct OutputClosed: Error {
    package init() {}
}
