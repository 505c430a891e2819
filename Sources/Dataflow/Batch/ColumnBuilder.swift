package import Storage

/// Fills one column; the only way to make one outside the decoders.
///
/// Values start undefined; whoever builds writes every row that will be selected. A null row's
/// value is written as zero by `setNull`.
package struct ColumnBuilder: ~Copyable {
    package let type: FieldType
    package let capacity: Int
    private let values: Slab
    private var validity: Bitmap?
    private var owners: [Slab] = []

    /// Room for `capacity` rows.
    package init(_ type: FieldType, capacity: Int) {
        self.type = type
        self.capacity = capacity
        values = Slab(byteCount: max(capacity * type.width, 16))
    }

    /// The values of an `int` or `timestamp` column.
    package var int64s: MutableSpan<Int64> {
        @_lifetime(&self) mutating get {
            precondition(type == .int || type == .timestamp, "not a column of whole numbers")
            let start = unsafe values.base.assumingMemoryBound(to: Int64.self)
            let span = unsafe MutableSpan(_unsafeStart: start, count: capacity)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// The values of a `float` column.
    package var doubles: MutableSpan<Double> {
        @_lifetime(&self) mutating get {
            precondition(type == .float, "not a column of floats")
            let start = unsafe values.base.assumingMemoryBound(to: Double.self)
            let span = unsafe MutableSpan(_unsafeStart: start, count: capacity)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// The values of a `bool` column, 0 or 1.
    package var bools: MutableSpan<UInt8> {
        @_lifetime(&self) mutating get {
            precondition(type == .bool, "not a column of truth values")
            let start = unsafe values.base.assumingMemoryBound(to: UInt8.self)
            let span = unsafe MutableSpan(_unsafeStart: start, count: capacity)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// The values of a text column; what long views point into must be added by `keep`.
    package var strings: MutableSpan<StringView> {
        @_lifetime(&self) mutating get {
            precondition(type.isText, "not a column of text")
            let start = unsafe values.base.assumingMemoryBound(to: StringView.self)
            let span = unsafe MutableSpan(_unsafeStart: start, count: capacity)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// Sets one row of a text column; loops over many rows take `strings` instead.
    package mutating func set(_ row: Int, to view: StringView) {
        var views = strings
        views[row] = view
    }

    /// Makes a row null.
    package mutating func setNull(_ row: Int) {
        let bitmap = validity ?? Bitmap(count: capacity, valid: true)
        bitmap.set(row, valid: false)
        validity = bitmap
        let width = type.width
        precondition(row < capacity)
        unsafe (values.base + row * width).initializeMemory(
            as: UInt8.self, repeating: 0, count: width)
    }

    /// Takes over a whole bitmap, which nobody else may change.
    package mutating func setValidity(_ bitmap: Bitmap?) { validity = bitmap }

    /// Keeps slabs alive for as long as the column.
    package mutating func keep(_ slabs: [Slab]) { owners.appendMissing(slabs) }

    /// The column of the first `count` rows.
    package consuming func finish(count: Int) -> Column {
        Column(type: type, count: count, values: values, validity: validity, owners: owners)
    }
}

extension Column {
    /// A column of whole numbers.
    package init(int64s values: [Int64]) {
        var builder = ColumnBuilder(.int, capacity: values.count)
        var numbers = builder.int64s
        for row in values.indices { numbers[row] = values[row] }
        self = builder.finish(count: values.count)
    }
}

extension [Slab] {
    /// Adds the slabs that are not there yet; lists are short.
    package mutating func appendMissing(_ slabs: [Slab]) {
        for slab in slabs where !contains(where: { $0 === slab }) { append(slab) }
    }
}
