import Dataflow
import Storage

/// Remembered places of followed files, and the files they are in now.
///
/// Every file is found for one place at most. A place is first looked for in the file that it was
/// taken in, as told by device and inode, if that still has the bytes that were read; a copy of it
/// comes next, told by those bytes alone. As a file may begin like another, and inodes are used
/// again, the place that more was read of chooses first. A file of which nothing was read has no
/// bytes to be told by: when it is gone, what stands at its path takes its place.
struct FollowedPlaces {
    /// A place as it is remembered.
    struct Entry {
        let partition: Int
        /// The file it was taken in; nil where that was not written down.
        let identity: FileStatus.Identity?
        let place: FilePlace
    }

    /// A file for a place.
    struct Found {
        let file: any File
        let path: String
        let identity: FileStatus.Identity
    }

    let entries: [Entry]

    /// Gives for each entry the file it is in; nil where there is none.
    func find(in fileSystem: any FileSystem) throws -> [Found?] {
        var found = [Found?](repeating: nil, count: entries.count)
        var taken: Set<FileStatus.Identity> = []
        let longestFirst = entries.indices.sorted {
            (entries[$0].place.offset, $1) > (entries[$1].place.offset, $0)
        }
        // What was written to an empty file may begin like another one, and is not a copy of it.
        let empty = Set(entries.filter { !$0.place.hasHead }.compactMap(\.identity))
        for index in longestFirst where entries[index].place.hasHead {
            let entry = entries[index]
            found[index] =
                try find(entry.place, in: fileSystem) {
                    $0 == entry.identity && !taken.contains($0)
                }
                ?? find(entry.place, in: fileSystem) {
                    !taken.contains($0) && !empty.contains($0)
                }
            if let found = found[index] { taken.insert(found.identity) }
        }
        for hasOtherNames in [true, false] {
            for (index, entry) in entries.enumerated() where !entry.place.hasHead {
                guard found[index] == nil else { continue }
                found[index] = try find(
                    entry.place, in: fileSystem, hasOtherNames: hasOtherNames
                ) {
                    (!hasOtherNames || $0 == entry.identity) && !taken.contains($0)
                }
                if let found = found[index] { taken.insert(found.identity) }
            }
        }
        return found
    }

    private func find(
        _ place: FilePlace, in fileSystem: any FileSystem, hasOtherNames: Bool = true,
        where isWanted: (FileStatus.Identity) -> Bool
    ) throws -> Found? {
        guard
            let (file, path) = try place.find(
                in: fileSystem, hasOtherNames: hasOtherNames, where: isWanted)
        else { return nil }
        let identity = try file.status().identity
        // It may have been replaced between the look and the opening.
        return isWanted(identity) ? Found(file: file, path: path, identity: identity) : nil
    }

    /// Reads what `append` wrote, now or in an earlier form.
    init(from reader: inout ByteReader, _ form: FilePositionForm) throws(ByteReader.Damage) {
        entries = try reader.list { reader throws(ByteReader.Damage) in
            let partition = try reader.count()
            var identity: FileStatus.Identity?
            if form.hasIdentities {
                identity = FileStatus.Identity(
                    device: try reader.integer(), inode: try reader.integer())
            }
            return Entry(
                partition: partition, identity: identity,
                place: try FilePlace(from: &reader, tellsRejected: form.tellsRejected))
        }
    }

    /// Writes where files stand:
    ///
    ///     files = count, each: partition | device: 8, inode: 8 | place, see `FilePlace`
    static func append(_ files: [FollowedFile], to writer: inout ByteWriter) throws {
        writer.append(count: files.count)
        for file in files {
            writer.append(count: file.partition)
            writer.append(file.identity.device)
            writer.append(file.identity.inode)
            try FilePlace(file.records, path: file.path).encode(to: &writer)
        }
    }
}
