import Dataflow
import Storage

/// The opening of a sink: afresh, behind a checkpoint, and where output of that is damaged or gone.
extension StagedFileSink {
    package func open() throws {
        let journal = try openJournal()
        try journal.mend()
        lineage = max(clock.wallMicroseconds(), 1)
        targets = [:]
        pending = []
        try removeStaged(near: Set(journal.changes(after: 0).map(\.path)))
        guard let path = options.path else { return }
        if !options.isRolling, try fileSystem.status(of: path) != nil {
            try fileSystem.unlink(path)
        }
        _ = try segment(for: target(path), path)
    }

    func openJournal() throws -> SinkJournal {
        if let journal { return journal }
        let opened = try SinkJournal(place, fileSystem: fileSystem)
        journal = opened
        return opened
    }

    package func lastEpoch() throws -> Int { try openJournal().lastEpoch }

    package func resume(_ own: [UInt8], epoch: Int) throws {
        let journal = try openJournal()
        var held = try take(own)
        let near = Set(targets.keys).union(held.staged.map(\.target))
        if let earlier = try earlierJournal(of: held) {
            defer { earlier.close() }
            try resume(held, epoch: epoch, earlier)
            try removeStaged(near: near, by: StagedFile.owner(journal: earlier.path))
            held = Held()
        }
        let later = journal.changes(after: epoch)
        try resume(held, epoch: epoch, journal)
        try checkLength()
        if lineage == 0 { lineage = max(clock.wallMicroseconds(), 1) }
        try removeStaged(near: near.union(later.map(\.path)))
    }

    /// Brings the files that a journal tells of to where they were at a checkpoint.
    private func resume(_ held: Held, epoch: Int, _ journal: SinkJournal) throws {
        let damage = journal.damage ?? held.lack(of: journal, at: place)
        if journal.changes(after: epoch).isEmpty && damage == nil {
            try Self.commit(held.staged, epoch: epoch, lineage, journal, fileSystem)
        } else {
            try settle(damage, epoch: epoch, held.staged, journal)
        }
    }

    /// The journal of the output that a sink had whose path was changed since, if it is there.
    private func earlierJournal(of held: Held) throws -> SinkJournal? {
        guard let path = held.journal, path != place.journal, path != place.former,
            try fileSystem.status(of: path) != nil
        else { return nil }
        return try SinkJournal(earlier: path, fileSystem: fileSystem)
    }

    /// What a checkpoint holds of the output that waits for it.
    private struct Held {
        var staged: [StagedFile] = []
        /// The journal, and how far it was; those of before do not tell.
        var journal: String?
        var journalled = 0

        /// Why a journal has less than it had when the checkpoint was made; nil where it has all.
        func lack(of other: SinkJournal, at place: OutputPlace) -> StorageError? {
            guard journal == other.path || journal == place.former else { return nil }
            return other.lastEpoch < journalled ? other.shortened(to: journalled) : nil
        }
    }

    /// Takes over what a checkpoint holds.
    private func take(_ own: [UInt8]) throws -> Held {
        var reader = ByteReader(own)
        targets = [:]
        nextNumber = try reader.count()
        let count = try reader.count()
        for _ in 0..<count {
            let path = try reader.text()
            var target = Target()
            target.number = try reader.count()
            target.byteCount = try reader.count()
            target.startedAt = clock.monotonicNanoseconds()
            // What was rolled and is no more, or the other way round, looks which files there are.
            if (target.number > 0) != options.isRolling { continue }
            targets[path] = target
        }
        var held = Held()
        held.staged = try reader.list { reader throws(ByteReader.Damage) in
            try StagedFile(from: &reader)
        }
        if reader.rest > 0 {
            held.journal = try reader.text()
            held.journalled = Int(try reader.integer(Int64.self))
        }
        lineage = reader.rest > 0 ? try reader.integer() : 0
        try reader.finish()
        return held
    }

    /// Files that are whole stay, whatever became of the journal, and what waits for them is
    /// committed. A file that is gone, or shorter than the checkpoint says, begins anew.
    package func beginAnew(_ own: [UInt8], epoch: Int) throws {
        let journal = try openJournal()
        let staged = try take(own).staged
        for (path, target) in targets.sorted(by: { $0.key < $1.key }) {
            try refuseLonger(name(of: target, path), than: target.byteCount)
        }
        try journal.mend()
        let whole = try staged.filter { try $0.isWhole(in: fileSystem) }
        if lineage == 0 { lineage = max(clock.wallMicroseconds(), 1) }
        try Self.commit(whole, epoch: epoch, lineage, journal, fileSystem)
        for (path, target) in targets {
            let status = try fileSystem.status(of: name(of: target, path))
            if let status, status.byteCount >= target.byteCount { continue }
            targets[path] = nil
            if status != nil, path == options.path, !options.isRolling {
                try fileSystem.unlink(path)
            }
        }
        try removeStaged(near: Set(targets.keys).union(staged.map(\.target)))
        guard let path = options.path, targets[path] == nil else { return }
        _ = try segment(for: target(path), path)
    }

