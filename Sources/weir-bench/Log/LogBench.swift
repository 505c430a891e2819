import Storage

/// Measurements of the embedded log: appends, reads, and commits that are durable.
struct LogBench {
    let directory: String
    /// Bytes of records that are appended and read.
    let byteCount: Int
    /// Bytes of a record.
    let recordBytes = 200
    /// Records of a batch.
    let batchRecords: Int
    /// Whether writes and appends last until all of it is on the device.
    var isDurable = false

    private let files = DiskFileSystem()

    /// What a part gave.
    struct Result {
        let name: String
        let byteCount: Int
        let recordCount: Int
        let seconds: Double

        /// The result as a JSON object.
        var json: String {
            let json: ResultJSON = [
                "name": .text(name), "bytes": .int(byteCount), "records": .int(recordCount),
                "seconds": .number(seconds, digits: 4),
                "mb_per_second": .int(Int(Double(byteCount) / seconds / 1e6)),
                "records_per_second": .int(Int(Double(recordCount) / seconds)),
            ]
            return json.text
        }
    }

    /// Text as logs have it: some of it repeats, some does not.
    private func records() -> Slab {
        let count = 5000
        let slab = Slab(byteCount: count * recordBytes)
        slab.fill(UInt8(ascii: " "), count: slab.byteCount)
        var state: UInt64 = 42
        for record in 0..<count {
            var text = "{\"order_id\":\"o-\(record)\",\"user_id\":\""
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += String(state >> 16, radix: 16)
            }
            text += "\",\"region\":\"eu-west\",\"amount\":\(state >> 48),\"status\":\"paid\","
            text += "\"note\":\"a customer who comes back now and then to buy the same again\"}"
            slab.copy(String(text.prefix(recordBytes)), to: record * recordBytes)
        }
        return slab
    }

    private func fill(
        _ batch: LogBatchBuilder, _ slab: Slab, from first: Int, count: Int
    ) {
        batch.reset()
        for record in first..<first + count {
            let start = record % 5000 * recordBytes
            batch.add(
                SlabSlice(slab, start..<start + recordBytes), timestamp: Int64(record))
        }
    }

    /// Appends without a sync, then reads it all.
    func appendAndRead(_ codec: BlockCodec, _ name: String) throws -> [Result] {
        try BenchFiles.makeEmpty(directory)
        var options = LogOptions()
        options.codec = codec
        options.sync = .os
        options.segmentBytes = 256 << 20
        try LogWriter.create(directory, options: options, fileSystem: files)
        let slab = records()
        let count = byteCount / recordBytes
        let writer = try LogWriter(directory, fileSystem: files)
        let batch = LogBatchBuilder()
        let (_, append) = try Stopwatch.timed {
            var record = 0
            while record < count {
                fill(batch, slab, from: record, count: min(batchRecords, count - record))
                record += batch.recordCount
                _ = try writer.append(batch, to: 0)
                try writer.commit()
            }
            if isDurable { try writer.sync() }
        }
        try writer.close()
        var found = 0
        var bytes = 0
        let (_, read) = try Stopwatch.timed {
            let view = try LogView(directory, fileSystem: files)
            let reader = try LogReader(view, partition: 0, from: .earliest)
            while let next = try reader.next() {
                var records = next.records
                while let record = try records.next() {
                    found += 1
                    bytes += record.value?.count ?? 0
                }
            }
        }
        precondition(found == count && bytes == count * recordBytes, "all of it is read")
        let size = count * recordBytes
        return [
            Result(name: "append \(name)", byteCount: size, recordCount: count, seconds: append),
            Result(name: "read \(name)", byteCount: size, recordCount: count, seconds: read),
        ]
    }

    /// The same bytes by plain writes: what the machine can do.
    func plainWrite() throws -> Result {
        try BenchFiles.makeEmpty(directory)
        let slab = records()
        let file = try files.open(FilePath.join(directory, "plain"), .write(truncating: true))
        let count = byteCount / slab.byteCount
        let (_, seconds) = try Stopwatch.timed {
            for block in 0..<count {
                try file.writeAll(
                    SlabSlice(slab, 0..<slab.byteCount), at: block * slab.byteCount)
            }
            if isDurable { try file.sync() }
        }
        return Result(
            name: "plain write", byteCount: count * slab.byteCount, recordCount: count * 5000,
            seconds: seconds)
    }

    /// Producers on threads of their own, each waiting until its batch is durable.
    func syncEvery(producers: Int, batches: Int) throws -> Result {
        try BenchFiles.makeEmpty(directory)
        var options = LogOptions()
        options.sync = .every
        try LogWriter.create(directory, options: options, fileSystem: files)
        let writer = try LogWriter(directory, fileSystem: files)
        let slab = records()
        let (_, seconds) = Stopwatch.timed {
            BenchThreads.run(count: producers) { producer in
                let batch = LogBatchBuilder()
                for round in 0..<batches {
                    fill(batch, slab, from: producer * 100 + round, count: batchRecords)
                    do {
                        _ = try writer.append(batch, to: 0)
                        try writer.commit()
                    } catch { preconditionFailure("\(error)") }
                }
            }
        }
        try writer.close()
        let count = producers * batches * batchRecords
        return Result(
            name: "sync every, \(producers) producers, \(batchRecords) records a batch",
            byteCount: count * recordBytes, recordCount: count, seconds: seconds)
    }
}
