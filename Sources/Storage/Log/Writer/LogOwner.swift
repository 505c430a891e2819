import Synchronization

/// The sink whose output stands behind a log's commit mark until a checkpoint makes it count.
///
/// Written where a sink begins to stage output in a log, and only if it was another's before; it
/// stays when nothing waits any more.
///
///     log.owner = "weirownr": 8 | version: 2 | pipeline | sink | CRC-32C of all this: 4
package struct LogOwner: Sendable, Equatable, CustomStringConvertible {
    package let pipeline: String
    package let sink: String

    private static let magic: UInt64 = 0x726e_776f_7269_6577
    private static let version: UInt16 = 1
    private static let byteCountMax = 64 << 10

    package init(pipeline: String, sink: String) {
        self.pipeline = pipeline
        self.sink = sink
    }

    package var description: String { "sink '\(sink)' of pipeline '\(pipeline)'" }

    private static func path(_ directory: String) -> String {
        FilePath.join(directory, LogNames.owner)
    }

    /// Who staged output in a log last; nil where nobody did, or where the file does not say.
    static func read(
        _ directory: String, _ fileSystem: any FileSystem
    ) throws(StorageError) -> LogOwner? {
        guard let status = try fileSystem.status(of: path(directory)) else { return nil }
        let count = min(status.byteCount, byteCountMax)
        let slab = Slab(byteCount: count)
        let file = try fileSystem.open(path(directory), .read)
        let got = try file.readAll(into: slab, 0..<count, at: 0)
        do throws(ByteReader.Damage) {
            return try LogOwner(decoding: SlabSlice(slab, 0..<got))
        } catch {
            return nil
        }
    }

    private init(decoding slice: SlabSlice) throws(ByteReader.Damage) {
        var reader = try ByteReader(checked: slice)
        guard try reader.integer(UInt64.self) == Self.magic,
            try reader.integer(UInt16.self) == Self.version
        else { throw ByteReader.Damage(cause: "it names no owner in a known version") }
        self.init(pipeline: try reader.text(), sink: try reader.text())
        try reader.finish()
    }

    /// Names the owner from now on.
    func write(_ directory: String, _ fileSystem: any FileSystem) throws(StorageError) {
        var writer = ByteWriter()
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(pipeline)
        writer.append(sink)
        writer.appendChecksum()
        try AtomicFile.write(writer.bytes, to: Self.path(directory), in: fileSystem)
    }
}

/// What becomes of output that somebody else has staged in a log, when a writer opens it.
package enum StagedByOthers: Sendable {
    /// The log is refused: the checkpoint for which it waits may be complete.
    case refused
    /// It is removed.
    case discarded
}

extension LogWriter {
    /// Takes a log for a sink that stages output in it; to be called before anything else.
    ///
    /// What another pipeline has staged there is refused or removed. What this pipeline has staged
    /// stays, for `restore(to:epoch:)`.
    package func claim(
        for owner: LogOwner, _ staged: StagedByOthers = .refused
    ) throws(StorageError) {
        precondition(mode == .staged, "whoever commits at once stages nothing")
        let known = try LogOwner.read(directory, fileSystem)
        if known == owner { return }
        if let known, known.pipeline != owner.pipeline {
            if staged == .refused {
                try refuseStaged(by: known)
            } else {
                try discardTail()
            }
        }
        try owner.write(directory, fileSystem)
    }

    /// Throws where whole batches that somebody staged stand behind the ends.
    func refuseStaged(by owner: LogOwner?) throws(StorageError) {
        for partition in state.withLock({ $0.partitions }) {
            guard try LogRecovery(partition).hasStaged() else { continue }
            throw StorageError(
                .wouldLose, operation: "write to", path: directory,
                cause: "\(owner?.description ?? "a pipeline") has staged output in partition "
                    + "\(partition.number), from offset \(partition.end.offset) on, which "
                    + "waits for that pipeline to go on",
                advice: "run that pipeline, or give that output up with --discard-staged")
        }
    }
}
