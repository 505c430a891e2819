package import Dataflow
package import Storage

/// Writes files whose content becomes visible with checkpoints: exactly once, whatever is killed
/// when.
///
/// What is written between two checkpoints goes to files of its own beside the targets. When the
/// checkpoint is complete, a journal notes what is about to change, and the staged files are
/// renamed to their targets or added to their ends. Names, rolling and headers are those of
/// `FileSink`.
package final class StagedFileSink: SinkWriter {
    /// What to do when the files have more than the checkpoint that is restored knows of.
    package enum Ahead: Sendable {
        case refuse
        /// Cut the files back to the checkpoint.
        case rollBack
        /// Go on behind what is there: some rows will be there twice.
        case acceptDuplicates
    }

    /// The file that is written under a path now.
    struct Target {
        /// The number in the name, of a rolled file.
        var number = 0
        /// Bytes of the file, staged ones too.
        var byteCount = 0
        var startedAt: Int64 = 0
        /// At which of the checkpoints it was written to last.
        var lastUse = 0
    }

    /// A staged file that is still written to.
    private struct Segment {
        let file: any File
        let path: String
        let base: Int
        var byteCount = 0
    }

    /// A staged file that is whole.
    struct Pending {
        /// For which it was staged first.
        let epoch: Int
        let staged: StagedFile
        let file: any File
    }

    let options: FileSink.Options
    let place: OutputPlace
    /// What the names of our staged files say.
    let owner: String
    let ahead: Ahead
    let fileSystem: any FileSystem
    let clock: EngineClock
    var journal: SinkJournal?
    /// Which run began the output.
    var lineage: Int64 = 0
    private let syncs = StagedSyncs()
    var targets: [String: Target] = [:]
    /// By the name of the file that they are for.
    private var segments: [String: Segment] = [:]
    /// What no complete checkpoint has.
    var pending: [Pending] = []
    var nextNumber = 1
    /// Checkpoints so far.
    private var useCount = 0

    package init(
        _ options: FileSink.Options, at place: OutputPlace, ahead: Ahead = .refuse,
        fileSystem: any FileSystem, clock: EngineClock
    ) {
        self.options = options
        self.place = place
        owner = StagedFile.owner(journal: place.journal)
        self.ahead = ahead
        self.fileSystem = fileSystem
        self.clock = clock
    }

    // MARK: Writing

    package func write(_ parts: [EncodedPart]) throws {
        try syncs.check()
        try parts.forEachTarget(or: options.path) { try write($0, to: $1) }
    }

    private func write(_ parts: ArraySlice<EncodedPart>, to path: String) throws {
        var target = try target(path)
        for part in parts where part.byteCount > 0 {
            if isFull(target, adding: part.byteCount) { start(&target, anew: true) }
            let name = try segment(for: target, path)
            guard var segment = segments[name] else { continue }
            try segment.file.writeAll([SlabSlice(part.slab, 0..<part.byteCount)])
            segment.byteCount += part.byteCount
            segments[name] = segment
            target.byteCount = segment.base + segment.byteCount
        }
        target.lastUse = useCount
        targets[path] = target
    }

    private func isFull(_ target: Target, adding byteCount: Int) -> Bool {
        if target.byteCount <= options.header.count { return false }
        if let most = options.rollBytes, target.byteCount + byteCount > most { return true }
        guard let age = options.rollNanoseconds else { return false }
        return clock.monotonicNanoseconds() - target.startedAt >= age
    }

    /// The target of a path, known or new.
    func target(_ path: String) throws -> Target {
        if let target = targets[path] { return target }
        var target = Target()
        try fileSystem.makeDirectories(FilePath.directory(of: path))
        if options.isRolling {
            target.number = try lastNumber(path)
            start(&target, anew: true)
        } else {
            start(&target, anew: false)
            target.byteCount = try fileSystem.status(of: path)?.byteCount ?? 0
        }
        targets[path] = target
        return target
    }

    private func start(_ target: inout Target, anew: Bool) {
        if anew { target.number += 1 }
        target.byteCount = 0
        target.startedAt = clock.monotonicNanoseconds()
    }

    private func lastNumber(_ path: String) throws -> Int {
        let name = RolledName(of: path)
        let directory = FilePath.directory(of: path)
        let there = try fileSystem.names(in: directory.isEmpty ? "." : directory)
        return there.compactMap { name.number(of: $0) }.max() ?? 0
    }

    func name(of target: Target, _ path: String) -> String {
        options.isRolling ? RolledName(of: path).numbered(target.number) : path
    }

    /// The name of the file that a target's rows go to, with a staged file open for it.
    func segment(for target: Target, _ path: String) throws -> String {
        let name = name(of: target, path)
        guard segments[name] == nil else { return name }
        let staged = StagedFile.path(for: name, owner: owner, number: nextNumber)
        nextNumber += 1
        try fileSystem.makeDirectories(FilePath.directory(of: name))
        let file = try fileSystem.open(staged, .write(truncating: true))
        var segment = Segment(file: file, path: staged, base: target.byteCount)
        if target.byteCount == 0 && !options.header.isEmpty {
            try file.writeAll([SlabSlice(Slab(options.header), 0..<options.header.count)])
            segment.byteCount = options.header.count
        }
        segments[name] = segment
        return name
    }

    package func flush() throws {}

    // MARK: Checkpoints

    package func stage(for epoch: Int) throws -> StagedOutput {
        try syncs.check()
        for (name, segment) in segments.sorted(by: { $0.key < $1.key }) {
            let staged = StagedFile(
                target: name, path: segment.path, base: segment.base,
                byteCount: segment.byteCount)
            pending.append(Pending(epoch: epoch, staged: staged, file: segment.file))
        }
        segments = [:]
        forgetTargets()
        let (staged, files) = (pending.map(\.staged), pending.map(\.file))
        let (fileSystem, journal) = (fileSystem, try openJournal())
        var output = StagedOutput()
        output.own = encoded(staged, journal.lastEpoch)
        output.byteCount = staged.reduce(0) { $0 + $1.byteCount }
        output.files = staged.map(\.path)
        let directories = Set(staged.map { FilePath.directory(of: $0.path) }).sorted()
        let syncs = syncs
        output.sync = {
            try syncs.perform {
                for file in files { try file.sync() }
                for directory in directories { try fileSystem.syncDirectory(directory) }
            }
        }
        let lineage = lineage
        output.commit = {
            try Self.commit(staged, epoch: epoch, lineage, journal, fileSystem)
        }
        return output
    }

    /// Targets that are remembered, though nothing waits to be committed to them.
    private static let targetsMax = 1024

    /// Forgets the targets that were not written to for the longest time, so that checkpoints do
    /// not grow with every path there ever was. When one is written to again, its file says how
    /// long it is.
    private func forgetTargets() {
        useCount += 1
        let waiting = Set(pending.map(\.staged.target))
        let idle = targets.filter { !waiting.contains(name(of: $0.value, $0.key)) }
        guard idle.count > Self.targetsMax else { return }
        let oldest = idle.sorted { ($0.value.lastUse, $0.key) < ($1.value.lastUse, $1.key) }
        for (path, _) in oldest.prefix(idle.count - Self.targetsMax) { targets[path] = nil }
    }

    /// The next number of a staged file, the targets, what is staged, how far the journal is, and
    /// the lineage.
    private func encoded(_ staged: [StagedFile], _ journalled: Int) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(count: nextNumber)
        writer.append(count: targets.count)
        for (path, target) in targets.sorted(by: { $0.key < $1.key }) {
            writer.append(path)
            writer.append(count: target.number)
            writer.append(count: target.byteCount)
        }
        writer.append(count: staged.count)
        for file in staged { file.encode(to: &writer) }
        writer.append(place.journal)
        writer.append(Int64(journalled))
        writer.append(lineage)
        return writer.bytes
    }

    static func commit(
        _ staged: [StagedFile], epoch: Int, _ lineage: Int64, _ journal: SinkJournal,
        _ fileSystem: any FileSystem
    ) throws {
        guard !staged.isEmpty else { return }
        try journal.add(
            SinkJournal.Record(
                epoch: epoch,
                changes: staged.map {
                    SinkJournal.Change(path: $0.target, base: $0.base, end: $0.end)
                }, lineage: lineage))
        for file in staged { try file.commit(in: fileSystem) }
    }

    package func committed(_ epoch: Int) { pending.removeAll { $0.epoch <= epoch } }

    package func close() throws {
        segments = [:]
        targets = [:]
        journal?.close()
        journal = nil
    }

    package func interrupt() {}
}
