import Storage
import Synchronization

/// The claim to a directory of whoever copies checkpoints to it: a run to its second place, or
/// `weir checkpoint export`. Each removes what no checkpoint there needs, and so would remove what
/// another one is just copying.
///
/// It is a locked file, which goes in the end; what is left of one by a crash claims nothing. Where
/// files cannot be locked, as in some mounts, nothing is claimed.
final class CopyClaim: Sendable {
    private let place: StateFiles
    private let file: Mutex<(any File)?>

    private static let name = "COPIES"
    private static let attemptsMax = 100

    /// Claims a directory that is there; throws where another one has it.
    init(_ place: StateFiles) throws(StorageError) {
        self.place = place
        file = Mutex(try Self.claim(place))
    }

    private static func claim(_ place: StateFiles) throws(StorageError) -> any File {
        let path = place.path(of: name)
        var attempts = 0
        while true {
            let file = try place.fileSystem.open(path, .write(truncating: false))
            guard lock(file) else {
                throw StorageError(
                    .alreadyExists, operation: "copy checkpoints to", path: place.path,
                    cause: "a run, or another one that copies, does so",
                    advice: "choose a directory of its own, or stop the other one first")
            }
            // The one that had it may have removed it meanwhile.
            let (own, there) = (try file.status(), try place.fileSystem.status(of: path))
            // Some mounts tell an open file from its name.
            attempts += 1
            if own.identity == there?.identity || attempts == attemptsMax { return file }
        }
    }

    private static func lock(_ file: any File) -> Bool { (try? file.lock()) ?? true }

    /// Lets others copy.
    func release() {
        let held = file.withLock { file in
            defer { file = nil }
            return file
        }
        guard let held else { return }
        // It is claimed until its name is gone; and if that stays, it claims nothing.
        withExtendedLifetime(held) {
            try? place.fileSystem.unlink(place.path(of: Self.name))
        }
    }
}
