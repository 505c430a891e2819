import Dataflow
import Storage
import TestSupport
import Testing

@testable import Connectors

struct RecordBufferTests {
    /// Feeds `bytes` in random pieces and gives what comes out, chunks cut by the naive twin.
    private func run(
        _ bytes: [UInt8], _ framing: Framing, recordBytesMax: Int, isCutOff: Bool,
        random: inout SplitMix64
    ) -> [NaiveFraming.Item] {
        var buffer = RecordBuffer(name: "x", framing: framing, recordBytesMax: recordBytesMax)
        var items: [NaiveFraming.Item] = []
        func take(_ piece: RecordBuffer.Piece) {
            switch piece {
            case .rejected(let record):
                items.append(.refused(offset: record.place.offset))
                let prefix = framing == .lengthPrefixed ? 4 : 0
                let from = min(record.place.offset + prefix, bytes.count)
                #expect(bytes[from...].starts(with: record.raw))
            case .records(let slice, let place):
                #expect(slice.byteCount > 0)
                let whole = NaiveFraming.items(
                    slice.array, framing, recordBytesMax: recordBytesMax, isCutOff: false,
                    isAtStart: place.offset == 0)
                for case .record(let offset, let record) in whole {
                    items.append(.record(offset: place.offset + offset, record))
                }
            }
        }
        var place = 0
        let piece = Int.random(in: 1...40, using: &random)
        while place < bytes.count {
            let count = min(Int.random(in: 1...piece, using: &random), bytes.count - place)
            let slice = SlabSlice(Array(bytes[place..<place + count]))
            if Bool.random(using: &random) {
                buffer.append(slice.slab.bytes(slice.range))
            } else {
                let room = buffer.room(byteCount: count)
                room.slab.copy(slice, to: room.range.lowerBound)
                buffer.fill(count)
            }
            place += count
            while Int.random(in: 0..<4, using: &random) > 0 {
                let most = Int.random(in: 1...60, using: &random)
                guard let piece = buffer.take(byteCount: most) else { break }
                take(piece)
            }
        }
        while let piece = buffer.take(byteCount: 1000) { take(piece) }
        if let last = isCutOff ? buffer.cutShort() : buffer.finish() { take(last) }
        #expect(buffer.byteCount == 0)
        return items
    }

    @Test(arguments: [Framing.newline, .csv(), .lengthPrefixed])
    func cutsLikeItsNaiveTwin(framing: Framing) {
        for seed in UInt64(0)..<1500 {
            var random = SplitMix64(seed: seed)
            let alphabet = Array("\n\n\"\",a\r\u{feff}".utf8)
            let count = Int.random(in: 0...200, using: &random)
            var bytes: [UInt8] = []
            while bytes.count < count {
                if framing == .lengthPrefixed {
                    let length = Int.random(in: 0...12, using: &random)
                    bytes += [0, 0, 0, UInt8(length)]
                    bytes += (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                } else {
                    bytes.append(alphabet.randomElement(using: &random) ?? 0)
                }
            }
            if Bool.random(using: &random) { bytes.removeLast(min(bytes.count, 3)) }
            let most = Int.random(in: seed % 2 == 0 ? 1...12 : 10...300, using: &random)
            let isCutOff = Bool.random(using: &random)
            let expected = NaiveFraming.items(
                bytes, framing, recordBytesMax: most, isCutOff: isCutOff)
            let got = run(
                bytes, framing, recordBytesMax: most, isCutOff: isCutOff, random: &random)
            #expect(got == expected, "seed \(seed)")
            if got != expected { return }
        }
    }

    @Test func longRecordIsRejectedInBoundedMemory() {
        var buffer = RecordBuffer(name: "x", framing: .newline, recordBytesMax: 1000)
        var rejected = 0
        var most = 0
        let piece = SlabSlice(String(repeating: "a", count: 5000))
        for _ in 0..<2000 {
            buffer.append(piece.slab.bytes(piece.range))
            while let piece = buffer.take(byteCount: 1 << 20) {
                guard case .rejected(let record) = piece else {
                    Issue.record("no record is whole")
                    return
                }
                #expect(record.raw.count == RecordBuffer.rawBytesMax)
                rejected += 1
            }
            most = max(most, buffer.byteCount)
        }
        let end = SlabSlice("\nnext\n")
        buffer.append(end.slab.bytes(end.range))
        guard case .records(let slice, let place) = buffer.take(byteCount: 100) else {
            Issue.record("the record behind the long one is there")
            return
        }
        #expect(slice.text == "next\n")
        #expect(place.offset == 2000 * 5000 + 1)
        #expect(rejected == 1)
        #expect(most == 0)
    }

    @Test(arguments: [
        (Framing.newline, "", "\n"), (.csv(), "\"", "\"\n"), (.lengthPrefixed, "\0\0\0\u{64}", ""),
    ])
    func aRejectedRecordKeepsNothingOfTheNext(framing: Framing, before: String, behind: String) {
        let long = String(repeating: "x", count: 100)
        let text = before + long + behind + (framing == .lengthPrefixed ? "\0\0\0\u{2}ok" : "ok\n")
        var buffer = RecordBuffer(name: "x", framing: framing, recordBytesMax: 20)
        buffer.append(SlabSlice(Array(text.utf8)).slab.bytes(0..<text.utf8.count))
        guard case .rejected(let record) = buffer.take(byteCount: 1000) else {
            Issue.record("the record is too long")
            return
        }
        let quote = framing == .csv() ? "\"" : ""
        #expect(String(decoding: record.raw, as: UTF8.self) == quote + long + quote)
        guard case .records(let slice, _) = buffer.take(byteCount: 1000) else {
            Issue.record("the next one is fine")
            return
        }
        #expect(
            String(decoding: slice.array, as: UTF8.self).hasSuffix(
                "ok\n".prefix(framing == .lengthPrefixed ? 2 : 3)))
    }

