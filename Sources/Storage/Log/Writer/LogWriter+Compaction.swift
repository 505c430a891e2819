import Synchronization

extension LogWriter {
    /// Drops records of finished segments whose key has a newer record that counts; gives how many.
    ///
    /// Offsets stay what they are. What somebody holds is left whole, and so is a segment with
    /// damage. A record that says that a key is gone stays until age takes its segment. What takes
    /// the place of a record is durable before that one goes.
    @discardableResult
    package func compact(_ partition: Int) throws(StorageError) -> Int {
        if mode == .plain {
            _ = try stage()
            try writeMark(isSynced: true)
        }
        return try maintaining.withLock { _ throws(StorageError) -> Int in
            let held = try heldOffsets()[partition]
            let (writer, mark) = state.withLock { state in
                (state.partitions[partition], state.mark.partitions[partition])
            }
            let newest = try newestOffsets(partition, below: mark.synced)
            var dropped = 0
            for (segment, next) in zip(writer.segments, writer.segments.dropFirst())
            where next.base <= min(mark.end.segment, mark.synced, held) {
                let rewriting = SegmentCompaction(
                    writer, segment: segment, codec: options.codec, newest: newest)
                guard let result = try rewriting.run() else { continue }
                dropped += result.dropped
                state.withLock { state in
                    let segments = state.partitions[partition].segments
                    if let index = segments.firstIndex(where: { $0.base == segment.base }) {
                        state.partitions[partition].segments[index].byteCount = result.byteCount
                    }
                }
            }
            return dropped
        }
    }

    /// For each key the offset of its newest record that counts, of those below `end`.
    private func newestOffsets(
        _ partition: Int, below end: Int64
    ) throws(StorageError) -> [[UInt8]: Int64] {
        let view = try LogView(directory, fileSystem: fileSystem)
        let reader = try LogReader(view, partition: partition, from: .earliest)
        var newest: [[UInt8]: Int64] = [:]
        while let batch = try reader.next() {
            var records = batch.records
            do throws(ByteReader.Damage) {
                while let record = try records.next() {
                    guard let key = record.key, record.offset < end else { continue }
                    newest[batch.body.slab.array(key)] = record.offset
                }
            } catch { continue }
        }
        return newest
    }
}

/// Writes a segment anew without the records that newer ones replace, and puts it in its place.
private struct SegmentCompaction {
    private let writer: LogPartitionWriter
    private let segment: LogPartitionWriter.Segment
    private let codec: BlockCodec
    private let newest: [[UInt8]: Int64]
    private let path: String

    init(
        _ writer: LogPartitionWriter, segment: LogPartitionWriter.Segment, codec: BlockCodec,
        newest: [[UInt8]: Int64]
    ) {
        self.writer = writer
        self.segment = segment
        self.codec = codec
        self.newest = newest
        path = writer.path(LogNames.segment(writer.number, segment.base))
    }

    /// What was dropped, and what is left; nil where the segment stays as it is.
    func run() throws(StorageError) -> (dropped: Int, byteCount: Int)? {
        guard let dropped = try replaced(), dropped > 0 else { return nil }
        let new = path + AtomicFile.newSuffix
        let fileSystem = writer.fileSystem
        let file = try fileSystem.open(new, .write(truncating: true))
        let head = LogSegmentHead.bytes(base: segment.base, partition: writer.number)
        try file.writeAll(SlabSlice(Slab(head), 0..<head.count), at: 0)
        var position = head.count
        var walker = try self.walker()
        let remains = LogBatchBuilder()
        while case .batch(let batch) = try walker.next() {
            if remains.span > 0, remains.recordCount == 0,
                remains.span + Int64(batch.header.span) <= Int64(UInt32.max),
                try countKept(batch) == 0
            {
                remains.extendSpan(to: batch.header.endOffset)
                continue
            }
            try store(remains, file, &position)
            remains.beginRemains(of: batch.header)
            try keep(batch, remains)
        }
        try store(remains, file, &position)
        try file.sync()
        // An index leads to places of the old bytes; without one, readers do without.
        do throws(StorageError) {
            try fileSystem.unlink(writer.path(LogNames.index(writer.number, segment.base)))
        } catch {
            guard error.kind == .notFound else { throw error }
        }
        try fileSystem.rename(new, to: path)
        try fileSystem.syncDirectory(writer.directory)
        return (dropped, position)
    }

    private func walker() throws(StorageError) -> LogWalker {
        let place = LogPlaces.Place(
            offset: segment.base, segment: segment.base, position: LogSegmentHead.byteCount)
        let file = try writer.fileSystem.open(path, .read)
        let limit = try file.status().byteCount
        return LogWalker(file, partition: writer.number, from: place, limit: limit)
    }

    private func isKept(_ record: LogRecord, _ batch: LogBatch) -> Bool {
        guard let key = record.key else { return true }
        return newest[batch.body.slab.array(key)] == record.offset
    }

    private func countKept(_ batch: LogBatch) throws(StorageError) -> Int {
        var kept = 0
        var records = batch.records
        do throws(ByteReader.Damage) {
            while let record = try records.next() {
                if isKept(record, batch) { kept += 1 }
            }
        } catch { throw corrupt(error.cause) }
        return kept
    }

    private func keep(_ batch: LogBatch, _ remains: LogBatchBuilder) throws(StorageError) {
        var records = batch.records
        do throws(ByteReader.Damage) {
            while let record = try records.next() {
                if isKept(record, batch) { remains.keep(record, of: batch) }
            }
        } catch { throw corrupt(error.cause) }
    }

    /// How many records of the segment newer ones replace; nil where it is damaged.
    private func replaced() throws(StorageError) -> Int? {
        var walker = try walker()
        var dropped = 0
        while true {
            switch try walker.next() {
            case .batch(let batch):
                dropped += Int(batch.header.recordCount) - (try countKept(batch))
            case .damage, .torn: return nil
            case .end: return dropped
            }
        }
    }

    private func store(
        _ batch: LogBatchBuilder, _ file: any File, _ position: inout Int
    ) throws(StorageError) {
        guard batch.span > 0 else { return }
        batch.seal(codec)
        let stored = batch.stored(
            base: nil, syncedOffset: batch.syncedOffset, partition: writer.number,
            isStaged: false)
        try file.writeAll(stored, at: position)
        position += stored.byteCount
    }

    private func corrupt(_ cause: String) -> StorageError {
        StorageError(.corrupt, operation: "compact", path: path, cause: cause)
    }
}
