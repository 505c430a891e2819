import Foundation
import TestSupport
import Testing

@testable import Pipeline

/// Whatever a file holds, checking it ends, and says something or gives a pipeline.
struct FuzzTests {
    /// Pieces that mean something to YAML or to the planner.
    private static let pieces: [String] = [
        ":", ": ", "- ", "? ", "&a ", "*a", "<<: *a\n", "!!str ", "[", "]", "{", "}", ",", "|\n",
        ">-\n", "\"", "'", "\\", "#", "---\n", "...\n", "%YAML 1.2\n", "\t", "\r\n", "\u{0}",
        "\u{FEFF}", "\u{2028}", "ÿ", "${A}", "${file:/run/secret}", "$$", "${", "null", "~",
        "inputs",
        "type: window", "in.errors", "9223372036854775808", "-1", "1h", "\"\\ud800\"", "(((((",
        "CASE ",
        "NOT ", "'x' = ",
    ]

    /// Seeds to try; `WEIR_FUZZ_SEEDS` sets how many for a long run.
    static let seeds: [UInt64] = Seeds.list(
        ProcessInfo.processInfo.environment["WEIR_FUZZ_SEEDS"].flatMap { Int($0) } ?? 400)

    @Test func mutatedFilesAreCheckedWithoutACrash() {
        for seed in FuzzTests.seeds { checkMutation(seed) }
    }

    private func checkMutation(_ seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var bytes = Array(ordersFile.utf8)
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, place + Int.random(in: 0...20, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.removeSubrange(place..<end)
            case 1: bytes.insert(contentsOf: bytes[place..<end], at: place)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            case 3:
                let other = Int.random(in: 0...bytes.count, using: &random)
                bytes.insert(contentsOf: bytes[place..<end], at: other)
            default:
                let piece = FuzzTests.pieces.randomElement(using: &random) ?? ""
                bytes.replaceSubrange(place..<end, with: Array(piece.utf8))
            }
        }
        let result = Planner.check(bytes, name: "fuzz", world: TestWorld().world)
        // A file that is refused says why; one that is accepted can be shown.
        #expect(result.pipeline != nil || !result.diagnostics.isEmpty, "seed \(seed)")
        if let pipeline = result.pipeline { #expect(!pipeline.describe().text().isEmpty) }
        for diagnostic in result.diagnostics {
            #expect(!diagnostic.message.contains("s3cret"), "seed \(seed)")
        }
    }
}
