/// Stands at an entry of a sorted source and walks on: by key, then newest version first.
///
/// What it stands at is in plain members, so that a merge of many compares without asking.
@safe
class EntryCursor {
    final var isValid = false
    final var keyBase: UnsafeRawPointer
    final var keyCount = 0
    /// The first eight bytes of the key, most significant first, zeros behind its end.
    final var word: UInt64 = 0
    final var version: UInt64 = 0
    final var kind = EntryKind.put
    final var valueBase: UnsafeRawPointer
    final var valueCount = 0
    /// Keeps something to point to where there is nothing.
    private static let nothing = Slab(byteCount: 16)

    init() {
        unsafe keyBase = UnsafeRawPointer(Self.nothing.base)
        unsafe valueBase = UnsafeRawPointer(Self.nothing.base)
    }

    final var key: UnsafeRawBufferPointer {
        @inline(__always) get { unsafe UnsafeRawBufferPointer(start: keyBase, count: keyCount) }
    }

    final var value: UnsafeRawBufferPointer {
        @inline(__always) get { unsafe UnsafeRawBufferPointer(start: valueBase, count: valueCount) }
    }

    /// Goes to the first entry of a key, or of the first one behind it.
    func seek(_ key: UnsafeRawBufferPointer) throws(StorageError) {}

    /// Goes to the next entry.
    func next() throws(StorageError) {}

    @inline(__always)
    final func set(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        if let base = key.baseAddress { unsafe keyBase = base }
        keyCount = key.count
        if keyCount >= 8 {
            word = unsafe keyBase.loadUnaligned(as: UInt64.self).bigEndian
        } else {
            word = unsafe KeySort.word(key, at: 0)
        }
        if let base = value.baseAddress { unsafe valueBase = base }
        valueCount = value.count
    }

    /// Whether it stands before another one.
    @inline(__always)
    final func precedes(_ other: EntryCursor) -> Bool {
        if word != other.word { return word < other.word }
        let order = unsafe KeyOrder.compare(keyBase, keyCount, other.keyBase, other.keyCount)
        return order != 0 ? order < 0 : version > other.version
    }
}

/// Walks through what a memtable had.
@safe
final class MemtableCursor: EntryCursor {
    private let view: MemtableView
    private var index = 0

    init(_ view: MemtableView) {
        self.view = view
        super.init()
    }

    override func seek(_ key: UnsafeRawBufferPointer) throws(StorageError) {
        index = unsafe view.first(atOrAfter: key)
        read()
    }

    override func next() throws(StorageError) {
        index += 1
        read()
    }

    private func read() {
        isValid = index < view.count
        guard isValid else { return }
        let entry = view.entry(index)
        unsafe set(key: entry.key, value: entry.value)
        version = entry.version
        kind = entry.kind
    }
}

/// Walks through files whose ranges do not overlap, in order: one, or those of a level.
@safe
final class FilesCursor: EntryCursor {
    private let files: [KeyedFile]
    private let cache: BlockCache?
    private var number = 0
    private var iterator: Unmanaged<OrderedTableIterator>?
    /// The range that the entries of a clipped file have to lie in.
    private var end: KeyRange?
    private var isClipped = false

    /// Without a cache it reads around it, as a merge does.
    init(_ files: [KeyedFile], _ cache: BlockCache?) {
        self.files = files
        self.cache = cache
        super.init()
    }

    deinit { unsafe iterator?.release() }

    override func seek(_ key: UnsafeRawBufferPointer) throws(StorageError) {
        number = files.firstIndex { unsafe !$0.range.endsBefore(key) } ?? files.count
        close()
        guard number < files.count else { return }
        let lower = files[number].range.lower
        if unsafe KeyRange.precedes(key, lower) {
            try open(at: lower)
        } else {
            try open(at: unsafe Array(key))
        }
    }

    /// Opens the file it stands in, at a key within its range.
    private func open(at key: [UInt8]) throws(StorageError) {
        let iterator = files[number].table.iterator(cache)
        unsafe self.iterator = .passRetained(iterator)
        isClipped = files[number].isClipped
        end = files[number].range
        try unsafe iterator.seek(key.span.bytes)
        try take(iterator)
    }

    private func close() {
        unsafe iterator?.release()
        unsafe iterator = nil
        isValid = false
    }

    override func next() throws(StorageError) {
        guard let iterator = unsafe iterator else { return }
        // It is held as long as this stands in its file.
        let failure = unsafe iterator._withUnsafeGuaranteedRef { iterator -> StorageError? in
            do throws(StorageError) {
                try iterator.next()
                try take(iterator)
            } catch {
                return error
            }
            return nil
        }
        if let failure {
            isValid = false
            throw failure
        }
    }

    /// Takes the entry at which the file's iterator stands, or goes on to the next file.
    @inline(__always)
    private func take(_ iterator: OrderedTableIterator) throws(StorageError) {
        guard iterator.isValid, unsafe isInside(iterator.keyBytes) else {
            return try openNext()
        }
        unsafe set(key: iterator.keyBytes, value: iterator.valueBytes)
        version = iterator.version
        kind = iterator.kind
        isValid = true
    }

    @inline(__always)
    private func isInside(_ key: UnsafeRawBufferPointer) -> Bool {
        guard isClipped, let end else { return true }
        return unsafe !end.endsBefore(key)
    }

    private func openNext() throws(StorageError) {
        close()
        number += 1
        if number < files.count { try open(at: files[number].range.lower) }
    }
}

extension KeyRange {
    /// Whether it ends at a key or before it.
    @inline(__always)
    func endsBefore(_ key: UnsafeRawBufferPointer) -> Bool {
        guard let upper else { return false }
        return unsafe !Self.precedes(key, upper)
    }
}
