import Storage
import TestSupport
import Testing

@testable import Connectors

@Suite struct NumberParserTests {
    /// Parses a whole text in a slab.
    private func double(_ text: String, syntax: NumberParser.Syntax = .json) -> Double? {
        let input = FormatsInput(text)
        guard
            let parsed = unsafe NumberParser.parseDouble(input.start, input.end, syntax: syntax),
            unsafe parsed.next == input.end
        else { return nil }
        return unsafe parsed.value
    }

    private func int(_ text: String, syntax: NumberParser.Syntax = .json) -> Int64? {
        let input = FormatsInput(text)
        guard
            let parsed = unsafe NumberParser.parseInt(input.start, input.end, syntax: syntax),
            unsafe parsed.next == input.end
        else { return nil }
        return unsafe parsed.value
    }

    @Test(arguments: [
        "0", "-0", "1", "-1", "7", "10", "12345678", "123456789012345678", "9223372036854775807",
        "-9223372036854775808", "1000000000000000000", "99999999", "100000000", "-99999999",
    ])
    func integersOfAnyLengthAreRead(_ text: String) {
        #expect(int(text) == Int64(text))
    }

    @Test(arguments: [
        "", "-", "+1", "01", "-01", "00000000", "1a", " 1", "9223372036854775808",
        "-9223372036854775809", "18446744073709551616", "99999999999999999999999999999999", ".",
        "1.0", "1e3",
    ])
    func whatIsNoJSONIntegerIsRefused(_ text: String) {
        #expect(int(text) == nil)
    }

    @Test func textMayHaveSignsAndLeadingZeros() {
        #expect(int("+1", syntax: .text) == 1)
        #expect(int("007", syntax: .text) == 7)
        #expect(int("-0000000000000000000000000012", syntax: .text) == -12)
        #expect(int("+-1", syntax: .text) == nil)
        #expect(double("+007.50", syntax: .text) == 7.5)
        #expect(double(".5", syntax: .text) == 0.5)
        #expect(double("-5.", syntax: .text) == -5)
        #expect(double("00000000005", syntax: .text) == 5)
        #expect(double(".", syntax: .text) == nil)
        #expect(double("-.e1", syntax: .text) == nil)
    }

    @Test(arguments: [
        "", "-", "+1", "01", "01.5", ".5", "5.", "5.e1", "1e", "1e+", "1.5e-", "NaN", "Infinity",
        "1..2", "1.2.3", "0x10", "--1", "1_000", "1e5.5",
    ])
    func whatIsNoJSONNumberIsRefused(_ text: String) {
        #expect(double(text) == nil)
    }

    @Test(arguments: [
        "0", "-0", "0.0", "0e999999999999999999999", "123.45", "-1e-7", "1E5", "1e+5", "4.9e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072011e-308",
        "2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623158e308",
        "1.7976931348623159e308", "1e400", "-1e400", "1e-400", "9007199254740993",
        "9007199254740992.99999999999999999999999", "9007199254740993.00000000000000000000000001",
        "0.000000000000000000000000000000000000000000012345678901234567890123",
        "123456789012345678901234567890", "1e22", "1e23", "8.5e22", "0.1e1", "12345678.12345678",
        "7.4109846876186981626485318930233205854758970392148714663837852375101326090531312779e-324",
        "6.631236846766476e-316", "3.2378839133029012895883524125015321748630094e-319",
        "1090544144181609348671888949248",
        "9355950000000000000.00000000000000000000000000000000001",
    ])
    func difficultFloatsAreRoundedCorrectly(_ text: String) {
        let value = double(text)
        #expect(value?.bitPattern == Double(text)?.bitPattern, "\(text) gave \(value as Any)")
    }

    @Test func thousandsOfDigitsAreRoundedCorrectly() {
        // Exactly half way between two neighbours, then a digit far behind it.
        let half = "9007199254740993" + "." + String(repeating: "0", count: 5000)
        #expect(double(half) == 9_007_199_254_740_992)
        #expect(double(half + "1") == 9_007_199_254_740_994)
        #expect(double("1" + String(repeating: "0", count: 5000)) == .infinity)
        let small = "0." + String(repeating: "0", count: 5000) + "25"
        #expect(double(small) == 0)
        #expect(double(small + "e5001") == 2.5)
    }

