/// Where records come from: pulled by the engine, in whole records.
///
/// Made closed; the engine calls `open` (or `resume`), then `read` again and again on one thread,
/// then `close`. A source knows nothing of watermarks, back-pressure, workers or checkpoints.
package protocol Source: AnyObject {
    /// Whether it ends by itself (a file that is not followed, `generate` with a count).
    var isBounded: Bool { get }

    /// Opens what must be there at the start.
    func open() throws

    /// Reads what is there now, up to `byteCount` bytes and at least one record if there is any.
    ///
    /// Waits at most `waitMilliseconds` (0: not at all) for the first byte; gives `.nothing` then.
    /// A record longer than the source's `max_record` is given up: it comes out as `.rejected`.
    func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult

    /// Makes a `read` that waits return soon; may be called on any thread.
    func interrupt()

    func close()

    /// Whether another run finds the same input.
    var isReplayable: Bool { get }

    /// Where it stands: behind everything that `read` has given. Nil for one that cannot be read
    /// again from there. What a reading fails of may fail this, too.
    var position: SourcePosition? { get throws }

    /// Opens it where it stood when `position` was taken, in place of `open`.
    func resume(at position: SourcePosition) throws

    /// Where files are by now, by the names that they have in the places of chunks: those that were
    /// renamed before it was resumed.
    var movedFiles: [String: String] { get }

    /// Makes durable what its positions so far stand on; called before a checkpoint with one of
    /// them is complete. May be called on any thread.
    func sync() throws

    /// Says where it may be resumed: at positions of the checkpoints that are kept, and nowhere
    /// before all of them. With `isFinished` they are those of a run that came to the end of its
    /// input: what stands before them is done, and the next run starts afresh. May be called on any
    /// thread, and before it is opened.
    func keep(from positions: [SourcePosition], isFinished: Bool) throws
}

extension Source {
    package var isReplayable: Bool { true }
    package var position: SourcePosition? { nil }
    package var movedFiles: [String: String] { [:] }

    /// A source without positions goes on with what comes next.
    package func resume(at position: SourcePosition) throws { try open() }

    /// What was read elsewhere is as durable as it is there.
    package func sync() throws {}

    /// What is read is somebody else's to keep.
    package func keep(from positions: [SourcePosition], isFinished: Bool) throws {}
}

/// A place in a source, in a form of the source's own.
package struct SourcePosition: Sendable, Equatable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// What a source's read gave.
package enum ReadResult: Sendable {
    case chunk(RawChunk)
    /// Records that could not be cut out of the input, with what was wrong; nothing else was read.
    case rejected([RejectedRecord])
    /// Nothing came in time.
    case nothing
    /// The source holds back what it may have, to keep to a rate: that is no idleness.
    case held
    /// Nothing will ever come.
    case end
}

/// A record that failed before it was decoded.
package struct RejectedRecord: Sendable {
    package let error: String
    package let place: SourcePlace
    /// The record's first bytes.
    package let raw: [UInt8]

    package init(error: String, place: SourcePlace, raw: [UInt8]) {
        self.error = error
        self.place = place
        self.raw = raw
    }
}

/// Turns the bytes of chunks into batches; one per worker and source, used by one thread at a time.
///
/// `begin` takes a chunk, and `next` gives its rows, in order, at most `rowsMax` a batch. Batches
/// have exactly the columns of the schema the decoder was made for, except that the engine fills
/// `watermark` and `ordinal` (which stand last). Records that cannot be decoded go to `rejects`.
package protocol Decoder: AnyObject {
    func begin(_ chunk: RawChunk)
    func next(rowsMax: Int, rejects: inout RejectedRows) -> Batch?
}
