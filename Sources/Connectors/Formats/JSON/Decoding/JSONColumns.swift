import Dataflow
import Storage

/// The columns of the batch that a decoder is filling, row by row.
///
/// Values are written at `row` before it is known whether the record is good; a bad one leaves the
/// row to the next record. A null is noted in the column's bitmap, which is made at the first null.
@safe
struct JSONColumns {
    /// One column under construction.
    @safe
    struct Target {
        let type: FieldType
        let format: TimestampFormat
        let slab: Slab
        var validity: Bitmap?
    }

    private(set) var targets: [Target]
    let capacity: Int

    init(schema: Schema, columns: Int, capacity: Int) {
        self.capacity = capacity
        targets = schema.fields.prefix(columns).map { field in
            Target(
                type: field.type, format: field.timestampFormat,
                slab: Slab(byteCount: max(capacity * field.type.width, 16)))
        }
    }

    @inline(__always)
    func base(_ column: Int) -> UnsafeMutableRawPointer { unsafe targets[column].slab.base }

    /// Makes a row of a column null.
    mutating func setNull(_ column: Int, row: Int) {
        let bitmap = targets[column].validity ?? Bitmap(count: capacity, valid: true)
        bitmap.set(row, valid: false)
        targets[column].validity = bitmap
        let width = targets[column].type.width
        unsafe (targets[column].slab.base + row * width).initializeMemory(
            as: UInt8.self, repeating: 0, count: width)
    }

    /// Makes a row valid again that a rejected record, or an earlier member of that name, made
    /// null.
    @inline(__always)
    mutating func setValid(_ column: Int, row: Int) {
        if let bitmap = targets[column].validity { bitmap.set(row, valid: true) }
    }

    /// Takes back the nulls of a row whose record was rejected.
    func setValid(row: Int) {
        for target in targets { target.validity?.set(row, valid: true) }
    }

    /// The batch of the first `count` rows.
    func finish(count: Int, owners: [Slab]) -> Batch {
        let columns = targets.map { target in
            Column(
                type: target.type, count: count, values: target.slab, validity: target.validity,
                owners: target.type.isText ? owners : [])
        }
        return Batch(columns: columns, count: count)
    }
}
