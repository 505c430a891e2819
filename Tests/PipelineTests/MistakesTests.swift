import Foundation
import Testing

@testable import Pipeline

/// Files with mistakes, and exactly what is said about them.
///
/// Each file of `Mistakes` ends with `# expected:` and a comment line for each diagnostic. Run the
/// tests with `WEIR_RECORD=1` to write down what is said now, and read it before it is committed.
struct MistakesTests {
    private static let directory =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Mistakes")
    private static let mark = "# expected:\n"

    static let names: [String] =
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []).sorted()

    @Test func thereAreManyMistakes() {
        #expect(MistakesTests.names.count >= 40)
    }

    @Test(arguments: names)
    func eachMistakeIsReportedAsExpected(_ name: String) throws {
        let url = MistakesTests.directory.appendingPathComponent(name)
        let text = try String(contentsOf: url, encoding: .utf8)
        let parts = text.components(separatedBy: MistakesTests.mark)
        let result = TestWorld().check(parts[0], name: name)
        #expect(result.pipeline == nil)
        let said = result.diagnostics.map { "# " + $0.description.dropFirst(name.count + 1) }
        if ProcessInfo.processInfo.environment["WEIR_RECORD"] != nil {
            let block = said.map { $0 + "\n" }.joined()
            try (parts[0] + MistakesTests.mark + block).write(
                to: url, atomically: true, encoding: .utf8)
            return
        }
        let expected = parts.count > 1 ? parts[1].split(separator: "\n").map(String.init) : []
        #expect(said == expected)
        #expect(!expected.isEmpty)
    }
}