    @Test func randomBitPatternsSurviveTheRoundTrip() {
        var random = SplitMix64(seed: 0x5eed_0001)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let text = value.description
            #expect(double(text)?.bitPattern == value.bitPattern, "\(text), seed 0x5eed_0001")
        }
    }

    @Test func randomDecimalsAgreeWithTheStandardLibrary() {
        var random = SplitMix64(seed: 0x5eed_0002)
        for _ in 0..<20_000 {
            let text = Self.randomNumber(&random)
            let expected = Double(text)
            #expect(
                double(text)?.bitPattern == expected?.bitPattern, "\(text), seed 0x5eed_0002")
            if let whole = Int64(text) {
                #expect(int(text) == whole, "\(text), seed 0x5eed_0002")
            }
        }
    }

    @Test func digitsBehindTheEndDoNotCount() {
        for count in 1...12 {
            let input = FormatsInput("123456789012345678901234567890")
            let end = unsafe input.start + count
            let parsed = unsafe NumberParser.parseDouble(input.start, end)
            #expect(unsafe parsed?.value == Double("123456789012".prefix(count)))
            let whole = unsafe NumberParser.parseInt(input.start, end)
            #expect(unsafe whole?.value == Int64("123456789012".prefix(count)))
        }
        let point = FormatsInput("12.345678901")
        for count in 4...12 {
            let end = unsafe point.start + count
            let parsed = unsafe NumberParser.parseDouble(point.start, end)
            #expect(unsafe parsed?.value == Double("12.345678901".prefix(count)))
        }
    }

    private static func randomNumber(_ random: inout SplitMix64) -> String {
        func digits(_ count: Int) -> String {
            var text = ""
            for _ in 0..<count { text += "\(random.next(below: 10))" }
            return text
        }
        var text = random.next(below: 2) == 0 ? "-" : ""
        let whole = digits(1 + random.next(below: random.next(below: 8) == 0 ? 30 : 9))
        text += whole.count > 1 && whole.first == "0" ? "1" + whole : whole
        if random.next(below: 4) > 0 {
            text += "." + digits(1 + random.next(below: random.next(below: 8) == 0 ? 30 : 9))
        }
        if random.next(below: 3) == 0 {
            text += ["e", "E", "e-", "e+"][random.next(below: 4)] + "\(random.next(below: 330))"
        }
        return text
    }
}

@Suite struct NumberWriterTests {
    private func text(_ value: Double) -> String {
        unsafe FormatsOutput.text { unsafe NumberWriter.write(value, to: $0) }
    }

    private func text(_ value: Int64) -> String {
        unsafe FormatsOutput.text { unsafe NumberWriter.write(value, to: $0) }
    }

    @Test func integersAreWrittenInDecimal() {
        var values: [Int64] = [0, 1, -1, .max, .min]
        var power: Int64 = 1
        for _ in 0..<18 {
            power *= 10
            values += [power - 1, power, power + 1, -power, 1 - power]
        }
        var random = SplitMix64(seed: 0x5eed_0003)
        for _ in 0..<2000 {
            values.append(Int64(bitPattern: random.next()) >> Int64(random.next(below: 64)))
        }
        for value in values { #expect(text(value) == value.description) }
    }

    @Test(arguments: [
        0, 0.1, 0.01, 0.001, 1, 12, 0.5, 123.45, 1.005, 99.99, 1e-4, 1e-5, 0.000123,
        1e15, 1e16, 9_007_199_254_740_991, 9_007_199_254_740_992, 9_007_199_254_740_994, 1e21,
        1.5e-7, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0.1 + 0.2, 999_999_999.999999,
        1e9 + 0.25,
        1e12 - 0.01, 123_456_789.123456,
    ])
    func floatsAreWrittenAsTheirShortestDigits(_ value: Double) {
        #expect(text(value) == value.description)
        #expect(text(-value) == (-value).description)
    }

    @Test func randomFloatsAreWrittenAsTheStandardLibraryDoes() {
        var random = SplitMix64(seed: 0x5eed_0004)
        for _ in 0..<20_000 {
            let bits = Double(bitPattern: random.next())
            if bits.isFinite { #expect(text(bits) == bits.description) }
            let scale = PowersOfTen.doubles[random.next(below: 12)]
            let whole = Int64(bitPattern: random.next()) >> Int64(random.next(below: 64))
            let decimal = Double(whole) / scale
            #expect(text(decimal) == decimal.description, "\(decimal), seed 0x5eed_0004")
        }
    }
}
