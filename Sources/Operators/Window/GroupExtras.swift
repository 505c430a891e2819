import Dataflow
import Storage

/// What the groups of a window keep outside their fixed-width states, which refer to it by numbers.
///
///     extras  = groups: 8 | wide sums: count, each | members: count, each
///     wide    = first limb: 2 | negative: 1 | limbs: count, 4 each
///     members = offset of the aggregate's state | count, bytes of each key behind their count
///
/// The first 8 bytes of a member's key are the number of its group.
final class GroupExtras {
    /// The wide parts of exact sums.
    var wides = WideSums()
    /// The values seen, of `count_distinct`, by the offset of the aggregate's state.
    var members: [Int: HotTable] = [:]
    /// Groups that were given a number.
    var groupCount = 0

    /// How far numbers moved up when extras were added to others.
    struct Shift: Equatable {
        let wides: UInt32
        let groups: UInt64

        static let none = Shift(wides: 0, groups: 0)
    }

    var isEmpty: Bool { wides.isEmpty && groupCount == 0 }

    func encode(to writer: inout ByteWriter) {
        writer.append(UInt64(groupCount))
        let sums = wides.all
        writer.append(count: sums.count)
        for sum in sums {
            let (first, digits, isNegative) = sum.digits
            writer.append(UInt16(first))
            writer.append(isNegative)
            writer.append(count: digits.count)
            for digit in digits { writer.append(digit) }
        }
        writer.append(count: members.count)
        for (offset, table) in members.sorted(by: { $0.key < $1.key }) {
            writer.append(count: offset)
            writer.append(count: table.count)
            for entry in table.sortedEntries() { writer.append(counted: table.keyArray(of: entry)) }
        }
    }

    /// Adds what `encode` wrote; gives by how much its numbers are greater from now on.
    func add(from reader: inout ByteReader) throws(ByteReader.Damage) -> Shift {
        let added = try reader.integer(UInt64.self)
        guard let addedCount = Int(exactly: added) else {
            throw ByteReader.Damage(cause: "a window has too many groups")
        }
        let sums = try reader.list { reader throws(ByteReader.Damage) in
            let first = Int(try reader.integer(UInt16.self))
            let isNegative = try reader.flag()
            let digits = try reader.list { reader throws(ByteReader.Damage) in
                try reader.integer(UInt32.self)
            }
            guard first + digits.count <= WideSum.limbsMax else {
                throw ByteReader.Damage(cause: "a wide sum is too wide")
            }
            return WideSum(first: first, digits: digits, isNegative: isNegative)
        }
        let shift = Shift(wides: UInt32(wides.all.count), groups: UInt64(groupCount))
        for sum in sums { wides.append(sum) }
        groupCount += addedCount
        let tables = try reader.count()
        for _ in 0..<tables {
            let offset = try reader.count()
            let table = members[offset] ?? HotTable(valueWidth: 0)
            members[offset] = table
            let keys = try reader.list { reader throws(ByteReader.Damage) in
                try reader.countedArray()
            }
            let encoded = KeyEncoder.members(encoded: keys, groupsMovedBy: shift.groups)
            let found = Slab(byteCount: keys.count * 4)
            _ = table.getOrInsert(encoded, rows: nil, count: keys.count, into: found)
        }
        return shift
    }
}
