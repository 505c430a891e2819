import Glibc

/// Walks through many sources at once: the least key first, of one key the newest version.
///
/// The heap holds its cursors without counting references: `cursors` keeps them.
@safe
final class CursorMerge {
    private let cursors: [EntryCursor]
    /// Each stands before those at twice its place.
    private let heap: UnsafeMutablePointer<Unmanaged<EntryCursor>>
    private var count = 0

    init(_ cursors: [EntryCursor]) {
        self.cursors = cursors
        unsafe heap = .allocate(capacity: max(cursors.count, 1))
    }

    deinit { unsafe heap.deallocate() }

    /// The cursor whose turn it is; nil at the end.
    @inline(__always)
    var first: EntryCursor? { count == 0 ? nil : unsafe heap[0].takeUnretainedValue() }

    @inline(__always)
    var isAtEnd: Bool { count == 0 }

    /// Calls `body` with the cursor whose turn it is, which must be there.
    @inline(__always)
    func withFirst<Result>(_ body: (EntryCursor) -> Result) -> Result {
        precondition(count > 0)
        return unsafe heap[0]._withUnsafeGuaranteedRef { body($0) }
    }

    func seek(_ key: UnsafeRawBufferPointer) throws(StorageError) {
        count = 0
        for cursor in cursors {
            unsafe try cursor.seek(key)
            guard cursor.isValid else { continue }
            unsafe heap[count] = .passUnretained(cursor)
            count += 1
        }
        for place in (0..<count).reversed() { settle(place) }
    }

    /// Moves the first cursor on.
    @inline(__always)
    func next() throws(StorageError) {
        // The guarantee is not for bodies that throw.
        let failure = unsafe heap[0]._withUnsafeGuaranteedRef { cursor -> StorageError? in
            do throws(StorageError) { try cursor.next() } catch { return error }
            return nil
        }
        if let failure { throw failure }
        if unsafe !heap[0]._withUnsafeGuaranteedRef({ $0.isValid }) {
            count &-= 1
            unsafe heap[0] = heap[count]
        }
        if count > 1 { settle(0) }
    }

    @inline(__always)
    private func precedes(
        _ one: Unmanaged<EntryCursor>, _ other: Unmanaged<EntryCursor>
    ) -> Bool {
        unsafe one._withUnsafeGuaranteedRef { one in
            unsafe other._withUnsafeGuaranteedRef { one.precedes($0) }
        }
    }

    /// Moves what stands at a place down to where it belongs.
    @inline(__always)
    private func settle(_ start: Int) {
        var place = start
        let moved = unsafe heap[place]
        while true {
            var child = 2 &* place &+ 1
            guard child < count else { break }
            if child &+ 1 < count, unsafe precedes(heap[child &+ 1], heap[child]) { child &+= 1 }
            guard unsafe precedes(heap[child], moved) else { break }
            unsafe heap[place] = heap[child]
            place = child
        }
        unsafe heap[place] = moved
    }
}

/// The key that was last: bytes of its own.
@safe
final class KeyBuffer {
    private var slab = Slab(byteCount: 256)
    private(set) var base: UnsafeMutableRawPointer
    private(set) var count = 0
    private var word: UInt64 = 0
    private var capacity: Int

    init() {
        unsafe base = slab.base
        capacity = slab.byteCount
    }

    var bytes: UnsafeRawBufferPointer {
        @inline(__always) get { unsafe UnsafeRawBufferPointer(start: base, count: count) }
    }

    /// Takes the key of an entry.
    @inline(__always)
    func set(_ entry: EntryCursor) {
        if entry.keyCount > capacity { grow(entry.keyCount) }
        count = entry.keyCount
        word = entry.word
        unsafe memcpy(base, entry.keyBase, entry.keyCount)
    }

    private func grow(_ count: Int) {
        slab = Slab(byteCount: count * 2)
        unsafe base = slab.base
        capacity = slab.byteCount
    }

    /// Whether an entry has the same key.
    @inline(__always)
    func isKey(of entry: EntryCursor) -> Bool {
        guard word == entry.word, count == entry.keyCount else { return false }
        return unsafe count <= 8 || memcmp(base, entry.keyBase, count) == 0
    }
}
