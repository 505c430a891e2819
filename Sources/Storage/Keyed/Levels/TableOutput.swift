/// Writes entries to files of about the same size: what a flush or a merge makes.
///
/// All versions of a key are in one file. Range tombstones go along: each file gets those of the
/// stretch from its first key to that of the next file.
@safe
final class TableOutput {
    /// How files are written.
    struct Settings: Sendable {
        let directory: StateDirectory
        let worker: Int
        var table = OrderedTableWriter.Options()
        /// Bytes of a file, about.
        var fileBytes = 64 << 20
        var tombstones: [RangeTombstone] = []
        /// No value was written at a later watermark.
        var time = Int64.max
        var rate: CompactionRate?
        /// The name and number of the first file, which is made whatever there is to be written.
        var firstName: (name: String, number: UInt64)?
    }

    /// What every entry asks, kept where no other access has to be ruled out each time.
    @safe
    private struct Work {
        /// The writer of the open file, if there is one.
        var table: UnsafeMutablePointer<OrderedTableWork>?
        var paid = 0
        /// Whether the file ends with the key it stands at.
        var isFull = false
    }

    private let settings: Settings
    private let work: UnsafeMutablePointer<Work>
    private let fileBytes: Int
    private var writer: OrderedTableWriter?
    private var name = ""
    private var number: UInt64 = 0
    /// The open file.
    private var file: (any File)?
    /// Where the stretch of the file begins.
    private var lower: [UInt8] = []
    private var isFirst = true
    private var lastKey = GrowingBytes(capacity: 256)
    private(set) var files: [KeyedFile] = []
    private(set) var byteCount = 0
    /// Names of all files begun.
    private(set) var names: [String] = []

    init(_ settings: Settings) {
        self.settings = settings
        fileBytes = settings.fileBytes
        unsafe work = .allocate(capacity: 1)
        unsafe work.initialize(to: Work())
    }

    deinit { unsafe work.deallocate() }

    func add(
        key: UnsafeRawBufferPointer, kind: EntryKind, version: UInt64,
        value: UnsafeRawBufferPointer
    ) throws(StorageError) {
        if unsafe work.pointee.isFull, unsafe isNew(key) {
            try unsafe endFile(next: Array(key))
        }
        if unsafe work.pointee.table == nil { try unsafe begin(at: Array(key)) }
        guard let table = unsafe work.pointee.table else { return }
        let hash: UInt64
        if let base = key.baseAddress {
            hash = unsafe Hash64.hash(base, count: key.count)
        } else {
            hash = KeyHashing.empty
        }
        unsafe try table.pointee.add(
            key: key, hash40: hash &>> 24, kind: kind, version: version, value: value)
        let byteCount = unsafe table.pointee.byteCount
        if byteCount >= fileBytes { unsafe end(with: key) }
        if unsafe byteCount &- work.pointee.paid > 1 << 20 { pay(byteCount) }
    }

    /// Ends the file behind all entries of a key.
    private func end(with key: UnsafeRawBufferPointer) {
        unsafe work.pointee.isFull = true
        lastKey.removeAll()
        if let base = key.baseAddress { unsafe lastKey.append(base, count: key.count) }
    }

    private func pay(_ byteCount: Int) {
        settings.rate?.take(unsafe byteCount - work.pointee.paid)
        unsafe work.pointee.paid = byteCount
    }

    private func isNew(_ key: UnsafeRawBufferPointer) -> Bool {
        let last = unsafe UnsafeRawBufferPointer(start: lastKey.slab.base, count: lastKey.count)
        return unsafe KeyOrder.compare(last, key) != 0
    }

    private func begin(at key: [UInt8]) throws(StorageError) {
        let directory = settings.directory
        if isFirst, let first = settings.firstName {
            (name, number) = first
        } else {
            (name, number) = directory.makeName(worker: settings.worker, kind: .keyed)
            directory.hold(name)
        }
        names.append(name)
        // Flushes wait for room on the disk; a merge that does not find any gives its own back.
        let fileSystem =
            settings.firstName == nil ? directory.fileSystem.impatient : directory.fileSystem
        let file = try fileSystem.open(directory.path(of: name), .write(truncating: true))
        let writer = try OrderedTableWriter(file, options: settings.table)
        self.file = file
        self.writer = writer
        unsafe work.pointee = Work(table: writer.work)
        // The first file takes the tombstones before its first key, too.
        lower = isFirst ? [] : key
        isFirst = false
    }

    private func endFile(next: [UInt8]?) throws(StorageError) {
        guard let writer, let file else { return }
        let stretch = KeyRange(lower: lower, upper: next)
        let tombstones = settings.tombstones.compactMap { $0.clipped(to: stretch) }
        let attachment = KeyedFile.attachment(time: settings.time, tombstones)
        let properties = try writer.finish(attachment: attachment)
        pay(properties.byteCount)
        byteCount += properties.byteCount
        unsafe work.pointee = Work()
        self.writer = nil
        self.file = nil
        if let made = try KeyedFile(file, name: name, number: number, clip: .all) {
            files.append(made)
        }
    }

    /// Ends the last file; one without entries is made for tombstones alone.
    func finish() throws(StorageError) {
        if isFirst, settings.firstName != nil || !settings.tombstones.isEmpty {
            try begin(at: [])
        }
        try endFile(next: nil)
    }

    /// Removes all that was written, when something failed.
    func abandon() {
        for name in names {
            do throws(StorageError) { try settings.directory.release(name) } catch {}
        }
    }
}

/// The hash of a key without bytes.
enum KeyHashing {
    static var empty: UInt64 {
        let nothing: [UInt8] = [0]
        return unsafe nothing.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return 0 }
            return unsafe Hash64.hash(base, count: 0)
        }
    }
}

/// Bytes that merges may write in a second: a bucket that fills with time.
package struct CompactionRate: Sendable {
    package let bytesPerSecond: Int
    /// The time in nanoseconds, from any start.
    package let now: @Sendable () -> Int64
    /// Lets the calling thread sleep for so many nanoseconds.
    package let pause: @Sendable (Int64) -> Void
    private let bucket = TokenBucket()

    package init(
        bytesPerSecond: Int, now: @escaping @Sendable () -> Int64,
        pause: @escaping @Sendable (Int64) -> Void
    ) {
        self.bytesPerSecond = max(bytesPerSecond, 1)
        self.now = now
        self.pause = pause
    }

    /// Takes so many bytes, and waits until there were as many.
    func take(_ byteCount: Int) {
        let wait = bucket.take(byteCount, bytesPerSecond: bytesPerSecond, now: now())
        if wait > 0 { pause(wait) }
    }
}
