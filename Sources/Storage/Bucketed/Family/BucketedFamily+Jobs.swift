/// Flushes and merges: what is decided here is carried out in the background.
extension BucketedFamily {
    /// Evicts the tables of buckets: what no run has of them is written to one.
    package func evict(_ starts: [Int64]) {
        var parts: [FlushPart] = []
        for start in starts.sorted() {
            guard let bucket = buckets[start], bucket.hot.count > 0 else { continue }
            if let part = freeze(start, bucket) { parts.append(part) }
            // Runs behind a table that is not in files yet are not asked, so it keeps those after
            // it.
            if bucket.flushCount > 0 || !bucket.frozen.isEmpty {
                bucket.frozen.insert(
                    Frozen(
                        generation: bucket.generation, table: bucket.hot,
                        byteCount: bucket.hotBytes, flushCount: bucket.flushCount), at: 0)
                frozenBytes += bucket.hotBytes
            } else {
                tableBytes -= bucket.hotBytes
            }
            bucket.hotBytes = 0
            bucket.hot = HotTable(valueWidth: valueWidth, references: references)
            bucket.generation = nextGenerationNumber()
            bucket.flushCount = 0
        }
        flush(parts)
    }

    /// Freezes what was written since the last checkpoint, has it written to one run, and gives
    /// all runs that hold the state as it is now. The tables stay.
    package func checkpoint() -> FamilySnapshot {
        var parts: [FlushPart] = []
        for start in starts {
            guard let bucket = buckets[start] else { continue }
            if let part = freeze(start, bucket) { parts.append(part) }
        }
        flush(parts)
        let hashes = store.hashes
        var places: [FamilySnapshot.Bucket] = []
        for start in starts {
            guard let bucket = buckets[start] else { continue }
            var files = bucket.runs.map { run in
                FamilySnapshot.File(
                    name: run.section.run.name, hashes: run.section.hashes.clamped(to: hashes))
            }
            for (job, name) in writing.sorted(by: { $0.key < $1.key }) {
                if case .flush(let generations) = jobs[job],
                    let generation = generations[start], bucket.isLiving(generation)
                {
                    files.insert(FamilySnapshot.File(name: name, hashes: hashes), at: 0)
                }
            }
            places.append(FamilySnapshot.Bucket(start: start, files: files))
        }
        let snapshot = FamilySnapshot(
            name: name, valueWidth: valueWidth, references: references, hashes: hashes,
            buckets: places)
        for file in snapshot.files { store.directory.hold(file) }
        return snapshot
    }

    /// Freezes what was written to a bucket's table since it was last frozen.
    private func freeze(_ start: Int64, _ bucket: Bucket) -> FlushPart? {
        let changed = bucket.hot.changedCount
        guard changed > 0 else { return nil }
        bucket.flushCount += 1
        return FlushPart(
            bucket: start, generation: bucket.generation, slice: bucket.hot.freeze(),
            count: changed)
    }

    private func flush(_ parts: [FlushPart]) {
        guard !parts.isEmpty else { return }
        let job = nextJobNumber()
        var generations: [Int64: Int] = [:]
        for part in parts { generations[part.bucket] = part.generation }
        jobs[job] = .flush(generations)
        let keyCount = parts.reduce(0) { $0 + $1.count }
        let progress = FlushProgress(total: keyCount)
        flushes[job] = progress
        writing[job] = submit(job, .flush, writerOptions(.flush, keyCount: keyCount)) {
            [parts] writer throws(StorageError) in
            for part in parts {
                writer.begin(bucket: part.bucket, keyCount: part.count)
                try writer.add(part.slice, count: part.count, progress)
                try writer.endSection()
            }
        }
    }

    private struct FlushPart: Sendable {
        let bucket: Int64
        let generation: Int
        let slice: FrozenSlice
        let count: Int
    }

    /// Has a bucket's runs merged, if it has too many: those that are asked, or those whose
    /// entries are in a table too.
    private func mergeIfNeeded(_ start: Int64) {
        guard let bucket = buckets[start], !bucket.isMerging else { return }
        let cold = bucket.cold
        for candidates in [cold, bucket.runs[..<cold.startIndex]] {
            let sizes = candidates.map { $0.section.section.storedByteCount }
            if let range = MergePlanner.choose(sizes, runsMax: store.options.runsMax) {
                let first = candidates.startIndex
                merge(Array(candidates[first + range.lowerBound..<first + range.upperBound]), start)
                return
            }
        }
    }

    private func merge(_ runs: [PlacedRun], _ start: Int64) {
        let job = nextJobNumber()
        jobs[job] = .merge(start, runs)
        // A run stays until the merge has read it, whatever becomes of its bucket.
        let sections = runs.map(\.section)
        for section in sections { liveSections[section.run.name, default: 0] += 1 }
        let keyCount = sections.reduce(0) { $0 + $1.section.entryCount }
        let hashes = store.hashes
        let options = writerOptions(.merge, keyCount: 0)
        let cut = FilterCut(
            keyCount: keyCount, bitsPerKey: options.filterBitsPerKey, hashes: hashes)
        let parts = FilterParts()
        buckets[start]?.ahead = MergeAhead(
            inputs: sections, filter: SectionFilter(cut), parts: parts)
        merging.insert(start)
        let (completions, directory) = (store.completions, store.directory)
        writing[job] = submit(job, .merge, options) { writer throws(StorageError) in
            writer.begin(bucket: start, cut, parts: parts)
            var merge = try RunMerge(sections)
            try merge.write(to: writer, within: hashes) { () throws(StorageError) in
                try completions.check(.merge, writing: directory.path)
            }
            try writer.endSection()
        }
    }

