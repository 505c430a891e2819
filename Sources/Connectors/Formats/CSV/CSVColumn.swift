import Dataflow
import Storage

/// One column of the batch that a CSV decoder fills.
struct CSVColumn {
    let name: String
    let type: FieldType
    /// Which of the wanted columns of the file it is; nil for the record itself.
    let wanted: Int?
    /// For timestamps.
    var parser: TimestampParser
    /// Where its values are; one for every row of the batch being filled.
    var values = Slab(byteCount: 0)
    private var bits = Slab(byteCount: 0)
    private var nullCount = 0

    init(name: String, type: FieldType, wanted: Int?, parser: TimestampParser) {
        self.name = name
        self.type = type
        self.wanted = wanted
        self.parser = parser
    }

    /// Starts a new batch of up to `capacity` rows.
    mutating func begin(capacity: Int) {
        values = Slab(byteCount: capacity * type.width)
        bits = Slab(byteCount: (capacity + 63) / 64 * 8)
        bits.fill(0xff, count: (capacity + 63) / 64 * 8)
        nullCount = 0
    }

    /// Makes a row null.
    @inline(__always)
    mutating func setNull(_ row: Int) {
        let byte = unsafe bits.base.load(fromByteOffset: row >> 3, as: UInt8.self)
        unsafe bits.base.storeBytes(
            of: byte & ~(1 &<< UInt8(truncatingIfNeeded: row & 7)), toByteOffset: row >> 3,
            as: UInt8.self)
        nullCount &+= 1
        switch type {
        case .bool: unsafe values.base.storeBytes(of: 0, toByteOffset: row, as: UInt8.self)
        case .int, .float, .timestamp:
            unsafe values.base.storeBytes(of: 0, toByteOffset: row &* 8, as: UInt64.self)
        case .string, .json:
            unsafe values.base.storeBytes(
                of: StringView.empty, toByteOffset: row &* 16, as: StringView.self)
        }
    }

    /// The column of the first `count` rows.
    mutating func finish(count: Int, owners: [Slab]) -> Column {
        let validity = nullCount > 0 ? Bitmap(count: count, bits: bits) : nil
        let column = Column(
            type: type, count: count, values: values, validity: validity,
            owners: type.isText ? owners : [])
        values = Slab(byteCount: 0)
        bits = values
        return column
    }
}
