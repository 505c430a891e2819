/// Bringing a family back from a checkpoint.
extension BucketedFamily {
    /// Takes over what families of this name held at a checkpoint, one for each of the workers of
    /// then; only the keys that are this store's count. The files are shared, and only read.
    package func restore(_ snapshots: [FamilySnapshot]) throws(StorageError) {
        var runs: [String: HashedRun] = [:]
        for bucket in FamilySnapshot.combined(snapshots, within: store.hashes) {
            for file in bucket.files {
                if runs[file.name] == nil { runs[file.name] = try open(file.name) }
                if let run = runs[file.name] {
                    try add(run, to: bucket.start, within: file.hashes)
                }
            }
        }
        for name in runs.keys.sorted() where liveSections[name] == nil {
            try store.directory.release(name)
        }
    }

    private func open(_ name: String) throws(StorageError) -> HashedRun {
        let directory = store.directory
        let file = try directory.fileSystem.open(directory.path(of: name), .read)
        let run = try HashedRun(file, name: name, number: directory.makeNumber())
        guard run.footer.valueWidth == valueWidth, run.footer.references == references else {
            throw run.corrupt(0, "its values are not those of '\(self.name)'")
        }
        // What came before may share the file: all of its sections are one hold.
        if liveSections[name] == nil { directory.hold(name) }
        return run
    }

    /// Puts a run's section of a bucket behind those that are there.
    private func add(
        _ run: HashedRun, to start: Int64, within hashes: ClosedRange<UInt64>
    ) throws(StorageError) {
        // A run of a flush that found nothing to write for the bucket has no section of it.
        for section in run.sections where section.bucket == start {
            guard section.hashes.overlaps(hashes) else { continue }
            let section = try ColdSection(run, section, within: hashes)
            bucket(start).runs.append(PlacedRun(section: section, generation: -1))
            liveSections[run.name, default: 0] += 1
            filterBytes += section.byteCount
            lacksFilterParts = true
        }
    }
}