    /// How a job that adds `keyCount` keys to the runs is to write.
    private func writerOptions(_ kind: BackgroundJob, keyCount: Int) -> HashedRunWriter.Options {
        var options = HashedRunWriter.Options()
        options.codec = kind == .merge ? store.options.mergeCodec : store.options.codec
        options.blockBytes = store.options.blockBytes
        options.filterBitsPerKey = store.filterBitsPerKey(adding: keyCount)
        options.hashes = store.hashes
        return options
    }

    /// Writes a run in the background; its sections come back through `complete`. Gives the name
    /// of its file.
    private func submit(
        _ job: Int, _ kind: BackgroundJob, _ options: HashedRunWriter.Options,
        _ write: @escaping @Sendable (HashedRunWriter) throws(StorageError) -> Void
    ) -> String {
        let directory = store.directory
        // Flushes wait for room on the disk; a merge that does not find any gives its own back.
        let fileSystem =
            kind == .flush ? directory.fileSystem : directory.fileSystem.impatient
        let (name, fileNumber) = directory.makeName(worker: store.worker)
        directory.hold(name)
        let completions = store.completions
        let (family, width, references) = (number, valueWidth, references)
        store.executor.submit(kind) {
            let path = directory.path(of: name)
            let outcome: Result<[ColdSection], StorageError>
            do throws(StorageError) {
                try completions.check(kind, writing: path)
                let file = try fileSystem.open(path, .write(truncating: true))
                let writer = try HashedRunWriter(
                    file, valueWidth: width, references: references, options: options)
                try write(writer)
                _ = try writer.finish()
                let run = try HashedRun(file, name: name, number: fileNumber)
                var sections: [ColdSection] = []
                for section in writer.written { sections.append(try ColdSection(run, section)) }
                outcome = .success(sections)
            } catch {
                // What was written so far is no file of ours.
                do throws(StorageError) { try directory.fileSystem.unlink(path) } catch {}
                if kind == .flush { completions.noteFailure(error) }
                outcome = .failure(error)
            }
            completions.add(
                Completion(family: family, kind: kind, job: job, made: .sections(outcome)))
        }
        return name
    }

    /// Takes in what a job made.
    func complete(
        _ number: Int, _ outcome: Result<[ColdSection], StorageError>
    ) throws(StorageError) {
        guard let job = jobs.removeValue(forKey: number) else { return }
        flushes[number] = nil
        let name = writing.removeValue(forKey: number)
        if case .merge(let start, let inputs) = job, case .failure(let error) = outcome,
            error.isLackOfRoom
        {
            if let name { try store.directory.release(name) }
            return try giveUpMerge(of: inputs, in: start)
        }
        let made = try outcome.get()
        if let run = made.first?.run {
            store.statistics.filesWritten += 1
            // Sections of buckets that are gone by now are let go of one by one, with the file.
            liveSections[run.name] = made.count
        }
        // A merge may find that none of the entries is this store's.
        if made.isEmpty, let name { try store.directory.release(name) }
        switch job {
        case .flush(let generations):
            for section in made {
                try install(section, generation: generations[section.section.bucket] ?? 0)
            }
            for start in generations.keys.sorted() { mergeIfNeeded(start) }
        case .merge(let start, let inputs):
            try replace(inputs, by: made, in: start)
            mergeIfNeeded(start)
        }
    }

    /// A run takes its place; a table that was evicted goes when all of it is in runs.
    private func install(_ section: ColdSection, generation: Int) throws(StorageError) {
        guard let bucket = buckets[section.section.bucket], bucket.isLiving(generation) else {
            return try forget(section)
        }
        filterBytes += section.byteCount
        let place = bucket.runs.firstIndex { $0.generation <= generation } ?? bucket.runs.endIndex
        bucket.runs.insert(PlacedRun(section: section, generation: generation), at: place)
        if generation == bucket.generation {
            bucket.flushCount -= 1
            return
        }
        guard let frozen = bucket.frozen.firstIndex(where: { $0.generation == generation }) else {
            return
        }
        bucket.frozen[frozen].flushCount -= 1
        while let oldest = bucket.frozen.last, oldest.flushCount == 0 {
            bucket.frozen.removeLast()
            release(oldest)
        }
    }

    /// Leaves runs as they are whose merge found no room on the disk: the next flush asks again.
    private func giveUpMerge(
        of inputs: [PlacedRun], in start: Int64
    ) throws(StorageError) {
        if let bucket = buckets[start], let ahead = bucket.ahead,
            let newest = inputs.first, ahead.reads(newest.section)
        {
            // The filters of the inputs have lost parts to that of the merge.
            filterBytes -= ahead.filter.byteCount
            bucket.ahead = nil
            merging.remove(start)
            lacksFilterParts = true
        }
        for input in inputs { try forget(input.section) }
    }

    private func replace(
        _ inputs: [PlacedRun], by made: [ColdSection], in start: Int64
    ) throws(StorageError) {
        if let bucket = buckets[start], bucket.isMerging, let newest = inputs.first,
            let place = bucket.runs.firstIndex(where: { $0.section === newest.section })
        {
            if let ahead = bucket.ahead { settle(ahead, for: made) }
            bucket.ahead = nil
            merging.remove(start)
            let merged = made.map { PlacedRun(section: $0, generation: newest.generation) }
            bucket.runs.replaceSubrange(place..<place + inputs.count, with: merged)
            for section in made { filterBytes += section.byteCount }
            for input in inputs { try release(input.section) }
        } else {
            for section in made { try forget(section) }
        }
        for input in inputs { try forget(input.section) }
    }
}
