import Pipeline
import Synchronization

/// Remembers whether the sources that were looked at have any input at all.
final class SampleRecord: Sendable {
    private struct Seen {
        var empty = 0
        var others = 0
    }

    private let seen = Mutex(Seen())

    /// Whether sources were looked at, and all of them end without a byte.
    var hasOnlyEmpty: Bool { seen.withLock { $0.empty > 0 && $0.others == 0 } }

    /// `sample`, and what it gives is noted.
    func noting(
        _ sample: @escaping @Sendable (SourceSpec) -> [UInt8]?
    ) -> @Sendable (SourceSpec) -> [UInt8]? {
        { [self] source in
            let bytes = sample(source)
            let isEmpty = bytes == [] && Self.ends(source)
            seen.withLock { seen in
                if isEmpty { seen.empty += 1 } else { seen.others += 1 }
            }
            return bytes
        }
    }

    /// Whether a source has nothing more than what a sample without a byte saw.
    private static func ends(_ source: SourceSpec) -> Bool {
        switch source.kind {
        case .standardInput: true
        case .file(let file): !file.follow && file.files.count == 1
        case .tcp, .log, .generate: false
        }
    }
}
