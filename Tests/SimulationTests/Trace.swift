import Storage
import TestSupport

/// What happened in a simulation, as one number: two runs that did the same have the same.
final class Trace: Equatable {
    private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    private(set) var count = 0
    /// The last lines, if somebody wants to read them.
    private(set) var lines: [String] = []
    private let keepsLines: Bool

    init(keepsLines: Bool = false) { self.keepsLines = keepsLines }

    /// Notes a line.
    func note(_ text: String) {
        for byte in text.utf8 { mix(UInt64(byte)) }
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

    private func mix(_ word: UInt64) { hash = (hash ^ word) &* 0x0000_0100_0000_01b3 }

    static func == (one: Trace, other: Trace) -> Bool {
        one.hash == other.hash && one.count == other.count
    }
}
