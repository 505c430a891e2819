import Storage

extension WaitingPieces {
    /// Copies what still waits of rows in a log to another directory, as files, unless they are
    /// there already; gives them as the manifest there is to have them. What was trimmed off the
    /// log since the checkpoint was made, its target has taken.
    func copy(
        from source: StateFiles, to target: StateFiles, into copied: inout [StateFiles.Copied]
    ) throws(StorageError) -> WaitingPieces {
        guard let log = log(for: source.path) else { return self }
        var copy = WaitingPieces(place: .files, end: end, pieces: [])
        let view = try LogView(log, fileSystem: source.fileSystem)
        for piece in pieces {
            if try view.mark().partitions[0].start >= piece.end { continue }
            if try !target.hasRows(piece.name, upTo: piece.end) {
                guard let rows = try view.excerpt(piece.first..<piece.end) else { continue }
                copied.append(try target.write(rows, as: piece.name))
            }
            copy.pieces.append(piece)
        }
        return copy
    }

    /// Reads all rows that wait in a log, as a manifest in a directory says, or those of chosen
    /// pieces; throws where any of them is damaged or missing.
    func verify(
        in place: StateFiles, isChosen: (_ piece: String) -> Bool = { _ in true }
    ) throws(StorageError) {
        guard let log = log(for: place.path) else { return }
        try verify(inLog: log, place.fileSystem, isChosen: isChosen)
    }

    /// Reads all rows that wait in a log, or those of chosen pieces.
    func verify(
        inLog log: String, _ fileSystem: any FileSystem,
        isChosen: (_ piece: String) -> Bool = { _ in true }
    ) throws(StorageError) {
        let view = try LogView(log, fileSystem: fileSystem)
        for piece in pieces where isChosen(piece.name) {
            _ = try view.excerpt(piece.first..<piece.end)
        }
    }

    /// Makes the log of a sink anew from the files of a copy in a directory.
    func rebuild(_ log: String, from place: StateFiles) throws(StorageError) {
        var files: [ExcerptFile] = []
        for piece in pieces { files.append(try place.rows(piece.name)) }
        try LogWriter.rebuild(log, from: files, end: end, fileSystem: place.fileSystem)
    }

    /// Whether a log ends where these rows do.
    func isWhole(inLog log: String, _ fileSystem: any FileSystem) -> Bool {
        let mark = try? LogView(log, fileSystem: fileSystem).mark()
        return mark?.partitions.first?.end.offset == end
    }
}
