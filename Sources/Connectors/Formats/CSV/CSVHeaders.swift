package import Dataflow
import Storage
import Synchronization

/// Where the columns of one file stand.
final class CSVLayout: Sendable {
    /// Fields of every record.
    let fieldCount: Int
    /// For each wanted column its place in the record.
    let places: [Int]
    /// Why the file cannot be read.
    let problem: String?

    init(names: [String], wanted: [String]) {
        fieldCount = max(names.count, 1)
        var places: [Int] = []
        var missing: [String] = []
        var doubled: [String] = []
        for name in wanted {
            let found = names.indices.filter { names[$0] == name }
            places.append(found.first ?? 0)
            if found.isEmpty { missing.append("'\(name)'") }
            if found.count > 1 { doubled.append("'\(name)'") }
        }
        self.places = places
        if !missing.isEmpty {
            let there = names.prefix(40).map { "'\($0)'" }.joined(separator: ", ")
            problem = "the header has no column \(missing.joined(separator: ", ")); it has \(there)"
        } else if !doubled.isEmpty {
            problem = "the header has column \(doubled.joined(separator: ", ")) more than once"
        } else {
            problem = nil
        }
    }

    init(problem: String) {
        fieldCount = 1
        places = []
        self.problem = problem
    }
}

/// The header lines of a source's files (or connections), shared by all its decoders.
///
/// Chunks of a file come to several workers, and its first one, which holds the header, may be
/// decoded behind a later one. So a header is known before any worker needs it: a source that
/// cannot be read again calls `note` with the first chunk before it hands that out; for files,
/// `readStart` reads the first bytes again where a chunk from the middle comes first. Remembers
/// the newest `filesMax` files.
package final class CSVHeaders: Sendable {
    /// Files remembered; a chunk of an older one makes its header to be read again.
    static let filesMax = 65_536

    private struct State {
        var layouts: [String: CSVLayout] = [:]
        var names: [String] = []
        /// Where files are that were renamed, by their names.
        var paths: [String: String] = [:]
    }

    private let dialect: CSVDialect
    private let wanted: [String]
    private let readStart: @Sendable (String) -> [UInt8]?
    private let state = Mutex(State())
    /// Counts changes, so that decoders ask again only when there is something new.
    private let generation = Atomic<Int>(0)

    init(
        dialect: CSVDialect, wanted: [String],
        readStart: @escaping @Sendable (String) -> [UInt8]?
    ) {
        self.dialect = dialect
        self.wanted = wanted
        self.readStart = readStart
    }

    /// Changes whenever a header was added.
    var version: Int { generation.load(ordering: .acquiring) }

    /// Takes the header from a chunk that starts a file; others are left alone.
    package func note(_ chunk: RawChunk) {
        guard dialect.hasHeader, chunk.place.offset == 0, !chunk.range.isEmpty else { return }
        let bytes = chunk.slab.bytes(chunk.range)
        _ = unsafe bytes.withUnsafeBytes { unsafe learn(chunk.place.name, $0) }
    }

    /// Takes note that the file which chunks call `name` is at `path`, whatever is at its own.
    package func noteMoved(_ name: String, to path: String) {
        state.withLock { $0.paths[name] = path }
    }

    /// Reads the header that `bytes` start with; gives the layout, and where records begin.
    func learn(_ name: String, _ bytes: UnsafeRawBufferPointer) -> (CSVLayout, Int) {
        let start = unsafe CSVHeaderLine.skipMark(bytes)
        let line = unsafe CSVHeaderLine(bytes, from: start, dialect)
        let layout: CSVLayout
        if let problem = line.problem {
            layout = CSVLayout(problem: problem)
        } else {
            layout = CSVLayout(names: dialect.columns ?? line.names, wanted: wanted)
        }
        keep(layout, name)
        return (layout, line.end)
    }

    /// The layout of a file of which some later part is to be read.
    func layout(of name: String) -> CSVLayout {
        let (known, path) = state.withLock { ($0.layouts[name], $0.paths[name] ?? name) }
        if let known { return known }
        if let bytes = readStart(path), !bytes.isEmpty {
            return unsafe bytes.withUnsafeBytes { unsafe learn(name, $0).0 }
        }
        return CSVLayout(problem: "the header line of \(name) is not known")
    }

    private func keep(_ layout: CSVLayout, _ name: String) {
        state.withLock { state in
            if state.layouts.updateValue(layout, forKey: name) == nil {
                state.names.append(name)
                if state.names.count > 2 * Self.filesMax {
                    for old in state.names.prefix(Self.filesMax) { state.layouts[old] = nil }
                    state.names.removeFirst(Self.filesMax)
                }
            }
        }
        generation.add(1, ordering: .acquiringAndReleasing)
    }
}

/// One line of names, read slowly.
struct CSVHeaderLine {
    private(set) var names: [String] = []
    /// Behind the line.
    private(set) var end = 0
    private(set) var problem: String?

    /// The place behind a byte order mark.
    static func skipMark(_ bytes: UnsafeRawBufferPointer) -> Int {
        unsafe bytes.count >= 3 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf ? 3 : 0
    }

    /// Reads the first record from `start` on that is not an empty line.
    init(_ bytes: UnsafeRawBufferPointer, from start: Int, _ dialect: CSVDialect) {
        end = start
        while unsafe end < bytes.count && (bytes[end] == 0x0a || bytes[end] == 0x0d) { end += 1 }
        var field: [UInt8] = []
        var (isQuoted, wasQuoted) = (false, false)
        while end < bytes.count {
            let byte = unsafe bytes[end]
            end += 1
            if isQuoted {
                if byte != dialect.quote {
                    field.append(byte)
                } else if unsafe end < bytes.count && bytes[end] == dialect.quote {
                    field.append(byte)
                    end += 1
                } else {
                    isQuoted = false
                }
            } else if byte == dialect.quote && field.isEmpty && !wasQuoted {
                (isQuoted, wasQuoted) = (true, true)
            } else if byte == dialect.delimiter {
                add(field)
                (field, wasQuoted) = ([], false)
            } else if byte == 0x0a {
                break
            } else {
                field.append(byte)
            }
        }
        if isQuoted { problem = "the header has a quote that does not end" }
        if field.last == 0x0d { field.removeLast() }
        add(field)
    }

    private mutating func add(_ name: [UInt8]) {
        guard let text = String(validating: name, as: UTF8.self) else {
            problem = "the header is not valid UTF-8"
            return
        }
        names.append(text)
    }
}
