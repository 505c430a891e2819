package import Storage

/// Turns whole rows into flat bytes and back: rows that a step holds, and rows of broadcast tables.
///
/// Format, version 1, column after column:
///
///     | 0 | for null, or | 1 | value |
///     bool: 1 byte; int, timestamp, float: 8 bytes, little-endian; text: length (4), bytes
package struct RowCodec: Sendable {
    private let types: [FieldType]

    /// A codec for rows with columns of these types.
    package init(types: [FieldType]) { self.types = types }

    /// The bytes of one row.
    package func encode(_ columns: [Column], row: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(columns.count * 12)
        for column in columns {
            guard column.isValid(row) else {
                bytes.append(0)
                continue
            }
            bytes.append(1)
            switch column.type {
            case .bool:
                let values = column.bools
                bytes.append(values[row])
            case .int, .timestamp:
                append(UInt64(bitPattern: column.int64(at: row)), to: &bytes)
            case .float:
                let values = column.doubles
                append(values[row].bitPattern, to: &bytes)
            case .string, .json:
                let view = column.text(at: row)
                for shift in 0..<4 {
                    bytes.append(UInt8(truncatingIfNeeded: view.count >> (shift * 8)))
                }
                view.withBytes { text in
                    unsafe text.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
                }
            }
        }
        return bytes
    }

    private func append(_ word: UInt64, to bytes: inout [UInt8]) {
        unsafe withUnsafeBytes(of: word.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    }

    /// The columns of rows that were encoded and stored in `table`; each of `rows` is the reference
    /// of one.
    package func decode(_ rows: [UInt32], in table: HotTable) -> [Column] {
        var arena = TextArena()
        var builders = types.map { DecodedColumn($0, capacity: rows.count) }
        for (row, reference) in rows.enumerated() {
            let bytes = unsafe table.stored(reference)
            var at = 0
            for index in builders.indices {
                unsafe builders[index].read(bytes, at: &at, row: row, &arena)
            }
        }
        return builders.map { $0.finish(count: rows.count, owners: arena.slabs) }
    }
}

/// Values of rows.
extension DecodedColumn {
    fileprivate mutating func read(
        _ bytes: UnsafeRawBufferPointer, at: inout Int, row: Int, _ arena: inout TextArena
    ) {
        guard let target = unsafe place(of: row, from: bytes, at: &at) else { return }
        switch type {
        case .bool:
            unsafe target.storeBytes(of: bytes[at], as: UInt8.self)
            at += 1
        case .int, .timestamp, .float:
            let word = unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            unsafe target.storeBytes(of: UInt64(littleEndian: word), as: UInt64.self)
            at += 8
        case .string, .json:
            let word = unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)
            let count = Int(UInt32(littleEndian: word))
            let text = unsafe UnsafeRawBufferPointer(rebasing: bytes[at + 4..<at + 4 + count])
            let view = unsafe arena.add(RawSpan(_unsafeBytes: text))
            unsafe target.storeBytes(of: view, as: StringView.self)
            at += 4 + count
        }
    }
}
