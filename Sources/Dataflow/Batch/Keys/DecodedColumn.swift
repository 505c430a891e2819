import Storage

/// A column that is filled row by row from bytes in which each value stands behind a byte that is 0
/// for null.
struct DecodedColumn {
    let type: FieldType
    private let values: Slab
    private let capacity: Int
    private var validity: Bitmap?

    init(_ type: FieldType, capacity: Int) {
        self.type = type
        self.capacity = capacity
        values = Slab(byteCount: max(16, capacity * type.width))
    }

    /// Where a row's value goes, `type.width` bytes; nil where the byte at `at` says it is null.
    /// `at` moves behind that byte.
    mutating func place(
        of row: Int, from bytes: UnsafeRawBufferPointer, at: inout Int
    ) -> UnsafeMutableRawPointer? {
        let isNull = unsafe bytes[at] == 0
        at += 1
        let target = unsafe values.base + row * type.width
        guard isNull else { return unsafe target }
        let bitmap = validity ?? Bitmap(count: capacity, valid: true)
        bitmap.set(row, valid: false)
        validity = bitmap
        unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: type.width)
        return nil
    }

    func finish(count: Int, owners: [Slab]) -> Column {
        Column(
            type: type, count: count, values: values, validity: validity,
            owners: type.isText ? owners : [])
    }
}
