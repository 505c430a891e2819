import Dataflow
import Foundation
import Testing

@testable import Operators

struct ExpressionDocumentTests {
    private static let page: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let page = try? String(
            contentsOf: root.appending(path: "docs/expressions.md"), encoding: .utf8)
        return page ?? ""
    }()

    @Test func everyFunctionIsDescribed() {
        for name in FunctionSignature.byName.keys.sorted() + Checker.specialFunctions {
            #expect(Self.page.contains("`\(name)"), "\(name) is missing in docs/expressions.md")
        }
    }

    @Test func everyAggregateIsDescribed() {
        for name in AggregateCall.Function.names {
            #expect(Self.page.contains("`\(name)"), "\(name) is missing in docs/expressions.md")
        }
    }

    /// The examples that are calls of constants give what the page says.
    @Test func examplesGiveWhatThePageSays() throws {
        var count = 0
        for line in Self.page.split(separator: "\n") where line.contains("` → `") {
            let cells = line.split(separator: "` → `")
            guard let call = cells[0].split(separator: "`").last,
                let result = cells[1].split(separator: "`").first
            else { continue }
            let text = "CAST(\(call) AS string)"
            let constant = try Expression.parse(text).get().checked(against: Schema()).get()
                .constant
            #expect(constant == .string(String(result)), "\(call)")
            count += 1
        }
        #expect(count > 20)
    }
}
