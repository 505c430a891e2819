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
    /// Makes a `write` that waits for its target give up soon; may be called on any thread.
    func interrupt()
}

/// The target of a sink closed its end (`| head`): the run ends quietly, with exit code 0.
package struct OutputClosed: Error {
    package init() {}
}
