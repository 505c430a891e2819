import Storage
import TestSupport

@testable import Execution

/// What befalls the files of one of two places of state while no process runs: bytes of one change,
/// it is cut short or gone, or all of them are gone. The other place is to make up for it, and for
/// the rows that wait in queues beside the place that a run uses.
struct SimulatedDamage {
    /// Where the files are.
    let directory: String
    /// The other place.
    let other: String
    /// What the paths of queues begin with that may be damaged, too; nil for none.
    let queues: String?

    /// Damages what is there; gives whether rows that waited were lost.
    func strike(_ files: MemoryFileSystem, _ random: inout SplitMix64) -> Bool {
        let paths = files.paths.filter { path in
            path.hasPrefix("\(directory)/") && FilePath.name(of: path) != "LOCK"
        }
        // A run that was killed in between may have a checkpoint in one place alone.
        let newest = Self.newestManifest(in: directory, files)
        guard !paths.isEmpty, newest == Self.newestManifest(in: other, files) else { return false }
        let logs = files.paths.filter { path in queues.map { path.hasPrefix($0) } ?? false }
        let rows = logs.filter { $0.hasSuffix(".segment") }
        let hasWaiting = !rows.isEmpty && hasWaiting(files)
        switch random.int(0..<10) {
        case 0..<3:
            let hasLogs = random.chance(0.7)
            for path in paths + (hasLogs ? logs : []) { files.remove(path) }
            return hasLogs && hasWaiting
        case 3:
            for path in logs { files.remove(path) }
            return hasWaiting
        case 4 where !rows.isEmpty: damage(random.pick(rows), of: files, &random)
        default: damage(random.pick(paths), of: files, &random)
        }
        return false
    }

    /// Damages a file.
    private func damage(
        _ path: String, of files: MemoryFileSystem, _ random: inout SplitMix64
    ) {
        var bytes = files.bytes(path)
        switch random.int(0..<4) {
        case 0: return files.remove(path)
        case 1: bytes.removeLast(bytes.isEmpty ? 0 : random.int(1...bytes.count))
        default:
            guard !bytes.isEmpty else { return }
            bytes[random.int(0..<bytes.count)] ^= UInt8(1 << random.int(0...7))
        }
        files.setBytes(path, bytes)
    }

    /// Whether the newest checkpoint here has rows that wait in a log.
    private func hasWaiting(_ files: MemoryFileSystem) -> Bool {
        let manifests = CheckpointFiles(path: directory, fileSystem: files)
        let newest = (try? manifests.epochs().last).flatMap { try? manifests.read($0) }
        return newest?.sinks.contains { $0.waiting != nil } ?? false
    }

    private static func newestManifest(in directory: String, _ files: MemoryFileSystem) -> String? {
        files.paths.filter { path in
            path.hasPrefix("\(directory)/checkpoint-") && path.hasSuffix(".manifest")
        }.map { FilePath.name(of: $0) }.max()
    }
}
