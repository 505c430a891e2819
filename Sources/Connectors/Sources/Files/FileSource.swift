package import Dataflow
package import Storage
import Synchronization

/// Files as one ordered stream of records: plain, `.zst` or `.lz4`.
///
/// Patterns are taken in the order given, the files of each in the order of their bytes, and one
/// file is read after the other. A chunk never holds records of two files, so one whose place has
/// offset 0 starts with the first record of its file. A compressed file's offsets are those of
/// the decompressed bytes.
///
/// With `isFollowing` the source never ends; see `FileFollower` for rotation and truncation, and
/// for what it does while a file is away. Otherwise a pattern that no file matches is an error, and
/// so is a file that goes away before it is read.
package final class FileSource: Source {
    /// What is read, and how.
    package struct Options: Sendable {
        package var patterns: [String]
        package var framing = Framing.newline
        /// The longest record, without its line end or prefix.
        package var recordBytesMax = 1 << 20
        /// Whether to go on reading files as they grow, and those that appear.
        package var isFollowing = false
        /// Whether every file is a partition of its own.
        package var partitionPerFile = false
        /// While following: how often to look for new and rotated files.
        package var scanMilliseconds = 100
        /// While following: how long a file that was rotated away must be still to be left.
        package var drainMilliseconds = 5000
        /// Whether a place is given up whose file is gone.
        package var givesUpPlace = false

        package init(patterns: [String]) { self.patterns = patterns }
    }

    /// What a read found in some file.
    struct Found {
        let piece: RecordBuffer.Piece
        let partition: Int
    }

    private let options: Options
    private let fileSystem: any FileSystem
    private let clock: EngineClock
    private let waker = Waker()
    private let notice: @Sendable (String) -> Void
    private let follower: FileFollower?
    private var paths: [String] = []
    private var nextPath = 0
    private var current: RecordFile?
    private var events: [PartitionEvent] = []
    package private(set) var movedFiles: [String: String] = [:]

    /// A source of the files that match; `notice` is told of truncations and the like.
    package init(
        _ options: Options, fileSystem: any FileSystem, clock: EngineClock,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.options = options
        self.fileSystem = fileSystem
        self.clock = clock
        self.notice = notice
        follower =
            options.isFollowing
            ? FileFollower(options, fileSystem: fileSystem, notice: notice) : nil
    }

    package var isBounded: Bool { !options.isFollowing }

    /// How often a followed file was found to start again.
    package var truncationCount: Int { follower?.truncationCount ?? 0 }

    package func open() throws {
        if let follower {
            try follower.scan(now: clock.monotonicNanoseconds())
            return
        }
        try add(options.patterns)
        // Files that are not read yet hold the watermark back: their rows may be as early as any.
        if options.partitionPerFile { events = paths.indices.map { .opened($0) } }
    }

    /// Adds the files that match to those that are read.
    private func add(_ patterns: [String], mayMatchNone: Bool = false) throws {
        for text in patterns {
            let pattern = FilePattern(text)
            let found = try pattern.expand(in: fileSystem)
            guard !found.isEmpty || mayMatchNone else {
                throw FileSource.missing(pattern, in: fileSystem)
            }
            for path in found where !paths.contains(path) { paths.append(path) }
        }
    }

    /// Adds the files of further patterns that are none of those that are read already, under
    /// whatever name.
    private func addFurther(_ patterns: [String]) throws {
        guard !patterns.isEmpty else { return }
        let known = paths
        var identities: Set<FileStatus.Identity> = []
        for path in known {
            guard let status = try fileSystem.status(of: path) else {
                if options.givesUpPlace { continue }
                throw StorageError(
                    .notFound, operation: "go on reading", path: path,
                    cause: "it was read, and is not there to be told from the files of "
                        + "'\(patterns[0])', which was added",
                    advice: "put it back, or leave 'paths' as it was until this run has ended")
            }
            identities.insert(status.identity)
        }
        try add(patterns, mayMatchNone: options.givesUpPlace)
        for (index, path) in paths.enumerated().dropFirst(known.count).reversed() {
            let isKnown = try fileSystem.status(of: path).map { identities.contains($0.identity) }
            if isKnown == true { paths.remove(at: index) }
        }
    }

    private static func missing(
        _ pattern: FilePattern, in fileSystem: any FileSystem
    ) -> StorageError {
        let status = try? fileSystem.status(of: pattern.text)
        let cause: String
        if status?.kind == .directory {
            cause = "it is a directory"
        } else {
            cause = pattern.hasWildcards ? "no file matches" : "there is no such file"
        }
        return StorageError(
            status == nil ? .notFound : .isDirectory, operation: "read", path: pattern.text,
            cause: cause,
            advice: status == nil
                ? "check the path, or set follow: true to wait for it"
                : "name a file in it, or a pattern such as \(pattern.text)/*")
    }

    package func read(byteCount: Int, waitMilliseconds: Int) throws -> ReadResult {
        if let follower {
            return try read(follower, byteCount: byteCount, waitMilliseconds: waitMilliseconds)
        }
        while true {
            if let current {
                if let piece = try current.next(byteCount: byteCount) {
                    return give(Found(piece: piece, partition: nextPath - 1))
                }
                if current.isInsideRecord { return .held }
                try current.checkLength()
                if let piece = try current.finish() {
                    return give(Found(piece: piece, partition: nextPath - 1))
                }
                if options.partitionPerFile { events.append(.finished(nextPath - 1)) }
                self.current = nil
            } else if nextPath < paths.count {
                current = try openNext()
            } else {
                return takeEvents() ?? .end
            }
        }
    }

    /// The next file; nil where it is gone, and may be.
    private func openNext() throws -> RecordFile? {
        let path = paths[nextPath]
        nextPath += 1
        do throws(StorageError) {
            return RecordFile(
                try fileSystem.open(path, .read), path: path, options: options)
        } catch {
            guard error.kind == .notFound, options.givesUpPlace else { throw error }
            notice("\(path) is gone, and was not read")
            if options.partitionPerFile { events.append(.finished(nextPath - 1)) }
            return nil
        }
    }

    /// Wraps records in a chunk, with the events that came before it.
    private func give(_ found: Found) -> ReadResult {
        switch found.piece {
        case .rejected(let record):
            return .rejected([record])
        case .records(let slice, let place):
            let taken = events
            events = []
            return .chunk(
                RawChunk(
                    slab: slice.slab, range: slice.range, place: place,
                    partition: options.partitionPerFile ? found.partition : 0, events: taken))
        }
    }

    private func takeEvents() -> ReadResult? {
        guard !events.isEmpty else { return nil }
        let taken = events
        events = []
        return .chunk(RawChunk(events: taken))
    }

    private func read(
        _ follower: FileFollower, byteCount: Int, waitMilliseconds: Int
    ) throws -> ReadResult {
        let deadline = clock.monotonicNanoseconds() + Int64(waitMilliseconds) * 1_000_000
        var pause = 1
        while true {
            let now = clock.monotonicNanoseconds()
            if follower.isScanDue(now: now) { try follower.scan(now: now) }
            let found = try follower.next(byteCount: byteCount, now: now)
            if options.partitionPerFile { events += follower.takeEvents() }
            if let found { return give(found) }
            if let result = takeEvents() { return result }
            if follower.isInsideRecord { return .held }
            let left = (deadline - now + 999_999) / 1_000_000
            if left <= 0 { return .nothing }
            if waker.wait(milliseconds: min(pause, Int(left))) { return .nothing }
            pause = min(pause * 2, FileFollower.pauseMillisecondsMax)
        }
    }

    /// Of files read one after the other: the patterns, all paths, and how many of them were begun;
    /// of the last of those its place, if it was not left yet. Of followed files: what
    /// `FileFollower` says.
    package var position: SourcePosition? {
        get throws {
            var writer = ByteWriter()
            if let follower {
                writer.append(FilePositionForm.followed.rawValue)
                try follower.encode(to: &writer)
            } else {
                writer.append(FilePositionForm.list.rawValue)
                writer.append(count: options.patterns.count)
                for pattern in options.patterns { writer.append(pattern) }
                writer.append(count: paths.count)
                for path in paths { writer.append(path) }
                writer.append(count: nextPath)
                writer.append(current != nil)
                if let current {
                    try FilePlace(current, path: paths[nextPath - 1]).encode(to: &writer)
                }
                writer.append(count: pendingEnds.count)
                for partition in pendingEnds { writer.append(count: partition) }
            }
            return SourcePosition(writer.bytes)
        }
    }

    /// Partitions whose ends are not told yet.
    private var pendingEnds: [Int] {
        events.compactMap { if case .finished(let partition) = $0 { partition } else { nil } }
    }

    package func resume(at position: SourcePosition) throws {
        var reader = ByteReader(position.bytes)
        guard let form = FilePositionForm(rawValue: try reader.integer(UInt8.self)),
            form.isFollowed == (follower != nil)
        else { throw ByteReader.Damage(cause: "the source was not read with the same 'follow'") }
        if let follower {
            try follower.resume(from: &reader, form, now: clock.monotonicNanoseconds())
        } else {
            try resumeList(&reader, form)
        }
        try reader.finish()
    }

    private func resumeList(_ reader: inout ByteReader, _ form: FilePositionForm) throws {
        var patterns = options.patterns
        var lost: FilePlace?
        if form == .list {
            patterns = try reader.list { reader throws(ByteReader.Damage) in try reader.text() }
        }
        paths = try reader.list { reader throws(ByteReader.Damage) in try reader.text() }
        nextPath = try reader.count()
        if try reader.flag() {
            let place = try FilePlace(from: &reader, tellsRejected: form.tellsRejected)
            guard nextPath > 0, nextPath <= paths.count else {
                throw ByteReader.Damage(cause: "a file is not in the list of files")
            }
            lost = try !goOn(from: place) ? place : nil
        }
        let ends = try reader.list { reader throws(ByteReader.Damage) in try reader.count() }
        events = ends.map { .finished($0) }
        if let lost {
            try giveUp(lost)
            // What is there now is read, whenever it came.
            patterns = []
        }
        // Files that came meanwhile are not read, but those of patterns that were added are.
        try addFurther(options.patterns.filter { !patterns.contains($0) })
        if options.partitionPerFile {
            // It may not have been told yet that they are there.
            let first = current == nil ? nextPath : nextPath - 1
            events = (first..<paths.count).map { .opened($0) } + events
        }
    }

    /// Goes on in the file that was being read; says whether it was found.
    private func goOn(from place: FilePlace) throws -> Bool {
        let name = paths[nextPath - 1]
        guard let found = try place.find(in: fileSystem) else { return false }
        // Its rows keep the name under which others of it have left.
        current = try RecordFile(
            resuming: found.file, path: name, at: place.content, options: options)
        if current != nil && found.path != name { movedFiles[name] = found.path }
        return current != nil
    }

    /// Leaves the file that was being read. What took its path is read from its start, unless that
    /// is a part of what was read.
    private func giveUp(_ place: FilePlace) throws {
        guard options.givesUpPlace else { throw place.missing }
        notice("the place in \(place.path) is given up: no file has what was read before")
        if case .another = try place.successor(in: fileSystem) {
            nextPath -= 1
        } else if options.partitionPerFile {
            events.append(.finished(nextPath - 1))
        }
    }

    package func interrupt() { waker.wake() }

    package func close() {
        current = nil
        follower?.close()
        paths = []
    }
}

/// What stands before a position's content: its form, and with that what is in it.
enum FilePositionForm: UInt8 {
    /// Forms of before: followed files were told by their bytes alone, no place said of a record
    /// that it was rejected, and lists had no patterns.
    case plainList = 1, followedByContent, plainFollowed, patternlessList
    case followed, list

    var isFollowed: Bool { [.followedByContent, .plainFollowed, .followed].contains(self) }
    var hasIdentities: Bool { self == .plainFollowed || self == .followed }
    var tellsRejected: Bool { self.rawValue >= Self.patternlessList.rawValue }
}
