/// The filters of runs, within the memory there is for them.
extension BucketedFamily {
    /// The filter of a merge under way: where it has got to, it stands for those of its inputs.
    struct MergeAhead {
        let inputs: [ColdSection]
        let filter: SectionFilter
        /// Where the merge leaves its parts.
        let parts: FilterParts

        /// Whether the merge reads a section.
        func reads(_ section: ColdSection) -> Bool { inputs.contains { $0 === section } }
    }

    /// Entries of all runs.
    var coldCount: Int {
        buckets.values.reduce(0) { total, bucket in
            bucket.runs.reduce(total) { $0 + $1.section.section.entryCount }
        }
    }

    /// Takes the parts of filters that merges have made, and lets go of those that they replace.
    func followMerges() {
        for start in merging {
            guard let bucket = buckets[start], let ahead = bucket.ahead else { continue }
            for (part, filter) in ahead.parts.take() {
                ahead.filter.put(part, filter)
                filterBytes += filter?.byteCount ?? 0
                let end = ahead.filter.cut.start(of: part + 1)
                for input in ahead.inputs {
                    let before = input.filter.byteCount
                    input.filter.drop(before: end)
                    filterBytes += input.filter.byteCount - before
                }
            }
        }
    }

    /// Gives the filter of a merge to what it made.
    func settle(_ ahead: MergeAhead, for made: [ColdSection]) {
        followMerges()
        filterBytes -= ahead.filter.byteCount
        for section in made { section.filter.take(from: ahead.filter) }
    }

    /// Lets go of about `byteCount` bytes of filters, the largest first.
    func dropFilterParts(_ byteCount: Int) {
        var rest = byteCount
        let sections = starts.flatMap { buckets[$0]?.runs.map(\.section) ?? [] }
        for section in sections.sorted(by: { $0.filter.byteCount > $1.filter.byteCount }) {
            guard rest > 0 else { return }
            let before = section.filter.byteCount
            section.filter.drop(upTo: rest)
            rest -= before - section.filter.byteCount
            filterBytes += section.filter.byteCount - before
        }
        lacksFilterParts = true
    }

    /// Reads a part of a filter that is not in memory; gives whether there was one.
    func readFilterPart() throws(StorageError) -> Bool {
        guard lacksFilterParts else { return false }
        for start in starts {
            guard let bucket = buckets[start] else { continue }
            for run in bucket.runs where run.section.lacksFilterParts {
                let section = run.section
                // What a merge has done away with stays away.
                if let ahead = bucket.ahead, ahead.reads(section) { continue }
                let before = section.filter.byteCount
                if try section.readFilterPart() {
                    filterBytes += section.filter.byteCount - before
                    return true
                }
            }
        }
        lacksFilterParts = false
        return false
    }
}