    @Test func recordAsLongAsTheLimitPasses() {
        var buffer = RecordBuffer(name: "x", framing: .newline, recordBytesMax: 5)
        let input = SlabSlice("12345\n123456\n12345")
        buffer.append(input.slab.bytes(input.range))
        var texts: [String] = []
        while let piece = buffer.take(byteCount: 100) {
            switch piece {
            case .records(let slice, _): texts.append(slice.text)
            case .rejected(let record): texts.append("rejected at \(record.place.offset)")
            }
        }
        if case .records(let slice, _) = buffer.finish() { texts.append(slice.text) }
        #expect(texts == ["12345\n", "rejected at 6", "12345"])
    }

    @Test func recordLargerThanTheReadGrowsTheBuffer() {
        var buffer = RecordBuffer(name: "x", framing: .newline, recordBytesMax: 1 << 20)
        var fed = 0
        while fed < 300_000 {
            let room = buffer.room(byteCount: 10_000)
            let text = SlabSlice(String(repeating: "b", count: room.byteCount))
            room.slab.copy(text, to: room.range.lowerBound)
            buffer.fill(room.byteCount)
            fed += room.byteCount
            if buffer.take(byteCount: 10_000) != nil { Issue.record("no record is whole") }
        }
        let end = SlabSlice("\n")
        buffer.append(end.slab.bytes(end.range))
        guard case .records(let slice, _) = buffer.take(byteCount: 10_000) else {
            Issue.record("the record is whole")
            return
        }
        #expect(slice.byteCount == fed + 1)
    }

    @Test func strayQuoteInsideAFieldOpensNothing() {
        let text = "a\"b,c\nd,\"e\nf\"\ng,h\n"
        let slice = SlabSlice(text)
        #expect(Framing.csv().recordCount(in: slice.slab.bytes(slice.range)) == 3)
    }

    @Test func lengthPrefixedLinesAreCountedAndCutBack() {
        let lines = SlabSlice("one\n\nthree\nlast")
        let prefixed = LengthPrefixer.convert(lines.slab.bytes(lines.range))
        #expect(
            prefixed.array == [0, 0, 0, 3] + Array("one".utf8) + [0, 0, 0, 0] + [0, 0, 0, 5]
                + Array("three".utf8) + [0, 0, 0, 4] + Array("last".utf8))
        let bytes = prefixed.slab.bytes(prefixed.range)
        #expect(Framing.lengthPrefixed.recordCount(in: bytes) == 4)
        #expect(Framing.newline.recordCount(in: lines.slab.bytes(lines.range)) == 4)
    }
}
