import CZstd
import Synchronization

/// Contexts of the zstd library that are used again: making one costs more than a small block.
///
/// Any thread takes one and gives it back; a few that nobody uses are kept.
@safe
final class ZstdContexts: Sendable {
    @safe
    private struct Free: @unchecked Sendable {
        // Sendable: a context on the list has no other owner.
        var contexts: [OpaquePointer] = unsafe []
    }

    @safe
    private struct Context: @unchecked Sendable {
        // Sendable: it carries a context that nobody else owns through the lock.
        let pointer: OpaquePointer?
    }

    private static let countMax = 8
    private let compressing = Mutex(Free())
    private let decompressing = Mutex(Free())

    /// The process's own.
    static let shared = ZstdContexts()

    private static func take(_ free: borrowing Mutex<Free>) -> OpaquePointer? {
        let context = free.withLock { free in unsafe Context(pointer: free.contexts.popLast()) }
        return unsafe context.pointer
    }

    /// Keeps a context, or says that there are enough.
    private static func keep(_ pointer: OpaquePointer, _ free: borrowing Mutex<Free>) -> Bool {
        let context = unsafe Context(pointer: pointer)
        return free.withLock { free in
            guard unsafe free.contexts.count < countMax, let kept = unsafe context.pointer else {
                return false
            }
            unsafe free.contexts.append(kept)
            return true
        }
    }

    /// Compresses into `limit` bytes; nil where that is not enough.
    func compress(
        _ source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer, limit: Int,
        level: Int
    ) -> Int? {
        guard let context = unsafe Self.take(compressing) ?? ZSTD_createCCtx() else { return nil }
        let result = unsafe ZSTD_compressCCtx(
            context, target, limit, source, count, Int32(clamping: level))
        if unsafe !Self.keep(context, compressing) { unsafe ZSTD_freeCCtx(context) }
        return ZSTD_isError(result) != 0 ? nil : result
    }

    /// Decompresses into at most `limit` bytes; nil for bytes that are no compressed block.
    func decompress(
        _ source: UnsafeRawPointer, count: Int, to target: UnsafeMutableRawPointer, limit: Int
    ) -> Int? {
        guard let context = unsafe Self.take(decompressing) ?? ZSTD_createDCtx() else {
            return nil
        }
        let result = unsafe ZSTD_decompressDCtx(context, target, limit, source, count)
        if unsafe !Self.keep(context, decompressing) { unsafe ZSTD_freeDCtx(context) }
        return ZSTD_isError(result) != 0 ? nil : result
    }
}
