import Storage
import TestSupport

/// What befalls the files of one of two places of state while no process runs: bytes of one change,
/// it is cut short or gone, or all of them are gone. The other place is to make up for it.
struct SimulatedDamage {
    /// Where the files are.
    let directory: String
    /// The other place.
    let other: String

    /// Damages what is there.
    func strike(_ files: MemoryFileSystem, _ random: inout SplitMix64) {
        let paths = files.paths.filter { path in
            path.hasPrefix("\(directory)/") && FilePath.name(of: path) != "LOCK"
        }
        // A run that was killed in between may have a checkpoint in one place alone.
        let newest = Self.newestManifest(in: directory, files)
        guard !paths.isEmpty, newest == Self.newestManifest(in: other, files) else { return }
        if random.chance(0.3) {
            for path in paths { files.remove(path) }
            return
        }
        let path = random.pick(paths)
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

    private static func newestManifest(in directory: String, _ files: MemoryFileSystem) -> String? {
        files.paths.filter { path in
            path.hasPrefix("\(directory)/checkpoint-") && path.hasSuffix(".manifest")
        }.map { FilePath.name(of: $0) }.max()
    }
}
