import Dataflow
import Storage
import TestSupport

@testable import Connectors
@testable import Execution

/// Who writes the files that a pipeline follows: appends to one of them, and rotates it, whether
/// anybody reads it or not. What it writes is durable at once.
final class SimulatedFeed {
    /// What becomes of a file that has grown enough.
    enum Rotation: CaseIterable {
        /// The next one has a new name.
        case numbered
        /// It is renamed, and read under its new name too.
        case renamedAndRead
        /// It is renamed, and only who has begun to read it knows of it.
        case renamed

        /// What is followed, as in a pipeline file: in the order of its writing.
        var paths: String {
            switch self {
            case .numbered: "[ \"in/orders-*.ndjson\" ]"
            case .renamedAndRead: "[ \"in/orders.ndjson.*\", in/orders.ndjson ]"
            case .renamed: "[ in/orders.ndjson ]"
            }
        }
    }

    private let rotation: Rotation
    private let text: [UInt8]
    private var random: SplitMix64
    private var written = 0
    /// How often it was rotated.
    private(set) var rotated = 0
    /// How often it is rotated, about.
    private let rotatedMax: Int

    init(_ rotation: Rotation, _ rows: [String], seed: UInt64) {
        self.rotation = rotation
        text = Array(rows.map { "\($0)\n" }.joined().utf8)
        random = SplitMix64(seed: seed)
        rotatedMax = random.int(0...6)
    }

    /// Whether everything was written.
    var isDone: Bool { written == text.count }

    private var path: String {
        if case .numbered = rotation { return "in/orders-\(1000 + rotated).ndjson" }
        return "in/orders.ndjson"
    }

    /// Writes everything, without a rotation.
    func writeAll(to files: MemoryFileSystem) {
        append(text.count, to: files)
    }

    /// Does the next thing; `statePath` is where the reader's checkpoints are.
    func step(_ files: MemoryFileSystem, statePath: String) {
        guard !isDone else { return }
        let isAtLine = written == 0 || text[written - 1] == UInt8(ascii: "\n")
        if written > 0 && isAtLine && rotated < rotatedMax && random.chance(0.3) {
            return rotate(files, statePath: statePath)
        }
        let whole = random.chance(0.8)
        var end = min(written + random.pick([1, 300, 1_000, 3_000]), text.count)
        if whole { while text[end - 1] != UInt8(ascii: "\n") { end += 1 } }
        append(end - written, to: files)
    }

    private func append(_ count: Int, to files: MemoryFileSystem) {
        let bytes = text[written..<written + count]
        if files.text(path) == nil { files.put(path, "") }
        files.setBytes(path, files.bytes(path) + bytes)
        written += count
    }

    private func rotate(_ files: MemoryFileSystem, statePath: String) {
        switch rotation {
        case .numbered: break
        case .renamedAndRead: files.move(path, to: "\(path).\(1000 + rotated)")
        case .renamed:
            // Files that come and go while nobody who lasts has seen them are lost.
            guard isKnown(files, statePath) else { return }
            files.move(path, to: "\(path).\(1000 + rotated)")
        }
        rotated += 1
    }

    /// Whether a checkpoint knows of the file that is written now, whatever a power cut leaves.
    private func isKnown(_ files: MemoryFileSystem, _ statePath: String) -> Bool {
        let disks =
            [files.crashKeepingWritten()] + (0..<3).map { _ in files.crash(seed: random.next()) }
        return disks.allSatisfy { disk in
            guard let status = try? disk.status(of: path),
                let known = try? Self.known(to: CheckpointFiles(path: statePath, fileSystem: disk))
            else { return false }
            return known.contains(status.identity)
        }
    }

    /// Files that the newest checkpoint knows.
    private static func known(to files: CheckpointFiles) throws -> [FileStatus.Identity] {
        guard let newest = try files.epochs().last,
            let position = try files.read(newest).sources.first(where: { $0.name == "orders" })?
                .position
        else { return [] }
        var reader = ByteReader(position.bytes)
        _ = try reader.integer(UInt8.self)
        _ = try (reader.count(), reader.count())
        return try FollowedPlaces(from: &reader, .followed).entries.compactMap(\.identity)
    }
}
