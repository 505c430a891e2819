import Dataflow
package import Storage

/// The state that a checkpoint holds, as a user sees it; reads only.
package struct StateInspection {
    /// A bucket of a step's state on one of the workers of then.
    package struct Bucket: Sendable {
        package let step: String
        package let worker: Int
        /// Where it starts, in microseconds of event time.
        package let start: Int64
        package let files: [FamilySnapshot.File]
        /// Entries and bytes in its files; a key may be in several of them.
        package let entries: Int
        package let byteCount: Int
        fileprivate let family: FamilySnapshot
        fileprivate let keys: [String]
    }

    /// A key with what is kept of it.
    package struct Entry: Sendable {
        /// The columns of the key: name and value.
        package let key: [(name: String, value: String)]
        /// The value's bytes.
        package let value: [UInt8]
    }

    private let place: StateFiles
    private let manifest: CheckpointManifest

    package var epoch: Int { manifest.epoch }

    /// The state of a checkpoint in a directory, or of the newest.
    package init(_ path: String, epoch: Int?, fileSystem: any FileSystem) throws {
        place = StateFiles(path, fileSystem: fileSystem)
        let manifests = CheckpointFiles(path: path, fileSystem: fileSystem)
        manifest = try manifests.read(try manifests.choose(epoch))
    }

    /// The steps that keep state.
    package var steps: [String] { manifest.steps.map(\.name) }

    /// The buckets of all steps, or of one.
    package func buckets(of step: String? = nil) throws(StorageError) -> [Bucket] {
        var buckets: [Bucket] = []
        for saved in manifest.steps where step == nil || saved.name == step {
            for part in saved.parts {
                for family in part.snapshot.families {
                    for bucket in family.buckets {
                        buckets.append(try describe(bucket, family, saved, worker: part.worker))
                    }
                }
            }
        }
        return buckets.sorted { ($0.step, $0.start, $0.worker) < ($1.step, $1.start, $1.worker) }
    }

    private func describe(
        _ bucket: FamilySnapshot.Bucket, _ family: FamilySnapshot, _ step: CheckpointManifest.Step,
        worker: Int
    ) throws(StorageError) -> Bucket {
        var (entries, byteCount) = (0, 0)
        var files: [FamilySnapshot.File] = []
        for file in bucket.files {
            for section in try place.run(file.name).sections where section.bucket == bucket.start {
                entries += section.entryCount
                byteCount += section.storedByteCount
                files.append(file)
            }
        }
        return Bucket(
            step: step.name, worker: worker, start: bucket.start, files: files, entries: entries,
            byteCount: byteCount, family: family, keys: step.keys)
    }

    /// The entries of a bucket, in the order of their keys.
    package func entries(of bucket: Bucket) throws(StorageError) -> [Entry] {
        let table = try place.load(
            FamilySnapshot.Bucket(start: bucket.start, files: bucket.files), of: bucket.family)
        let entries = table.sortedEntries()
        let fields = bucket.keys.map { text in
            let parts = text.split(separator: ":")
            let type = FieldType.allCases.first { $0.name == parts.last ?? "" }
            return (name: parts.dropLast().joined(separator: ":"), type: type ?? .string)
        }
        let columns = KeyDecoder(types: fields.map(\.type)).columns(of: entries, in: table)
        return entries.enumerated().map { row, entry in
            Entry(
                key: zip(fields, columns).map { ($0.name, $1.described(at: row)) },
                value: table.valueArray(of: entry))
        }
    }
}
