import CLZ4
import Glibc

/// An open file of the machine; the descriptor closes with the last reference.
final class DiskFile: File {
    let path: String
    private let descriptor: Int32
    private let isSeekable: Bool

    /// Takes over an open descriptor.
    init(descriptor: Int32, path: String) throws(StorageError) {
        self.path = path
        self.descriptor = descriptor
        isSeekable = lseek(descriptor, 0, SEEK_CUR) >= 0
        if try status().kind == .directory {
            throw StorageError(errno: EISDIR, operation: "open", path: path)
        }
    }

    deinit { close(descriptor) }

    func read(into slab: Slab, _ range: Range<Int>, at offset: Int) throws(StorageError) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= slab.byteCount)
        while true {
            let target = unsafe slab.base + range.lowerBound
            let got =
                unsafe isSeekable
                ? pread(descriptor, target, range.count, off_t(offset))
                : Glibc.read(descriptor, target, range.count)
            if got >= 0 { return got }
            if errno != EINTR {
                throw StorageError(errno: errno, operation: "read", path: path, offset: offset)
            }
        }
    }

    func write(_ slices: ArraySlice<SlabSlice>, skipping skip: Int) throws(StorageError) -> Int {
        try VectoredWrite.write(slices, skipping: skip, to: descriptor, path: path)
    }

    func write(_ slice: SlabSlice, at offset: Int) throws(StorageError) -> Int {
        while true {
            let start = unsafe slice.slab.base + slice.range.lowerBound
            let written = unsafe pwrite(descriptor, start, slice.byteCount, off_t(offset))
            if written >= 0 { return written }
            if errno != EINTR {
                throw StorageError(errno: errno, operation: "write", path: path, offset: offset)
            }
        }
    }

    func status() throws(StorageError) -> FileStatus {
        var info = stat()
        guard unsafe fstat(descriptor, &info) == 0 else {
            throw StorageError(errno: errno, operation: "look at", path: path)
        }
        return FileStatus(info)
    }

    func truncate(to byteCount: Int) throws(StorageError) {
        guard ftruncate(descriptor, off_t(byteCount)) == 0 else {
            throw StorageError(errno: errno, operation: "truncate", path: path)
        }
    }

    func allocate(_ byteCount: Int) throws(StorageError) {
        let code = posix_fallocate(descriptor, 0, off_t(byteCount))
        guard code == 0 else {
            throw StorageError(errno: code, operation: "make room in", path: path)
        }
    }

    func sync() throws(StorageError) {
        guard fdatasync(descriptor) == 0 else {
            throw StorageError(errno: errno, operation: "sync", path: path)
        }
    }

    func lock() throws(StorageError) -> Bool {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        if errno == EWOULDBLOCK { return false }
        throw StorageError(errno: errno, operation: "lock", path: path)
    }

    func adviseSequential() {
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    }

    func beginSync() {
        _ = weir_begin_writeback(descriptor)
    }
}

/// Several slices in one system call.
enum VectoredWrite {
    /// Slices of one call; the system's own limit is 1024.
    private static let slicesMax = 64

    /// Writes what the descriptor takes of the slices, without their first `skip` bytes.
    static func write(
        _ slices: ArraySlice<SlabSlice>, skipping skip: Int, to descriptor: Int32, path: String
    ) throws(StorageError) -> Int {
        while true {
            let written = write(slices.prefix(slicesMax), skipping: skip, to: descriptor)
            if written >= 0 { return written }
            if errno != EINTR { throw StorageError(errno: errno, operation: "write", path: path) }
        }
    }

    private static func write(
        _ slices: ArraySlice<SlabSlice>, skipping skip: Int, to descriptor: Int32
    ) -> Int {
        unsafe withUnsafeTemporaryAllocation(of: iovec.self, capacity: slices.count) { vectors in
            var skip = skip
            for (index, slice) in slices.enumerated() {
                let start = unsafe slice.slab.base + slice.range.lowerBound + skip
                unsafe vectors[index] = iovec(iov_base: start, iov_len: slice.byteCount - skip)
                skip = 0
            }
            return unsafe writev(descriptor, vectors.baseAddress, Int32(slices.count))
        }
    }
}
