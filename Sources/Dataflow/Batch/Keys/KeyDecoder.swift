package import Storage

/// Turns encoded keys back into columns; see `KeyEncoder` for the format.
package struct KeyDecoder {
    private let types: [FieldType]

    /// A decoder of keys whose columns have these types.
    package init(types: [FieldType]) { self.types = types }

    /// Decodes the keys of `entries` into one column each.
    package func columns(of entries: [UInt32], in table: HotTable) -> [Column] {
        var arena = TextArena()
        var builders = types.map { DecodedColumn($0, capacity: entries.count) }
        for (row, entry) in entries.enumerated() {
            let key = unsafe table.key(of: entry)
            var at = 2
            for index in builders.indices {
                let isLast = index == builders.count - 1
                unsafe builders[index].read(key, at: &at, isLast: isLast, row: row, &arena)
            }
        }
        return builders.map { $0.finish(count: entries.count, owners: arena.slabs) }
    }
}

/// Values of key columns.
extension DecodedColumn {
    fileprivate mutating func read(
        _ key: UnsafeRawBufferPointer, at: inout Int, isLast: Bool, row: Int,
        _ arena: inout TextArena
    ) {
        guard let target = unsafe place(of: row, from: key, at: &at) else { return }
        switch type {
        case .bool:
            unsafe target.storeBytes(of: key[at], as: UInt8.self)
            at += 1
        case .int, .timestamp:
            unsafe target.storeBytes(of: word(key, at) ^ 1 << 63, as: UInt64.self)
            at += 8
        case .float:
            let bits = unsafe word(key, at)
            unsafe target.storeBytes(of: bits >> 63 == 1 ? bits ^ 1 << 63 : ~bits, as: UInt64.self)
            at += 8
        case .string, .json:
            let view = unsafe text(key, at: &at, isLast: isLast, &arena)
            unsafe target.storeBytes(of: view, as: StringView.self)
        }
    }

    private func word(_ key: UnsafeRawBufferPointer, _ at: Int) -> UInt64 {
        unsafe UInt64(bigEndian: key.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }

    private func text(
        _ key: UnsafeRawBufferPointer, at: inout Int, isLast: Bool, _ arena: inout TextArena
    ) -> StringView {
        let target = unsafe arena.reserve(key.count)
        var count = 0
        while at < key.count {
            let byte = unsafe key[at]
            at += 1
            if byte == 0 && !isLast {
                let mark = unsafe key[at]
                at += 1
                if mark == 1 { break }
            }
            unsafe target.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
            count += 1
        }
        return arena.commit(count)
    }
}
