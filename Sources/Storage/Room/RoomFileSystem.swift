/// The files of a file system, as far as there is room for them; see `DiskRoom`.
struct RoomFileSystem: ForwardingFileSystem {
    let room: DiskRoom
    /// Whether a write waits for room, or fails where giving up the reserve does not help.
    let isPatient: Bool

    var base: any FileSystem { room.base }

    var impatient: any FileSystem { RoomFileSystem(room: room, isPatient: false) }

    func waitingForRoom<Result>(
        _ path: String, _ body: () throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try room.needing(FilePath.join(path, ""), isPatient: isPatient, body)
    }

    func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> any File {
        if mode == .read { return try base.open(path, mode) }
        let file = try room.needing(path, isPatient: isPatient) { () throws(StorageError) in
            try base.open(path, mode)
        }
        let counts = room.counts(path)
        if counts {
            room.note(path, byteCount: mode.empties ? 0 : try file.status().byteCount)
        }
        return RoomFile(file, counts: counts, room: room, isPatient: isPatient)
    }

    func makeDirectories(_ path: String) throws(StorageError) {
        try room.needing(path, isPatient: isPatient) { () throws(StorageError) in
            try base.makeDirectories(path)
        }
    }

    func rename(_ path: String, to newPath: String) throws(StorageError) {
        try room.needing(newPath, isPatient: isPatient) { () throws(StorageError) in
            try base.rename(path, to: newPath)
        }
        try room.noteRename(path, to: newPath)
    }

    func unlink(_ path: String) throws(StorageError) {
        try base.unlink(path)
        room.forget(path)
    }

    func syncDirectory(_ path: String) throws(StorageError) { try base.syncDirectory(path) }
}

/// An open file of a `RoomFileSystem`.
private final class RoomFile: ForwardingFile {
    let base: any File
    /// Whether its bytes are state's.
    private let counts: Bool
    private let room: DiskRoom
    private let isPatient: Bool

    init(_ base: any File, counts: Bool, room: DiskRoom, isPatient: Bool) {
        self.base = base
        self.counts = counts
        self.room = room
        self.isPatient = isPatient
    }

    func write(_ slices: ArraySlice<SlabSlice>, skipping skip: Int) throws(StorageError) -> Int {
        let byteCount = slices.reduce(0) { $0 + $1.byteCount } - skip
        // Files of state are written at offsets, but for those that only grow.
        let end = counts ? room.byteCount(of: path) : 0
        return try growing(from: end, to: end + byteCount) { () throws(StorageError) in
            try base.write(slices, skipping: skip)
        }
    }

    func write(_ slice: SlabSlice, at offset: Int) throws(StorageError) -> Int {
        try growing(from: offset, to: offset + slice.byteCount) { () throws(StorageError) in
            try base.write(slice, at: offset)
        }
    }

    /// Writes from an offset to another; what was not written is not counted.
    private func growing(
        from start: Int, to end: Int, _ body: () throws(StorageError) -> Int
    ) throws(StorageError) -> Int {
        try room.needing(path, isPatient: isPatient) { () throws(StorageError) in
            guard counts else { return try body() }
            let before = room.byteCount(of: path)
            try room.claim(path, upTo: end)
            do throws(StorageError) {
                let written = try body()
                if start + written < end {
                    room.note(path, byteCount: max(before, start + written))
                }
                return written
            } catch {
                room.note(path, byteCount: before)
                throw error
            }
        }
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        try room.needing(path, isPatient: isPatient) { () throws(StorageError) in
            if counts { try room.claim(path, upTo: byteCount) }
            try base.truncate(to: byteCount)
        }
        if counts { room.note(path, byteCount: byteCount) }
    }

    func allocate(_ byteCount: Int) throws(StorageError) { try base.allocate(byteCount) }

    func sync() throws(StorageError) { try base.sync() }
}

extension OpenMode {
    /// Whether what was there is gone.
    fileprivate var empties: Bool {
        if case .write(let truncating) = self { truncating } else { false }
    }
}
