import Storage

/// One file that is being followed.
final class FollowedFile {
    /// Bytes at the start of a file by which it is known again.
    private static let headByteCountMax = 256

    let records: RecordFile
    let identity: FileStatus.Identity
    let partition: Int
    /// Where it was seen last.
    var path: String
    /// Whether the last scan found it.
    var isAtPath = true
    /// Whether it is left as soon as it is still.
    var isDraining = false
    /// The monotonic time since when nothing came.
    private(set) var stillSince: Int64
    private var isAtEnd = false
    private var headHash: UInt64 = 0
    private var headByteCount = 0

    init(
        _ file: any File, path: String, identity: FileStatus.Identity, partition: Int,
        options: FileSource.Options, now: Int64
    ) {
        records = RecordFile(file, path: path, options: options)
        self.identity = identity
        self.partition = partition
        self.path = path
        stillSince = now
    }

    /// A file that was read in part before.
    init(
        _ records: RecordFile, path: String, identity: FileStatus.Identity, partition: Int,
        now: Int64
    ) {
        self.records = records
        self.identity = identity
        self.partition = partition
        self.path = path
        stillSince = now
    }

    /// Whether what was read of it is no longer its beginning.
    func startsAgain() throws -> Bool {
        guard isAtEnd else { return false }
        let status = try records.file.status()
        guard status.kind == .regular else { return false }
        if status.byteCount < records.readOffset { return true }
        if status.byteCount == records.readOffset { return false }
        return try headByteCount > 0 && hashOfHead(headByteCount) != headHash
    }

    /// Goes back to the start; gives the record that will never be whole.
    func restart() -> RecordBuffer.Piece? {
        isAtEnd = false
        headByteCount = 0
        return records.restart()
    }

    /// Gives the next records; nil where it ends now.
    func next(byteCount: Int, now: Int64) throws -> RecordBuffer.Piece? {
        let offset = records.readOffset
        let piece = try records.next(byteCount: byteCount)
        if piece != nil || records.readOffset != offset { stillSince = now }
        guard piece == nil else {
            isAtEnd = false
            return piece
        }
        // Much of an overlong record was passed over, and more of it is there.
        guard !records.isInsideRecord else { return nil }
        isAtEnd = true
        let known = min(records.readOffset, FollowedFile.headByteCountMax)
        if known > headByteCount {
            headHash = try hashOfHead(known)
            headByteCount = known
        }
        return nil
    }

    private func hashOfHead(_ byteCount: Int) throws -> UInt64 {
        let slab = Slab(byteCount: byteCount)
        let count = try records.file.readAll(into: slab, 0..<byteCount, at: 0)
        return slab.hash(0..<count)
    }
}
