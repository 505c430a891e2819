import Dataflow
import Storage

/// The values of one output field, as addresses that a row loop reads; valid while the batch lives.
@safe
struct JSONMemberSource {
    let type: FieldType
    private let values: UnsafeMutableRawPointer
    private let validity: Bitmap?
    private let name: UnsafePointer<UInt64>
    private let nameCount: Int
    /// Keeps the name's words.
    private let nameSlab: Slab
    /// Bytes that any value but text takes at most, with the name and overrun.
    private let fixedMax: Int

    init(_ member: JSONEncoder.Member, _ column: Column) {
        type = member.type
        unsafe values = column.base
        validity = column.validity
        nameCount = member.name.count
        nameSlab = Slab(byteCount: nameCount + 8)
        for (index, byte) in member.name.enumerated() {
            unsafe nameSlab.base.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
        unsafe name = UnsafePointer(nameSlab.base.assumingMemoryBound(to: UInt64.self))
        fixedMax = nameCount + 8 + (member.time?.byteCountMax ?? NumberWriter.byteCountMax) + 16
    }

    @inline(__always)
    func isValid(_ row: Int) -> Bool { validity.map { $0[row] } ?? true }

    @inline(__always)
    func byteCountMax(_ row: Int) -> Int {
        switch type {
        case .string: fixedMax &+ JSONText.byteCountMax(text(row).count)
        case .json: fixedMax &+ text(row).count &+ 16
        case .bool, .int, .float, .timestamp: fixedMax
        }
    }

    /// Writes the member's name, word by word.
    @inline(__always)
    func writeName(to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var offset = 0
        let count = nameCount
        while offset < count {
            let word = unsafe name[offset &>> 3]
            unsafe target.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        return unsafe target + count
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
