import Dataflow
import Storage

/// The values of one output field, as addresses that a row loop reads.
///
/// Holds no reference, so that copying it costs nothing; it is good only while the batch and the
/// encoder's member live, which `encode` sees to.
@safe
struct JSONMemberSource: BitwiseCopyable {
    let type: FieldType
    private let values: UnsafeMutableRawPointer
    /// The validity bits, or nil where no row is null.
    private let validity: UnsafePointer<UInt8>?
    private let name: UnsafeMutableRawPointer
    private let nameCount: Int
    /// Microseconds of a unit, for times that leave as whole numbers; otherwise 0.
    let timeUnit: Int64
    /// Bytes that name and value take at most, less those of text.
    let fixedMax: Int

    init(_ member: JSONEncoder.Member, _ column: Column) {
        type = member.type
        unsafe values = column.base
        unsafe validity = column.validity?.bytes
        nameCount = member.nameCount
        timeUnit = member.timeUnit
        unsafe name = member.name.base
        fixedMax = nameCount + 8 + (member.time?.byteCountMax ?? NumberWriter.byteCountMax) + 24
    }

    @inline(__always)
    func isValid(_ row: Int) -> Bool {
        guard let validity = unsafe validity else { return true }
        return unsafe validity[row &>> 3] & (1 &<< UInt8(truncatingIfNeeded: row & 7)) != 0
    }

    /// Bytes that the row's text takes at most, escaped.
    @inline(__always)
    func textBytesMax(_ row: Int) -> Int { text(row).count &* 6 }

    /// Writes the member's name, word by word.
    @inline(__always)
    func writeName(to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var offset = 0
        while offset < nameCount {
            let word = unsafe name.load(fromByteOffset: offset, as: UInt64.self)
            unsafe target.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        return unsafe target + nameCount
    }

    @inline(__always)
    func text(_ row: Int) -> StringView {
        unsafe values.load(fromByteOffset: row &* 16, as: StringView.self)
    }

    @inline(__always)
    func int(_ row: Int) -> Int64 {
        unsafe values.load(fromByteOffset: row &* 8, as: Int64.self)
    }

    @inline(__always)
    func double(_ row: Int) -> Double {
        unsafe values.load(fromByteOffset: row &* 8, as: Double.self)
    }

    @inline(__always)
    func bool(_ row: Int) -> Bool {
        unsafe values.load(fromByteOffset: row, as: UInt8.self) != 0
    }
}

/// The sources of a row's members, and the most bytes that a row can take.
@safe
struct JSONRowSource {
    let members: UnsafeBufferPointer<JSONMemberSource>
    /// Those of text.
    private let texts: UnsafeBufferPointer<JSONMemberSource>
    private let fixedMax: Int

    /// Calls `body` with the sources of `members` in `batch`, both kept alive meanwhile.
    static func with(
        _ members: [JSONEncoder.Member], of batch: Batch, _ body: (JSONRowSource) -> Void
    ) {
        let all = members.map { JSONMemberSource($0, batch.columns[$0.column]) }
        let texts = all.filter { $0.type.isText }
        withExtendedLifetime((members, batch)) {
            unsafe all.withUnsafeBufferPointer { allPointer in
                unsafe texts.withUnsafeBufferPointer { textPointer in
                    body(
                        unsafe JSONRowSource(
                            members: allPointer, texts: textPointer,
                            fixedMax: all.reduce(16) { $0 + $1.fixedMax }))
                }
            }
        }
    }

    @inline(__always)
    func byteCountMax(_ row: Int) -> Int {
        var bound = fixedMax
        for index in unsafe 0..<texts.count { bound &+= unsafe texts[index].textBytesMax(row) }
        return bound
    }
}
