import Storage

/// The names of the files that a rolled path stands for: `out/name-000001.ndjson`.
struct RolledName {
    private static let digitCount = 6

    private let directory: String
    let stem: String
    private let ending: String

    init(of path: String) {
        directory = FilePath.directory(of: path)
        let name = FilePath.name(of: path)
        let dot = name.dropFirst().firstIndex(of: ".") ?? name.endIndex
        stem = String(name[..<dot])
        ending = String(name[dot...])
    }

    func numbered(_ number: Int) -> String {
        let digits = String(number)
        let zeros = String(repeating: "0", count: max(RolledName.digitCount - digits.count, 0))
        return FilePath.join(directory, "\(stem)-\(zeros)\(digits)\(ending)")
    }

    /// The number in a file's name, if it is one of these.
    func number(of name: String) -> Int? {
        guard name.hasPrefix("\(stem)-"), name.hasSuffix(ending) else { return nil }
        let digits = name.dropFirst(stem.count + 1).dropLast(ending.count)
        guard digits.count >= RolledName.digitCount else { return nil }
        return digits.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int(digits) : nil
    }
}
