import Foundation
import Testing

@testable import Pipeline

/// Holds `docs/pipeline-file.md` against the specification: the same keys, types and defaults.
struct ReferenceTests {
    private static let document: String =
        (try? String(
            contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("docs/pipeline-file.md"),
            encoding: .utf8)) ?? ""

    /// The rows of the tables of keys, by the title of their section.
    private static let tables: [String: [[String]]] = {
        var tables: [String: [[String]]] = [:]
        var title = ""
        var isKeys = false
        for line in document.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("#") {
                title = line.drop { $0 == "#" || $0 == " " }.description
                isKeys = false
            } else if line.hasPrefix("| key |") {
                isKeys = true
                tables[title] = []
            } else if !line.hasPrefix("|") {
                isKeys = false
            } else if isKeys, !line.hasPrefix("| ---") {
                let cells = line.dropFirst().dropLast().components(separatedBy: " | ")
                tables[title]?.append(cells.map { $0.trimmingCharacters(in: .whitespaces) })
            }
        }
        return tables
    }()

    @Test(arguments: KeyList.all.map(\.title))
    func everyKeyStandsInTheReference(_ title: String) throws {
        let list = try #require(KeyList.all.first { $0.title == title })
        let rows = try #require(ReferenceTests.tables[title], "no section '\(title)'")
        let documented = rows.map { row in
            row.prefix(3).map { $0.replacingOccurrences(of: "`", with: "") }
        }
        let specified = list.keys.map { [$0.name, $0.type, $0.fallback] }
        #expect(documented.map { Array($0) } == specified)
        for (row, key) in zip(rows, list.keys) {
            #expect((row.last == "*later*") == !key.isAvailable)
        }
    }

    @Test func theReferenceHasNoOtherKeys() {
        let titles = Set(KeyList.all.map(\.title))
        #expect(ReferenceTests.tables.keys.filter { !titles.contains($0) }.sorted() == [])
    }

    @Test func theExampleOfTheReferenceIsAccepted() throws {
        let parts = ReferenceTests.document.components(separatedBy: "```")
        let example = try #require(parts.first { $0.hasPrefix("yaml\nname: orders") })
        let result = TestWorld().check(String(example.dropFirst("yaml\n".count)))
        #expect(result.diagnostics.map(\.description) == [])
        #expect(result.pipeline != nil)
    }

    @Test func everyFieldTypeStandsInTheReference() {
        for type in FieldReader.types {
            #expect(ReferenceTests.document.contains("`\(type.name)`"))
        }
    }
}
