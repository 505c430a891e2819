import Dataflow
import Storage

/// Keeps the memory of constant strings.
struct TextArenaOwner {
    private(set) var slabs: [Slab] = []

    mutating func add(_ text: String) -> StringView {
        var arena = TextArena(slabBytes: 16)
        let view = arena.add(text)
        slabs += arena.slabs
        return view
    }
}

/// Whether a value is one of many constants.
final class MembershipKernel: Kernel {
    var type: FieldType { .bool }
    private let operand: any Kernel
    private let ints: [Int64]
    private let floats: [Double]
    private let bools: [UInt8]
    private let texts: [StringView]
    /// Places in `texts` plus one, by hash; 0 where empty.
    private let table: [UInt32]
    private let owner: TextArenaOwner

    /// Up to as many constants are compared one by one.
    private static let linearCountMax = 6

    init(_ operand: any Kernel, _ constants: [Constant]) {
        self.operand = operand
        var owner = TextArenaOwner()
        var ints: [Int64] = []
        var floats: [Double] = []
        var bools: [UInt8] = []
        var texts: [StringView] = []
        for constant in constants {
            switch constant {
            case .int(let value), .timestamp(let value): ints.append(value)
            case .float(let value): floats.append(value)
            case .bool(let value): bools.append(value ? 1 : 0)
            case .string(let value): texts.append(owner.add(value))
            case .null: break
            }
        }
        self.ints = ints.sorted()
        self.floats = floats.sorted()
        self.bools = bools.sorted()
        self.texts = texts
        self.owner = owner
        table = texts.count > Self.linearCountMax ? Self.table(of: texts) : []
    }

    private static func table(of texts: [StringView]) -> [UInt32] {
        var size = 16
        while size < texts.count * 2 { size *= 2 }
        var table = [UInt32](repeating: 0, count: size)
        for (place, text) in texts.enumerated() {
            var slot = Int(truncatingIfNeeded: text.hash) & (size - 1)
            while table[slot] != 0 { slot = (slot + 1) & (size - 1) }
            table[slot] = UInt32(place + 1)
        }
        return table
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        let arguments = StrictArguments([operand], rows, &frame)
        return arguments.bools(trueOn: holding(arguments, true), frame)
    }

    func select(_ rows: Selection, where truth: Bool, _ frame: inout Frame) -> Selection {
        holding(StrictArguments([operand], rows, &frame), truth)
    }

    private func holding(_ arguments: StrictArguments, _ truth: Bool) -> Selection {
        let column = arguments.first
        let live = arguments.live
        switch column.type {
        case .int, .timestamp: return Self.search(column.int64s, ints, live, truth)
        case .float: return Self.search(column.doubles, floats, live, truth)
        case .bool: return Self.search(column.bools, bools, live, truth)
        case .string, .json:
            return Self.search(column.strings, texts, table, live, truth)
        }
    }

    private static func search(
        _ values: Span<StringView>, _ constants: [StringView], _ slots: [UInt32],
        _ rows: Selection, _ truth: Bool
    ) -> Selection {
        let texts = constants.span
        if slots.isEmpty {
            return rows.filtered { row in
                let value = values[row]
                var found = false
                for place in texts.indices { found = found || value == texts[place] }
                return found == truth
            }
        }
        let table = slots.span
        return rows.filtered { isIn(table, texts, values[$0]) == truth }
    }

    private static func isIn(
        _ table: Span<UInt32>, _ texts: Span<StringView>, _ value: StringView
    ) -> Bool {
        var slot = Int(truncatingIfNeeded: value.hash) & (table.count - 1)
        while table[slot] != 0 {
            if texts[Int(table[slot]) - 1] == value { return true }
            slot = (slot + 1) & (table.count - 1)
        }
        return false
    }

    @inline(__always)
    private static func search<T: Comparable & BitwiseCopyable>(
        _ values: Span<T>, _ constants: [T], _ rows: Selection, _ truth: Bool
    ) -> Selection {
        let sorted = constants.span
        return rows.filtered { row in
            let value = values[row]
            var low = 0
            var high = sorted.count
            while low < high {
                let middle = (low + high) / 2
                if sorted[middle] < value { low = middle + 1 } else { high = middle }
            }
            return (low < sorted.count && sorted[low] == value) == truth
        }
    }
}
