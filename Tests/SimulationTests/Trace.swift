import Storage
import TestSupport

/// What happened in a simulation, as one number: two runs that did the same have the same.
final class Trace: Equatable {
    private var hasher = Hasher()
    private(set) var count = 0
    /// The last lines, if somebody wants to read them.
    private(set) var lines: [String] = []
    private let keepsLines: Bool

    init(keepsLines: Bool = false) { self.keepsLines = keepsLines }

    /// Notes a line.
    func note(_ text: String) {
        hasher.combine(text)
        count += 1
        if keepsLines { lines.append(text) }
    }

    /// Notes what files hold, but those that name the process.
    func note(_ contents: [String: [UInt8]]) {
        for (path, bytes) in contents.sorted(by: { $0.key < $1.key })
        where FilePath.name(of: path) != "LOCK" {
            let hash = Slab(bytes).hash(0..<bytes.count)
            note("\(path) has \(bytes.count) bytes, \(String(hash, radix: 16))")
        }
    }

    /// The same for what is the same, in one process.
    private var hash: Int {
        let copy = hasher
        return copy.finalize()
    }

    static func == (one: Trace, other: Trace) -> Bool {
        one.hash == other.hash && one.count == other.count
    }
}
