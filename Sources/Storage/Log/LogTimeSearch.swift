/// Finds where records of a time begin, by the segments' indexes.
struct LogTimeSearch {
    private let view: LogView
    private let partition: Int
    private let mark: LogMark.Partition

    init(_ view: LogView, partition: Int, mark: LogMark.Partition) {
        self.view = view
        self.partition = partition
        self.mark = mark
    }

    /// The first offset whose record is not older than `timestamp`; the end where there is none.
    func offset(of timestamp: Int64) throws(StorageError) -> Int64 {
        let bases = try view.segments(of: partition).filter { $0 <= mark.end.segment }
        for (index, base) in bases.enumerated() {
            let next = index + 1 < bases.count ? bases[index + 1] : mark.end.offset
            if next <= mark.start { continue }
            if let offset = try offset(of: timestamp, in: base) { return offset }
        }
        return mark.end.offset
    }

    private func offset(of timestamp: Int64, in base: Int64) throws(StorageError) -> Int64? {
        guard let file = try view.open(partition, base) else { return nil }
        let size = try file.status().byteCount
        let limit = base == mark.end.segment ? min(size, mark.end.position) : size
        var index = try view.index(partition, base)
        index.cut(to: LogPlaces.Place(offset: .max, segment: base, position: limit))
        // The last entry of a finished segment leads to its end, and knows all of it.
        if let last = index.entries.last, last.position == limit,
            last.greatestTimestamp < timestamp, base != mark.end.segment
        {
            return nil
        }
        var entry = index.entry(beforeTimestamp: timestamp)
        while true {
            if var walker = try LogWalker(
                file, partition: partition, segment: base, at: entry, limit: limit)
            {
                return try search(&walker, timestamp)
            }
            entry = index.entry(before: entry.offset - 1)
        }
    }

    private func search(
        _ walker: inout LogWalker, _ timestamp: Int64
    ) throws(StorageError) -> Int64? {
        while true {
            switch try walker.next() {
            case .batch(var batch):
                guard batch.header.greatestTimestamp >= timestamp else { continue }
                batch.firstOffset = max(batch.header.baseOffset, mark.start)
                if let offset = first(in: batch, timestamp) { return offset }
            case .damage: continue
            case .end, .torn: return nil
            }
        }
    }

    private func first(in batch: LogBatch, _ timestamp: Int64) -> Int64? {
        var records = batch.records
        do throws(ByteReader.Damage) {
            while let record = try records.next() {
                if record.timestamp >= timestamp { return record.offset }
            }
        } catch {}
        return nil
    }
}
