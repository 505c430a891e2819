import Storage
import TestSupport
import Testing

/// The table against a dictionary.
struct HotTableTests {
    /// Keys with hashes of the test's choice.
    struct Key: Hashable {
        let bytes: [UInt8]
        let hash: UInt64
    }

    static func encoded(_ keys: [Key]) -> EncodedKeys {
        var bytes: [UInt8] = []
        var places: [UInt64] = []
        for key in keys {
            places.append(UInt64(bytes.count) << 32 | UInt64(key.bytes.count))
            bytes += key.bytes
            while bytes.count % 8 != 0 { bytes.append(0) }
        }
        return EncodedKeys(
            bytes: Slab(bytes), places: words(places), hashes: words(keys.map(\.hash)),
            rowCount: keys.count)
    }

    static func words(_ values: [UInt64]) -> Slab {
        Slab(values.flatMap { value in (0..<8).map { UInt8(value >> ($0 * 8) & 0xff) } })
    }

    static func rows(_ values: [Int]) -> Slab {
        Slab(values.flatMap { value in (0..<4).map { UInt8(value >> ($0 * 8) & 0xff) } })
    }

    static func word(_ slab: Slab, _ row: Int) -> UInt32 {
        slab.array(row * 4..<row * 4 + 4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    static func randomKey(_ random: inout SplitMix64, collisions: Bool) -> Key {
        let count = random.chance(0.02) ? random.int(100...5000) : random.int(0...26)
        // Few different bytes, so that keys differ at their ends, or in length alone.
        var bytes = [UInt8](repeating: 0, count: count)
        for index in bytes.indices where random.chance(0.2) {
            bytes[index] = UInt8(random.int(0...1))
        }
        if let last = bytes.indices.last { bytes[last] = UInt8(random.int(0...3)) }
        var hash = bytes.reduce(UInt64(bytes.count)) { ($0 ^ UInt64($1)) &* 0x9e37_79b9_7f4a_7c15 }
        // Alike in all bits, in those of the tag, or in those of the header.
        if collisions {
            switch bytes.count % 4 {
            case 0: hash = 0
            case 1: hash &= 0xffff_ffff
            case 2: hash &= ~0xffff_ffff
            default: hash = ~0
            }
        }
        return Key(bytes: bytes, hash: hash)
    }

    @Test(arguments: Seeds.list(12))
    func agreesWithADictionary(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let width = random.pick([0, 8, 20, 64])
        let table = HotTable(valueWidth: width)
        var twin: [Key: (entry: UInt32, value: UInt64)] = [:]
        let collisions = seed % 2 == 0
        for _ in 0..<40 {
            let keys = (0..<random.int(1...60)).map { _ in
                Self.randomKey(&random, collisions: collisions)
            }
            let chosen =
                random.chance(0.5)
                ? nil : keys.indices.filter { _ in random.chance(0.6) }
            let rows = chosen ?? Array(keys.indices)
            let before = twin.count
            let entries = Slab(byteCount: keys.count * 4)
            let made = table.getOrInsert(
                Self.encoded(keys), rows: chosen.map(Self.rows), count: rows.count, into: entries)
            for row in rows {
                let word = Self.word(entries, row)
                let entry = word & ~HotTable.isNewMark
                let known = twin[keys[row]]
                #expect((word != entry) == (known == nil), "\(Seeds.note(seed))")
                if let known { #expect(known.entry == entry, "\(Seeds.note(seed))") }
                if width > 0 {
                    #expect(table.word(of: entry, at: 0) == known?.value ?? 0)
                    let value = random.next()
                    table.setWord(of: entry, at: 0, to: value)
                    twin[keys[row]] = (entry, value)
                } else {
                    twin[keys[row]] = (entry, 0)
                }
            }
            #expect(made == twin.count - before)
            #expect(table.count == twin.count)
        }
        check(table, twin, seed)
    }

    private func check(
        _ table: HotTable, _ twin: [Key: (entry: UInt32, value: UInt64)], _ seed: UInt64
    ) {
        let sorted = twin.sorted { $0.key.bytes.lexicographicallyPrecedes($1.key.bytes) }
        let entries = table.sortedEntries()
        #expect(
            entries.map { unsafe Array(table.key(of: $0)) } == sorted.map(\.key.bytes),
            "\(Seeds.note(seed))")
        for (key, held) in twin {
            #expect(unsafe Array(table.key(of: held.entry)) == key.bytes, "\(Seeds.note(seed))")
            if table.valueWidth > 0 { #expect(table.word(of: held.entry, at: 0) == held.value) }
        }
        let keys = twin.keys + [Key(bytes: [9, 9], hash: 0), Key(bytes: [0, 9], hash: ~0)]
        let found = Slab(byteCount: keys.count * 4)
        table.find(Self.encoded(keys), rows: nil, count: keys.count, into: found)
        for (row, key) in keys.enumerated() {
            #expect(Self.word(found, row) == twin[key]?.entry ?? HotTable.absent)
        }
    }

    @Test func manyKeysKeepTheirEntriesWhileTheTableGrows() {
        let table = HotTable(valueWidth: 8)
        var random = SplitMix64(seed: 7)
        var entryOf: [UInt32] = []
        let batch = 4096
        for round in 0..<40 {
            // Half are new, half were there before.
            let numbers = (0..<batch).map { row in
                row % 2 == 0 || round == 0
                    ? round * batch + row : random.int(0..<round) * batch + row & ~1
            }
            let keys = numbers.map { number in
                Key(
                    bytes: (0..<8).map { UInt8(number >> ($0 * 8) & 0xff) },
                    hash: Hash64.hash(UInt64(number)))
            }
            let entries = Slab(byteCount: batch * 4)
            _ = table.getOrInsert(Self.encoded(keys), rows: nil, count: batch, into: entries)
            if entryOf.count < (round + 1) * batch {
                entryOf += [UInt32](repeating: .max, count: batch)
            }
            for row in 0..<batch {
                let word = Self.word(entries, row)
                let entry = word & ~HotTable.isNewMark
                let known = entryOf[numbers[row]]
                if (known == .max) != (word != entry) || (known != .max && known != entry) {
                    Issue.record("round \(round), row \(row): \(word) is not \(known)")
                    return
                }
                entryOf[numbers[row]] = entry
                let value = table.word(of: entry, at: 0)
                if value != 0 && value != UInt64(numbers[row]) + 1 {
                    Issue.record("round \(round), row \(row): the value changed to \(value)")
                    return
                }
                table.setWord(of: entry, at: 0, to: UInt64(numbers[row]) + 1)
            }
        }
        #expect(table.count == entryOf.count { $0 != .max })
    }

    @Test(arguments: Seeds.list(8))
    func storedBytesStayAndAreReplacedInPlaceWhereTheyFit(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let table = HotTable(valueWidth: 8)
        var held: [(reference: UInt32, bytes: [UInt8])] = []
        for _ in 0..<400 {
            let count =
                random.chance(0.03) ? random.int(200_000...700_000) : random.int(0...300)
            let bytes = [UInt8](repeating: UInt8(random.int(0...255)), count: count)
            if !held.isEmpty && random.chance(0.5) {
                let index = random.int(0..<held.count)
                let old = held[index]
                let reference = table.store(bytes, replacing: old.reference)
                if count <= old.bytes.count { #expect(reference == old.reference) }
                held[index] = (reference, bytes)
            } else {
                held.append((table.store(bytes, replacing: 0), bytes))
            }
            let key = Key(bytes: [UInt8(random.int(0...255)), 1], hash: random.next())
            let entries = Slab(byteCount: 4)
            _ = table.getOrInsert(Self.encoded([key]), rows: nil, count: 1, into: entries)
        }
        for (reference, bytes) in held {
            #expect(unsafe table.stored(reference).elementsEqual(bytes), "\(Seeds.note(seed))")
        }
        #expect(Set(held.map(\.reference)).count == held.count)
    }

    @Test func largeKeysAndValuesHaveBlocksOfTheirOwn() {
        let table = HotTable(valueWidth: 300_000)
        let keys = (0..<5).map { number in
            Key(bytes: [UInt8](repeating: UInt8(number), count: 400_000), hash: 5)
        }
        let entries = Slab(byteCount: 20)
        for _ in 0..<2 {
            _ = table.getOrInsert(Self.encoded(keys), rows: nil, count: 5, into: entries)
        }
        #expect(table.count == 5)
        for row in 0..<5 {
            let entry = Self.word(entries, row)
            #expect(unsafe Array(table.key(of: entry)) == keys[row].bytes)
            table.setWord(of: entry, at: 299_992, to: UInt64(row))
        }
        for row in 0..<5 {
            #expect(table.word(of: Self.word(entries, row), at: 299_992) == UInt64(row))
        }
    }

    /// How the hashes of many keys are spread over the index.
    enum Spread: CaseIterable {
        case even, oneSegment, onePlace, oneTag, fewSegments

        func hash(_ number: Int) -> UInt64 {
            let even = Hash64.hash(UInt64(number))
            switch self {
            case .even: return even
            // The upper bits choose the segment, those from the 32nd on the place in it.
            case .oneSegment: return even >> 6 | 0xa8 << 56
            case .onePlace: return even & ~0x00ff_ffff_0000_0000
            case .oneTag: return UInt64(number % 7) << 56 | even & 0xffff_ffff
            case .fewSegments: return even & ~(0xf0 << 56)
            }
        }
    }

    private static func numberedKey(_ number: Int, _ spread: Spread) -> Key {
        Key(
            bytes: (0..<8).map { UInt8(number >> ($0 * 8) & 0xff) }, hash: spread.hash(number))
    }

    @Test(arguments: Spread.allCases)
    func aTableGrowsUnderAnySpreadOfHashes(_ spread: Spread) {
        let table = HotTable(valueWidth: 8)
        let total = spread == .oneTag ? 3_000 : spread == .onePlace ? 10_000 : 25_000
        var random = SplitMix64(seed: 11)
        var known = 0
        while known < total {
            var numbers: [Int] = []
            var isNew: [Bool] = []
            for _ in 0..<random.int(1...3000) {
                let isOld = known > 0 && random.chance(0.25)
                numbers.append(isOld ? random.int(0..<known) : known)
                isNew.append(!isOld)
                if !isOld { known += 1 }
            }
            let entries = Slab(byteCount: numbers.count * 4)
            let made = table.getOrInsert(
                Self.encoded(numbers.map { Self.numberedKey($0, spread) }), rows: nil,
                count: numbers.count, into: entries)
            #expect(made == isNew.count { $0 })
            #expect(table.count == known)
            for row in numbers.indices {
                let word = Self.word(entries, row)
                let entry = word & ~HotTable.isNewMark
                if isNew[row] { table.setWord(of: entry, at: 0, to: UInt64(numbers[row])) }
                guard (word != entry) == isNew[row],
                    table.word(of: entry, at: 0) == UInt64(numbers[row])
                else {
                    Issue.record("\(spread): row \(row), key \(numbers[row]) of \(known)")
                    return
                }
            }
            // What is frozen is copied when it is used again.
            if random.chance(0.2) { _ = table.freeze() }
        }
        let all = (0..<known).map { Self.numberedKey($0, spread) }
        let found = Slab(byteCount: known * 4)
        table.find(Self.encoded(all), rows: nil, count: known, into: found)
        #expect((0..<known).allSatisfy { table.word(of: Self.word(found, $0), at: 0) == $0 })
        #expect(Set(table.sortedEntries()) == Set((0..<known).map { Self.word(found, $0) }))
    }

    @Test func growthMovesASmallPartOfTheIndexAtATime() {
        let table = HotTable(valueWidth: 0)
        let entries = Slab(byteCount: 400)
        var most = 0.0
        for start in stride(from: 0, to: 200_000, by: 100) {
            let before = table.byteCount
            let keys = (start..<start + 100).map { Self.numberedKey($0, .even) }
            _ = table.getOrInsert(Self.encoded(keys), rows: nil, count: 100, into: entries)
            let grown = Double(table.byteCount - before) / Double(before)
            if start > 100_000 { most = max(most, grown) }
        }
        #expect(most < 0.15, "a batch of 100 keys grew the table by \(most) of its size")
    }

    @Test func aTableWithoutRowsIsEmpty() {
        let table = HotTable(valueWidth: 0)
        let none = Self.encoded([])
        #expect(table.getOrInsert(none, rows: nil, count: 0, into: Slab(byteCount: 0)) == 0)
        #expect(table.sortedEntries().isEmpty)
        #expect(table.count == 0)
    }
}
