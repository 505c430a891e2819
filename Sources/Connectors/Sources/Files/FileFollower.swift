import Dataflow
import Storage

/// Keeps reading files as they grow, through rotation by rename and by truncation.
///
/// A file is known by device and inode, and by a hash of its first bytes. When another file stands
/// at its path, or its last name is gone, it is read to its end, and left only when it has been
/// still for `drainMilliseconds`: a writer may hold it open for a while. A file that became shorter
/// than what was read of it, or whose first bytes changed, starts again at 0; the unfinished record
/// that was held of it is rejected. While a path has no file, the source waits for one, and goes on
/// reading what it has open.
///
/// Several files are read one after the other, each to its end as of now.
final class FileFollower {
    /// The longest pause between two looks at files that are still.
    static let pauseMillisecondsMax = 32

    private let options: FileSource.Options
    private let fileSystem: any FileSystem
    private let notice: @Sendable (String) -> Void
    private var files: [FollowedFile] = []
    private var current = 0
    private var partitionCount = 0
    private var nextScan: Int64 = 0
    private var events: [PartitionEvent] = []
    private(set) var truncationCount = 0
    /// Whether the last `next` left a file inside a record, with more of it to read.
    private(set) var isInsideRecord = false

    init(
        _ options: FileSource.Options, fileSystem: any FileSystem,
        notice: @escaping @Sendable (String) -> Void
    ) {
        self.options = options
        self.fileSystem = fileSystem
        self.notice = notice
    }

    func isScanDue(now: Int64) -> Bool { now >= nextScan }

    /// Looks for files that are new, and for those that are no longer at their path.
    func scan(now: Int64) throws {
        nextScan = now + Int64(options.scanMilliseconds) * 1_000_000
        for file in files { file.isAtPath = false }
        for text in options.patterns {
            for path in try FilePattern(text).expand(in: fileSystem) {
                try meet(path, now: now)
            }
        }
        for file in files {
            file.isDraining = try !file.isAtPath && isLeft(file)
        }
        // The rest of a file goes before what took its place.
        if let left = files.firstIndex(where: \.isDraining) { current = left }
    }

    /// Takes note of a path that matches.
    private func meet(_ path: String, now: Int64) throws {
        guard let status = try fileSystem.status(of: path) else { return }
        if let known = files.first(where: { $0.identity == status.identity }) {
            known.isAtPath = true
            known.path = path
            return
        }
        guard let file = try openIfThere(path) else { return }
        let opened = try file.status()
        // It may have been replaced between the look and the opening.
        guard !files.contains(where: { $0.identity == opened.identity }) else { return }
        files.append(
            FollowedFile(
                file, path: path, identity: opened.identity, partition: partitionCount,
                options: options, now: now))
        events.append(.opened(partitionCount))
        partitionCount += 1
    }

    private func openIfThere(_ path: String) throws(StorageError) -> (any File)? {
        do {
            return try fileSystem.open(path, .read)
        } catch {
            guard error.kind == .notFound else { throw error }
            return nil
        }
    }

    /// Whether the file will get no more than a few last lines: another one has its path, or it
    /// has no name left.
    private func isLeft(_ file: FollowedFile) throws -> Bool {
        if try file.records.file.status().linkCount == 0 { return true }
        guard let status = try fileSystem.status(of: file.path) else { return false }
        return status.identity != file.identity
    }

    /// Gives the next records of any file; nil where all are read to their end.
    func next(byteCount: Int, now: Int64) throws -> FileSource.Found? {
        var still = 0
        isInsideRecord = false
        while still < files.count {
            let file = files[current]
            let piece: RecordBuffer.Piece?
            if try file.startsAgain() {
                truncationCount += 1
                notice("\(file.path) was truncated or replaced; reading it from its start")
                piece = file.restart()
                if piece == nil { continue }
            } else {
                piece = try file.next(byteCount: byteCount, now: now)
                isInsideRecord = isInsideRecord || file.records.isInsideRecord
            }
            if let piece { return FileSource.Found(piece: piece, partition: file.partition) }
            let drained = file.stillSince + Int64(options.drainMilliseconds) * 1_000_000
            if file.isDraining && now >= drained {
                files.remove(at: current)
                if current == files.count { current = 0 }
                let rest = try file.records.finish()
                events.append(.finished(file.partition))
                if let rest { return FileSource.Found(piece: rest, partition: file.partition) }
            } else {
                current = current + 1 == files.count ? 0 : current + 1
                still += 1
            }
        }
        return nil
    }

    /// Where all files stand: `partitions so far | current file | files`, see `FollowedPlaces`.
    func encode(to writer: inout ByteWriter) throws {
        writer.append(count: partitionCount)
        writer.append(count: current)
        try FollowedPlaces.append(files, to: &writer)
    }

    /// Goes on where all files stood; those that were renamed meanwhile are found again. One that
    /// is gone, and of which nothing was read, is left.
    func resume(from reader: inout ByteReader, _ form: FilePositionForm, now: Int64) throws {
        partitionCount = try reader.count()
        let first = try reader.count()
        let places = try FollowedPlaces(from: &reader, form)
        let all = try places.find(in: fileSystem)
        for (index, found) in all.enumerated() {
            let (partition, place) = (places.entries[index].partition, places.entries[index].place)
            if index == first { current = files.count }
            if found == nil && !place.hasHead {
                notice("\(place.path) is gone; it was empty when it was seen last")
                events.append(.finished(partition))
                continue
            }
            guard let found,
                let records = try RecordFile(
                    resuming: found.file, path: found.path, at: place.content,
                    options: options)
            else {
                guard options.givesUpPlace else { throw place.missing }
                try giveUp(place, partition, taken: all.compactMap { $0?.identity }, now: now)
                continue
            }
            // Under its old path, as with a file that is renamed while it is read: when another one
            // stands there it is left once it is still.
            files.append(
                FollowedFile(
                    records, path: place.path, identity: found.identity, partition: partition,
                    now: now))
        }
        if current >= files.count { current = 0 }
        try scan(now: now)
    }

    /// Leaves a place whose file is gone. What took its path is read from its start, unless that is
    /// a part of what was read.
    private func giveUp(
        _ place: FilePlace, _ partition: Int, taken: [FileStatus.Identity], now: Int64
    ) throws {
        notice("the place in \(place.path) is given up: no file has what was read before")
        guard case .beginning(let file, let status) = try place.successor(in: fileSystem),
            !taken.contains(status.identity),
            let records = try RecordFile(
                resuming: file, path: place.path,
                at: RecordBuffer.Place(offset: status.byteCount, isRejected: false),
                options: options)
        else { return events.append(.finished(partition)) }
        files.append(
            FollowedFile(
                records, path: place.path, identity: status.identity, partition: partition,
                now: now))
    }

    /// Gives away what became of files.
    func takeEvents() -> [PartitionEvent] {
        let taken = events
        events = []
        return taken
    }

    func close() { files = [] }
}
