package import Dataflow
package import Storage

/// Writes files: one whose path is given, or those that its parts name.
///
/// Directories are made as needed. The file given by `path` is emptied at the start of a run; files
/// that parts name are written on at their ends, so that a run that starts again keeps the day's. A
/// file that is empty begins with the header, if there is one. With rolling, files are called
/// `name-000001.ndjson` and so on, numbered on from what is there; a file is left when the next
/// part would make it larger than `rollBytes`, or when it is older than `rollNanoseconds`. Parts
/// are never cut, so neither are records.
///
/// It takes the lock that a sink with checkpoints has left beside its output, but leaves none
/// itself.
///
/// Bytes are with the system when a write returns, but not synced. While the disk is full or fails,
/// there is no waiting: the write throws, and the run ends with the cause. A last record may then
/// be cut short.
package final class FileSink: SinkWriter {
    /// Where and how to write.
    package struct Options: Sendable {
        /// The target of parts that name none.
        package var path: String?
        package var rollBytes: Int?
        /// The monotonic age at which a file is left.
        package var rollNanoseconds: Int64?
        /// Directories below the first one, where parts say where they go.
        package var directoryLevels = 0
        /// What a file begins with.
        package var header: [UInt8] = []
        /// Files kept open at once; beyond, the one not written to for the longest time is closed.
        package var openFilesMax = 64

        /// Writes to `path`, or with nil where each part says.
        package init(path: String?) { self.path = path }

        package var isRolling: Bool { rollBytes != nil || rollNanoseconds != nil }
    }

    /// A path that was written to in this run.
    private final class Target {
        let path: String
        /// The number in the name, of a rolled file.
        var number = 0
        var file: (any File)?
        var byteCount = 0
        var startedAt: Int64 = 0
        var lastUse = 0

        init(path: String) { self.path = path }
    }

    private let options: Options
    private let place: OutputPlace?
    /// Held while this sink is open, where there is one.
    private var lock: (any File)?
    private let fileSystem: any FileSystem
    private let clock: EngineClock
    private var targets: [String: Target] = [:]
    private var openTargets: [Target] = []
    private var useCount = 0

    package init(
        _ options: Options, at place: OutputPlace? = nil, fileSystem: any FileSystem,
        clock: EngineClock
    ) {
        self.options = options
        self.place = place
        self.fileSystem = fileSystem
        self.clock = clock
    }

    package func open() throws {
        if let place, try fileSystem.status(of: place.lock) != nil {
            lock = try OutputPlace.claim(place.lock, for: place.output, fileSystem)
        }
        if let path = options.path { _ = try target(path) }
    }

    package func write(_ parts: [EncodedPart]) throws {
        try parts.forEachTarget(or: options.path) { try write($0, to: $1) }
    }

    private func write(_ parts: ArraySlice<EncodedPart>, to path: String) throws {
        let target = try target(path)
        var slices: [SlabSlice] = []
        var byteCount = 0
        for part in parts where part.byteCount > 0 {
            if isFull(target, with: byteCount, adding: part.byteCount) {
                try write(slices, byteCount, to: target)
                slices = []
                byteCount = 0
                try start(target)
            }
            slices.append(SlabSlice(part.slab, 0..<part.byteCount))
            byteCount += part.byteCount
        }
        try write(slices, byteCount, to: target)
    }

    private func isFull(_ target: Target, with pending: Int, adding byteCount: Int) -> Bool {
        let held = target.byteCount + pending
        if held == 0 { return false }
        if let most = options.rollBytes, held + byteCount > most { return true }
        guard let age = options.rollNanoseconds else { return false }
        return clock.monotonicNanoseconds() - target.startedAt >= age
    }

    private func write(_ slices: [SlabSlice], _ byteCount: Int, to target: Target) throws {
        guard let file = target.file, byteCount > 0 else { return }
        try file.writeAll(slices)
        target.byteCount += byteCount
    }

    /// The target for a path, with its file open.
    private func target(_ path: String) throws -> Target {
        useCount += 1
        if let target = targets[path] {
            target.lastUse = useCount
            if target.file == nil { try open(target, .append) }
            return target
        }
        let target = Target(path: path)
        target.lastUse = useCount
        try fileSystem.makeDirectories(FilePath.directory(of: path))
        if options.isRolling { target.number = try lastNumber(path) }
        try start(target)
        targets[path] = target
        return target
    }

    /// Starts a target's only file, or its next one.
    private func start(_ target: Target) throws {
        release(target)
        if options.isRolling { target.number += 1 }
        target.byteCount = 0
        target.startedAt = clock.monotonicNanoseconds()
        let keeps = options.path == nil && !options.isRolling
        try open(target, keeps ? .append : .write(truncating: true))
        if keeps { target.byteCount = try target.file?.status().byteCount ?? 0 }
        if target.byteCount == 0 && !options.header.isEmpty {
            // It does not count as content: a file with nothing but a header is not left.
            try target.file?.writeAll([SlabSlice(Slab(options.header), 0..<options.header.count)])
        }
    }

    private func open(_ target: Target, _ mode: OpenMode) throws {
        if openTargets.count >= max(options.openFilesMax, 1) {
            if let oldest = openTargets.min(by: { $0.lastUse < $1.lastUse }) { release(oldest) }
        }
        target.file = try fileSystem.open(name(target), mode)
        openTargets.append(target)
    }

    private func release(_ target: Target) {
        target.file = nil
        openTargets.removeAll { $0 === target }
    }

    private func name(_ target: Target) -> String {
        options.isRolling
            ? RolledName(of: target.path).numbered(target.number) : target.path
    }

    private func lastNumber(_ path: String) throws -> Int {
        let name = RolledName(of: path)
        let directory = FilePath.directory(of: path)
        let there = try fileSystem.names(in: directory.isEmpty ? "." : directory)
        return there.compactMap { name.number(of: $0) }.max() ?? 0
    }

    package func flush() throws {}

    package func close() throws {
        targets = [:]
        openTargets = []
        lock = nil
    }

    package func interrupt() {}
}
