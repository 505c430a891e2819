/// Flushes and merges: what is decided here is carried out in the background.
extension KeyedFamily {
    /// Ends the table that is written to, and has all flushed that is not.
    package func freeze() {
        guard !memtable.isEmpty else { return flush() }
        let table = memtable
        table.freeze()
        let file = store.directory.makeName(worker: store.worker, kind: .keyed)
        store.directory.hold(file.name)
        frozen.insert(
            Frozen(table: table, byteCount: table.byteCount, version: sequence, file: file), at: 0)
        frozenBytes += table.byteCount
        memtable = KeyedMemtable(merging: options.operation, keyCount: table.count / 2)
        memtable.watermark = watermark
        view = nil
        lastTableBytes = memtable.byteCount
        flush()
    }

    /// Has frozen tables written that nobody writes yet.
    func flush() {
        for index in frozen.indices.reversed()
        where frozen[index].job == nil && frozen[index].made == nil {
            let (table, file) = (frozen[index].table, frozen[index].file)
            let job = nextJobNumber()
            frozen[index].job = job
            jobs[job] = .flush(name: file.name)
            var rules = rules
            rules.tombstones = table.hidden
            if pins.isEmpty, table.tombstones.isEmpty { rules.version = frozen[index].version }
            var settings = settings(level: 0)
            settings.firstName = file
            settings.fileBytes = .max
            settings.tombstones = table.tombstones
            settings.time = options.lifetime == nil ? .max : table.watermark
            submit(job, .flush, rules, settings) { () -> [EntryCursor] in
                [MemtableCursor(MemtableView(table))]
            }
        }
    }

    private var rules: EntryReducer.Rules {
        var rules = EntryReducer.Rules()
        rules.snapshots = pins.keys.sorted()
        rules.operation = options.operation
        rules.lifetime = lifetime
        rules.watermark = watermark
        return rules
    }

    private func settings(level: Int) -> TableOutput.Settings {
        var settings = TableOutput.Settings(directory: store.directory, worker: store.worker)
        settings.table = OrderedTableWriter.Options(
            blockBytes: options.blockBytes, codec: options.codec(level),
            filterBitsPerKey: options.filterBitsPerKey)
        settings.fileBytes = options.fileBytes ?? max(planner.levelOneBytes / 4, 1 << 14)
        return settings
    }

    /// Writes what cursors give in the background; the files come back through `complete`.
    private func submit(
        _ job: Int, _ kind: BackgroundJob, _ rules: EntryReducer.Rules,
        _ settings: TableOutput.Settings, _ cursors: @escaping @Sendable () -> [EntryCursor]
    ) {
        let completions = store.completions
        let (family, path) = (number, store.directory.path)
        store.executor.submit(kind) {
            let output = TableOutput(settings)
            let outcome: Result<KeyedOutput, StorageError>
            do throws(StorageError) {
                let reducer = EntryReducer(rules, output: output)
                let merge = CursorMerge(cursors())
                try unsafe merge.seek(UnsafeRawBufferPointer(start: nil, count: 0))
                while let cursor = merge.first {
                    try completions.check(kind, writing: path)
                    try reducer.add(cursor)
                    try merge.next()
                }
                try reducer.finish()
                try output.finish()
                outcome = .success(
                    KeyedOutput(files: output.files, byteCount: output.byteCount))
            } catch {
                if kind == .flush { completions.noteFailure(error) }
                output.abandon()
                outcome = .failure(error)
            }
            completions.add(Completion(family: family, kind: kind, job: job, made: .files(outcome)))
        }
    }

    // MARK: Merges

    /// Has the levels brought into shape, one step at a time.
    func mergeIfNeeded() throws(StorageError) {
        while !isMerging {
            switch planner.decide(shapes) {
            case .nothing: return
            case .drop(let level, let files):
                let gone = files.map { levels[level][$0] }
                try replace(gone, level, by: [])
            case .move(let level, let file):
                if options.codec(level) != options.codec(level + 1) {
                    merge(level, [file], [])
                } else {
                    let moved = levels[level].remove(at: file)
                    while levels.count <= level + 1 { levels.append([]) }
                    levels[level + 1].append(moved)
                    sort(level + 1)
                    levelsChanged()
                }
            case .merge(let level, let files, let next): merge(level, files, next)
            }
        }
    }

    private var shapes: [[CompactionPlanner.Shape]] {
        levels.map { files in
            files.map { file in
                var isExpired = false
                if let lifetime, pins.isEmpty {
                    isExpired = lifetime.isExpired(written: file.time, at: watermark)
                }
                return CompactionPlanner.Shape(
                    byteCount: file.byteCount, range: file.range, isExpired: isExpired)
            }
        }
    }

