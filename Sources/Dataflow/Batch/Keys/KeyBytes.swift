import Storage

/// The growing bytes of encoded keys.
struct KeyBytes {
    private(set) var slab: Slab
    private(set) var count = 0

    init(capacity: Int) { slab = Slab(byteCount: max(capacity, 64)) }

    private mutating func reserve(_ further: Int) {
        guard count + further > slab.byteCount else { return }
        let larger = Slab(byteCount: max(slab.byteCount * 2, count + further))
        unsafe larger.base.copyMemory(from: slab.base, byteCount: count)
        slab = larger
    }

    mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe slab.base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    mutating func append(bigEndian value: UInt16) {
        append(UInt8(truncatingIfNeeded: value >> 8))
        append(UInt8(truncatingIfNeeded: value))
    }

    mutating func append(bigEndian value: UInt64) {
        reserve(8)
        unsafe slab.base.storeBytes(of: value.bigEndian, toByteOffset: count, as: UInt64.self)
        count += 8
    }

    /// Zeros up to a multiple of 8.
    mutating func pad() {
        while count & 7 != 0 { append(0) }
    }

    /// One row's value of a key column; `isLast` says that no column follows.
    mutating func append(_ column: Column, row: Int, isLast: Bool) {
        guard column.isValid(row) else { return append(0) }
        append(1)
        switch column.type {
        case .bool:
            let values = column.bools
            append(values[row])
        case .int, .timestamp:
            append(bigEndian: UInt64(bitPattern: column.int64(at: row)) ^ 1 << 63)
        case .float:
            let values = column.doubles
            let bits = (values[row] + 0).bitPattern
            append(bigEndian: bits >> 63 == 1 ? ~bits : bits ^ 1 << 63)
        case .string, .json:
            append(column.text(at: row), isLast: isLast)
        }
    }

    private mutating func append(_ view: StringView, isLast: Bool) {
        if isLast {
            reserve(view.count + Slab.slack)
            unsafe view.copy(to: slab.base + count)
            count += view.count
            return
        }
        view.withBytes { bytes in
            for index in 0..<bytes.byteCount {
                let byte = unsafe bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                append(byte)
                if byte == 0 { append(255) }
            }
        }
        append(0)
        append(1)
    }
}
