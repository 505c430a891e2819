import Storage

/// Bytes that are copied in whole pieces, so that large files are quick in debug builds too.
extension [UInt8] {
    /// The bytes of the slices one behind the other, without the first `skip`, at most `countMax`.
    init(_ slices: ArraySlice<SlabSlice>, skipping skip: Int, countMax: Int) {
        let total = slices.reduce(0) { $0 + $1.byteCount }
        let count = Swift.min(Swift.max(total - skip, 0), countMax)
        unsafe self.init(unsafeUninitializedCapacity: count) { target, filled in
            var skip = skip
            for slice in slices {
                let skipped = Swift.min(skip, slice.byteCount)
                skip -= skipped
                let part = Swift.min(slice.byteCount - skipped, count - filled)
                guard part > 0 else { continue }
                let start = slice.range.lowerBound + skipped
                unsafe slice.slab.bytes(start..<start + part).withUnsafeBytes { source in
                    let place = unsafe UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(target)[filled..<filled + part])
                    unsafe place.copyMemory(from: source)
                }
                filled += part
            }
        }
    }

    /// Cuts to `count` bytes, or extends to them with zeros.
    mutating func resize(to count: Int) {
        if count < self.count {
            removeLast(self.count - count)
        } else if count > self.count {
            append(contentsOf: [UInt8](repeating: 0, count: count - self.count))
        }
    }

    /// Copies `range` of `source` to `offset`, extending with zeros up to there.
    mutating func overwrite(at offset: Int, with source: [UInt8], _ range: Range<Int>) {
        if offset == count, range == source.indices {
            append(contentsOf: source)
            return
        }
        resize(to: Swift.max(count, offset + range.count))
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { source in
                let place = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: target[offset..<offset + range.count])
                unsafe place.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
            }
        }
    }
}
