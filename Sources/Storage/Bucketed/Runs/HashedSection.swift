/// The part of a bucketed run that belongs to one bucket: its blocks and the parts of its filter,
/// and where they lie.
///
///     index = for each block: first hash: 8 | offset: 8 | stored length: 4
package struct HashedSection: Sendable, Equatable {
    /// Where the bucket starts, in microseconds of event time.
    package let bucket: Int64
    package let entryCount: Int
    /// The least and the greatest hash, of 40 bits.
    package let hashes: ClosedRange<UInt64>
    let blockCount: Int
    let index: FramePlace
    /// Where the parts of the filter lie.
    let filter: FramePlace

    static let indexEntryBytes = 20
    /// Bytes of a section in the footer.
    static let byteCount = 64

    /// Bytes of all its frames.
    package let storedByteCount: Int
}

/// What a run's footer says.
///
///     footer   = version: 2 | kind: 1 | 0: 1 | value width: 4 | references: 4 | sections: 4
///                | the references' offsets: 4 each | the sections
///     section  = bucket: 8 | entries: 8 | least hash: 8 | greatest hash: 8 | blocks: 4
///                | index offset: 8 | index length: 4 | filter places' length: 4
///                | stored bytes: 8 | 0: 4
///
/// The places of the filter's parts follow the index.
struct HashedFooter: Equatable {
    static let version: UInt16 = 1
    static let kind = UInt8(ascii: "H")
    static let headBytes = 16

    let valueWidth: Int
    let references: [Int]
    let sections: [HashedSection]

    func encoded() -> SlabSlice {
        var bytes = GrowingBytes(
            capacity: Self.headBytes + sections.count * HashedSection.byteCount + 64)
        bytes.append(Self.version)
        bytes.append(Self.kind)
        bytes.append(UInt8(0))
        bytes.append(UInt32(valueWidth))
        bytes.append(UInt32(references.count))
        bytes.append(UInt32(sections.count))
        for reference in references { bytes.append(UInt32(reference)) }
        for section in sections {
            bytes.append(section.bucket)
            bytes.append(UInt64(section.entryCount))
            bytes.append(section.hashes.lowerBound)
            bytes.append(section.hashes.upperBound)
            bytes.append(UInt32(section.blockCount))
            bytes.append(UInt64(section.index.offset))
            bytes.append(UInt32(section.index.storedByteCount))
            bytes.append(UInt32(section.filter.storedByteCount))
            bytes.append(UInt64(section.storedByteCount))
            bytes.append(UInt32(0))
        }
        return bytes.take()
    }

    init(valueWidth: Int, references: [Int], sections: [HashedSection]) {
        self.valueWidth = valueWidth
        self.references = references
        self.sections = sections
    }

    /// Reads a footer of a file of `fileByteCount` bytes.
    init(_ slice: SlabSlice, fileByteCount: Int) throws(HashedBlock.Damage) {
        guard slice.byteCount >= Self.headBytes else {
            throw HashedBlock.Damage(cause: "a footer of \(slice.byteCount) bytes")
        }
        var offset = 0
        func number<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) -> Value {
            let base = unsafe slice.slab.base + slice.range.lowerBound
            defer { offset += MemoryLayout<Value>.size }
            return Value(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: type))
        }
        let version = number(UInt16.self)
        guard version == Self.version, number(UInt8.self) == Self.kind, number(UInt8.self) == 0
        else { throw HashedBlock.Damage(cause: "no bucketed run of version \(Self.version)") }
        let valueWidth = Int(number(UInt32.self))
        let referenceCount = Int(number(UInt32.self))
        let sectionCount = Int(number(UInt32.self))
        let size = Self.headBytes + referenceCount * 4 + sectionCount * HashedSection.byteCount
        guard size == slice.byteCount, valueWidth % 8 == 0, valueWidth < 1 << 20 else {
            throw HashedBlock.Damage(cause: "the parts of the footer do not fill it")
        }
        var references: [Int] = []
        for _ in 0..<referenceCount { references.append(Int(number(UInt32.self))) }
        var sections: [HashedSection] = []
        for _ in 0..<sectionCount {
            let bucket = number(Int64.self)
            let entries = number(UInt64.self)
            let (least, greatest) = (number(UInt64.self), number(UInt64.self))
            let blocks = Int(number(UInt32.self))
            let index = number(UInt64.self)
            let (indexBytes, filterBytes) = (number(UInt32.self), number(UInt32.self))
            let stored = number(UInt64.self)
            guard number(UInt32.self) == 0, least <= greatest, greatest >> 40 == 0,
                index < UInt64(fileByteCount), stored <= UInt64(fileByteCount),
                entries <= UInt64(fileByteCount) << 10, blocks <= fileByteCount
            else { throw HashedBlock.Damage(cause: "a section in the footer is not one") }
            sections.append(
                HashedSection(
                    bucket: bucket, entryCount: Int(entries), hashes: least...greatest,
                    blockCount: blocks,
                    index: FramePlace(offset: Int(index), storedByteCount: Int(indexBytes)),
                    filter: FramePlace(
                        offset: Int(index) + Int(indexBytes), storedByteCount: Int(filterBytes)),
                    storedByteCount: Int(stored)))
        }
        for reference in references where reference % 8 != 0 || reference + 8 > valueWidth {
            throw HashedBlock.Damage(cause: "a reference in the footer lies outside of the value")
        }
        self.references = references
        self.valueWidth = valueWidth
        self.sections = sections
    }
}