    /// Throws where a file has more than a checkpoint knows of: whether that is to stay, only other
    /// options say.
    private func refuseLonger(_ path: String, than byteCount: Int) throws {
        guard let there = try fileSystem.status(of: path)?.byteCount, there > byteCount else {
            return
        }
        throw StorageError(
            .corrupt, operation: "go on writing", path: path, offset: byteCount,
            cause: "it has \(there) bytes, and the checkpoint knows of \(byteCount)",
            advice: "cut it back with --roll-back-sinks, or go on behind what is there with "
                + "--accept-duplicates")
    }

    /// Throws where the file has become shorter since: what comes could not be put behind it.
    private func checkLength() throws {
        guard let path = options.path, let last = targets[path], last.number == 0 else { return }
        let there = try fileSystem.status(of: path)?.byteCount ?? 0
        let end = StagedFile(target: path, path: path, base: last.byteCount, byteCount: 0)
        if there < end.base { throw end.shortened(there) }
    }

    /// Decides about what was committed behind the checkpoint, or may have been, as the journal is
    /// damaged.
    private func settle(
        _ damage: StorageError?, epoch: Int, _ staged: [StagedFile], _ journal: SinkJournal
    ) throws {
        let later = journal.changes(after: epoch)
        if ahead != .acceptDuplicates {
            try refuseForeign(epoch, journal)
        }
        switch ahead {
        case .refuse:
            if let damage { throw damage }
            throw SinkAhead(
                paths: Set(later.map(\.path)).sorted(), epoch: epoch,
                sinkEpoch: journal.lastEpoch)
        case .rollBack:
            for change in later.reversed() { try cut(change, staged) }
            for (path, target) in targets where damage != nil {
                let (file, end) = (name(of: target, path), target.byteCount)
                try cut(SinkJournal.Change(path: file, base: end, end: end), staged)
            }
        case .acceptDuplicates: break
        }
        try journal.forget(after: epoch)
        // Behind an epoch that is committed the output of those before it is, too, unless that had
        // failed.
        let waiting = try staged.filter { file in
            let there = try fileSystem.status(of: file.target)?.byteCount ?? 0
            return try there <= file.end && fileSystem.status(of: file.path) != nil
        }
        try Self.commit(waiting, epoch: epoch, lineage, journal, fileSystem)
        guard ahead == .acceptDuplicates else { return }
        for (path, target) in targets {
            let there = try fileSystem.status(of: name(of: target, path))?.byteCount
            targets[path]?.byteCount = there ?? 0
        }
    }

    /// Throws where others have written the output since: their rows are not ours to cut.
    private func refuseForeign(_ epoch: Int, _ journal: SinkJournal) throws {
        let foreign = journal.changes(after: epoch, notOf: lineage)
        guard !foreign.isEmpty else { return }
        throw SinkAhead(
            paths: Set(foreign.map(\.path)).sorted(), epoch: epoch,
            sinkEpoch: journal.lastEpoch,
            advice: "Another pipeline, or a run that began afresh, has written it since, and its "
                + "rows are not cut. Give this sink a path of its own, or go on behind what is "
                + "there with --accept-duplicates")
    }

    /// Cuts a file back to what it had at the checkpoint.
    private func cut(_ change: SinkJournal.Change, _ staged: [StagedFile]) throws {
        var byteCount = staged.filter { $0.target == change.path }.map(\.end).max()
        for (path, target) in targets where name(of: target, path) == change.path {
            byteCount = target.byteCount
        }
        let end = byteCount ?? change.base
        guard let status = try fileSystem.status(of: change.path), status.byteCount > end else {
            return
        }
        let file = try fileSystem.open(change.path, .write(truncating: false))
        try file.truncate(to: end)
        try file.sync()
    }

    /// Removes staged files of ours that no checkpoint knows of, or those of another owner.
    private func removeStaged(near paths: Set<String>, by earlier: String? = nil) throws {
        let formerOwner = place.former.map { StagedFile.owner(journal: $0) }
        var directories = Set(paths.map { FilePath.directory(of: $0) })
        let first = FilePath.directory(of: options.path ?? place.journal)
        try add(first, levels: options.directoryLevels, to: &directories)
        for directory in directories.sorted() {
            let shown = directory.isEmpty ? "." : directory
            guard try fileSystem.status(of: shown)?.kind == .directory else { continue }
            for name in try fileSystem.names(in: shown) {
                var isOurs = StagedFile.isStaged(name, by: earlier ?? owner)
                if earlier == nil, let formerOwner,
                    let target = StagedFile.target(of: name, by: formerOwner)
                {
                    // The owner of earlier versions may have been that of other pipelines, too.
                    isOurs = isOurs || place.owns(FilePath.join(directory, target))
                }
                if isOurs { try fileSystem.unlink(FilePath.join(directory, name)) }
            }
        }
    }

    /// Adds a directory and those below it, `levels` deep: where a run that made no checkpoint may
    /// have left something.
    private func add(
        _ directory: String, levels: Int, to directories: inout Set<String>
    ) throws {
        directories.insert(directory)
        let place = directory.isEmpty ? "." : directory
        guard levels > 0, try fileSystem.status(of: place)?.kind == .directory else { return }
        for name in try fileSystem.names(in: place) {
            let path = FilePath.join(directory, name)
            guard try fileSystem.status(of: path)?.kind == .directory else { continue }
            try add(path, levels: levels - 1, to: &directories)
        }
    }
}