    private func merge(_ level: Int, _ files: [Int], _ next: [Int]) {
        isMerging = true
        let upper = files.map { levels[level][$0] }
        let lower = next.map { levels[level + 1][$0] }
        let inputs = upper + lower
        let job = nextJobNumber()
        jobs[job] = .merge(level: level, inputs: inputs)
        let range = inputs.dropFirst().reduce(inputs[0].range) { $0.union($1.range) }
        var rules = rules
        rules.tombstones = RangeTombstones(inputs.flatMap(\.tombstones))
        rules.isBottom = !levels.dropFirst(level + 2).joined().contains {
            $0.range.overlaps(range)
        }
        var settings = settings(level: level + 1)
        let least = rules.snapshots.first ?? .max
        // At the bottom a range tombstone has nothing left to hide, unless a snapshot sees it.
        settings.tombstones = rules.tombstones.list.filter {
            !rules.isBottom || least < $0.version
        }
        settings.time = inputs.map(\.time).max() ?? .max
        settings.rate = options.rate
        // No file may grow over what it shares a level with: a file of level 0 alone, the others
        // one behind the other.
        let groups = (level == 0 ? upper.map { [$0] } : [upper]) + (lower.isEmpty ? [] : [lower])
        submit(job, .compact, rules, settings) { () -> [EntryCursor] in
            groups.map { FilesCursor($0, nil) }
        }
    }

    // MARK: Completions

    /// Takes in what a job made.
    func complete(
        _ job: Int, _ outcome: Result<KeyedOutput, StorageError>
    ) throws(StorageError) {
        guard let what = jobs.removeValue(forKey: job) else { return }
        switch what {
        case .flush:
            guard let index = frozen.firstIndex(where: { $0.job == job }) else { return }
            frozen[index].job = nil
            if case .failure = outcome {
                // It is tried again under another name: this one is gone.
                let table = frozen[index].table
                let file = store.directory.makeName(worker: store.worker, kind: .keyed)
                store.directory.hold(file.name)
                frozen[index] = Frozen(
                    table: table, byteCount: frozen[index].byteCount,
                    version: frozen[index].version, file: file)
            }
            let made = try outcome.get()
            store.statistics.filesWritten += 1
            frozen[index].made = made.files
            try install()
        case .merge(let level, let inputs):
            isMerging = false
            // The next flush asks again.
            if case .failure(let error) = outcome, error.isLackOfRoom { return }
            let made = try outcome.get()
            store.statistics.filesWritten += made.files.count
            try replace(inputs, level, by: made.files)
        }
        try mergeIfNeeded()
    }

    /// Puts the files of the oldest tables into level 0, in the order of their age.
    private func install() throws(StorageError) {
        while let oldest = frozen.last, let made = oldest.made {
            frozen.removeLast()
            frozenBytes -= oldest.byteCount
            if levels.isEmpty { levels = Array(repeating: [], count: options.levelsMax) }
            levels[0].insert(contentsOf: made, at: 0)
            for file in made { filterBytes += file.table.residentByteCount }
            if made.isEmpty { try store.directory.release(oldest.file.name) }
        }
        levelsChanged()
    }

    /// Puts files of a level, and of the next, out of use, and others into the next.
    private func replace(
        _ inputs: [KeyedFile], _ level: Int, by made: [KeyedFile]
    ) throws(StorageError) {
        let gone = Set(inputs.map { ObjectIdentifier($0) })
        while levels.count <= level + 1 { levels.append([]) }
        for place in [level, level + 1] {
            levels[place].removeAll { gone.contains(ObjectIdentifier($0)) }
        }
        levels[level + 1] += made
        sort(level + 1)
        levelsChanged()
        for file in made { filterBytes += file.table.residentByteCount }
        for file in inputs {
            filterBytes -= file.table.residentByteCount
            store.cache.remove(file: file.table.number)
            if try store.directory.release(file.name) { store.statistics.filesRemoved += 1 }
        }
    }

    // MARK: Pressure

    /// Accounts for what was written, and keeps the store within its memory.
    func settleMemory() throws(StorageError) {
        let bytes = memtable.byteCount
        if let lifetime, watermark > nextExpiry {
            // Files that outlived their time are looked for now and then.
            nextExpiry = watermark.addingReportingOverflow(lifetime.duration / 16).partialValue
            try mergeIfNeeded()
        }
        guard bytes != lastTableBytes || store.completions.hasAny else { return }
        debt += max(bytes - lastTableBytes, 0)
        lastTableBytes = bytes
        if bytes >= flushBytes { freeze() }
        try store.balance()
    }

    /// How much writers are held back: 0 for not at all, 1000 for as much as possible.
    package var pressure: Int {
        let count = levels.first?.count ?? 0
        guard count >= options.levelZeroSlow else { return 0 }
        let span = max(options.levelZeroStop - options.levelZeroSlow, 1)
        return min((count - options.levelZeroSlow + 1) * 1000 / span, 1000)
    }

    /// Whether writers wait until a merge is done.
    var isStopped: Bool {
        isMerging && (levels.first?.count ?? 0) >= options.levelZeroStop
    }

    /// Milliseconds that the owner should wait for what was written since it was last asked: under
    /// full pressure, of its own or from outside, a tenth of a second for each mebibyte.
    func takeDelay(pressure outer: Int) -> Int {
        let pressure = max(pressure, outer)
        guard pressure > 0 else {
            debt = 0
            return 0
        }
        let milliseconds = debt * pressure / (10_000 << 10)
        if milliseconds > 0 { debt = 0 }
        return milliseconds
    }
}

/// What a flush or a merge of a keyed family made.
struct KeyedOutput: Sendable {
    let files: [KeyedFile]
    let byteCount: Int
}
