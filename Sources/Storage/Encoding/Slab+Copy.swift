extension Slab {
    /// Copies `bytes` to `offset`.
    package func copy(_ bytes: RawSpan, to offset: Int) {
        precondition(offset >= 0 && offset + bytes.byteCount <= byteCount)
        unsafe bytes.withUnsafeBytes { source in
            if let start = source.baseAddress {
                unsafe (base + offset).copyMemory(from: start, byteCount: source.count)
            }
        }
    }

    /// Copies bytes of another slab, or of this one, to `offset`.
    package func copy(_ slice: SlabSlice, to offset: Int) {
        precondition(offset >= 0 && offset + slice.byteCount <= byteCount)
        let start = unsafe slice.slab.base + slice.range.lowerBound
        unsafe (base + offset).copyMemory(from: start, byteCount: slice.byteCount)
    }

    /// Copies the UTF-8 of `text` to `offset`; gives the bytes copied.
    @discardableResult
    package func copy(_ text: String, to offset: Int) -> Int {
        var text = text
        return text.withUTF8 { bytes in
            unsafe copy(bytes.span.bytes, to: offset)
            return bytes.count
        }
    }

    /// Writes a 32-bit number, most significant byte first.
    package func storeBigEndian(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= byteCount)
        unsafe base.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }

    /// Writes a 32-bit number as the machine has it.
    package func storeWord(_ value: UInt32, at offset: Int) {
        precondition(offset >= 0 && offset + 4 <= byteCount)
        unsafe base.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
    }

    /// The hash of some bytes.
    package func hash(_ range: Range<Int>) -> UInt64 {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
        return unsafe Hash64.hash(base + range.lowerBound, count: range.count)
    }

    /// Some bytes as an array, for messages and tests.
    package func array(_ range: Range<Int>) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= byteCount)
        let start = unsafe base + range.lowerBound
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: range.count))
    }

    /// Copies a record to `offset` and a line feed behind it; line feeds within become carriage
    /// returns.
    package func copyLine(_ record: RawSpan, to offset: Int) {
        precondition(offset >= 0 && offset + record.byteCount < byteCount)
        for index in 0..<record.byteCount {
            let byte = unsafe record.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self)
            let kept: UInt8 = byte == 0x0a ? 0x0d : byte
            unsafe base.storeBytes(of: kept, toByteOffset: offset + index, as: UInt8.self)
        }
        unsafe base.storeBytes(of: 0x0a, toByteOffset: offset + record.byteCount, as: UInt8.self)
    }
}
