/// Flushes and merges: what is decided here is carried out in the background.
extension BucketedFamily {
    /// Freezes the hot tables of buckets, and has them written to one run.
    package func flush(_ starts: [Int64]) {
        let job = nextJobNumber()
        var parts: [FlushPart] = []
        for start in starts.sorted() {
            guard let bucket = buckets[start], bucket.hot.count > 0 else { continue }
            let table = bucket.hot
            parts.append(FlushPart(bucket: start, slice: table.freeze(), count: table.count))
            bucket.frozen.insert(
                Frozen(job: job, table: table, byteCount: bucket.hotBytes), at: 0)
            frozenBytes += bucket.hotBytes
            bucket.hotBytes = 0
            bucket.hot = HotTable(valueWidth: valueWidth, references: references)
        }
        guard !parts.isEmpty else { return }
        jobs[job] = .flush(parts.map(\.bucket))
        submit(job, .flush) { [parts] writer throws(StorageError) in
            for part in parts {
                writer.begin(bucket: part.bucket, keyCount: part.count)
                try writer.add(part.slice, count: part.count)
                try writer.endSection()
            }
        }
    }

    private struct FlushPart: Sendable {
        let bucket: Int64
        let slice: FrozenSlice
        let count: Int
    }

    /// Has a bucket's runs merged, if it has too many.
    private func mergeIfNeeded(_ start: Int64) {
        guard let bucket = buckets[start], !bucket.isMerging else { return }
        let sizes = bucket.sections.map { $0.section.storedByteCount }
        guard let range = MergePlanner.choose(sizes, runsMax: store.options.runsMax) else { return }
        let sections = Array(bucket.sections[range])
        bucket.isMerging = true
        let job = nextJobNumber()
        jobs[job] = .merge(start, sections)
        // A run stays until the merge has read it, whatever becomes of its bucket.
        for section in sections { liveSections[section.run.name, default: 0] += 1 }
        let keyCount = sections.reduce(0) { $0 + $1.section.entryCount }
        submit(job, .merge) { writer throws(StorageError) in
            writer.begin(bucket: start, keyCount: keyCount)
            var merge = try RunMerge(sections)
            try merge.write(to: writer)
            try writer.endSection()
        }
    }

    /// Writes a run in the background; its sections come back through `complete`.
    private func submit(
        _ job: Int, _ kind: BackgroundJob,
        _ write: @escaping @Sendable (HashedRunWriter) throws(StorageError) -> Void
    ) {
        let directory = store.directory
        let (name, fileNumber) = directory.makeName(worker: store.worker)
        let completions = store.completions
        let (family, width, references) = (number, valueWidth, references)
        var options = HashedRunWriter.Options()
        options.codec = kind == .merge ? store.options.mergeCodec : store.options.codec
        options.blockBytes = store.options.blockBytes
        options.filterBitsPerKey = store.options.filterBitsPerKey
        store.executor.submit(kind) { [options] in
            let path = directory.path(of: name)
            let outcome: Result<[ColdSection], StorageError>
            do throws(StorageError) {
                let file = try directory.fileSystem.open(path, .write(truncating: true))
                let writer = try HashedRunWriter(
                    file, valueWidth: width, references: references, options: options)
                try write(writer)
                _ = try writer.finish()
                let run = try HashedRun(file, name: name, number: fileNumber)
                var sections: [ColdSection] = []
                for section in run.sections { sections.append(try ColdSection(run, section)) }
                outcome = .success(sections)
            } catch {
                // What was written so far is no file of ours.
                do throws(StorageError) { try directory.fileSystem.unlink(path) } catch {}
                outcome = .failure(error)
            }
            completions.add(Completion(family: family, job: job, outcome: outcome))
        }
    }

    /// Takes in what a job made.
    func complete(_ completion: Completion) throws(StorageError) {
        guard let job = jobs.removeValue(forKey: completion.job) else { return }
        let made = try completion.outcome.get()
        if let run = made.first?.run {
            store.statistics.filesWritten += 1
            // Sections of buckets that are gone by now are let go of one by one, with the file.
            liveSections[run.name] = made.count
        }
        switch job {
        case .flush(let starts):
            if let run = made.first?.run { store.statistics.flushedBytes += run.byteCount }
            try install(made, of: completion.job)
            for start in starts { mergeIfNeeded(start) }
        case .merge(let start, let inputs):
            if let run = made.first?.run { store.statistics.mergedBytes += run.byteCount }
            try replace(inputs, by: made, in: start)
            mergeIfNeeded(start)
        }
    }

    /// Runs take the places of the frozen tables they were made from, the oldest first.
    private func install(_ made: [ColdSection], of job: Int) throws(StorageError) {
        for section in made {
            guard let bucket = buckets[section.section.bucket],
                let place = bucket.frozen.firstIndex(where: { $0.job == job })
            else {
                try forget(section)
                continue
            }
            bucket.frozen[place].section = section
            while let oldest = bucket.frozen.last, let written = oldest.section {
                bucket.frozen.removeLast()
                release(oldest)
                filterBytes += written.byteCount
                bucket.sections.insert(written, at: 0)
            }
        }
    }

    private func replace(
        _ inputs: [ColdSection], by made: [ColdSection], in start: Int64
    ) throws(StorageError) {
        if let bucket = buckets[start], bucket.isMerging, let section = made.first,
            let place = bucket.sections.firstIndex(where: { $0 === inputs.first })
        {
            bucket.isMerging = false
            bucket.sections.replaceSubrange(place..<place + inputs.count, with: [section])
            filterBytes += section.byteCount
            for input in inputs { try release(input) }
        } else {
            for section in made { try forget(section) }
        }
        for input in inputs { try forget(input) }
    }
}
