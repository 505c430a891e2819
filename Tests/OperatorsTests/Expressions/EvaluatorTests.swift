import Dataflow
import Operators
import Testing

struct EvaluatorTests {
    /// Random expressions over random batches, against the interpreter.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func agreesWithTheRowByRowTwin(seed: UInt64) throws {
        var generator = ExpressionGenerator(random: ExpressionRandom(seed: seed))
        let types = ExpressionGenerator.fields.map(\.type)
        let names = ExpressionGenerator.fields.map(\.name)
        for round in 0..<200 {
            let type = generator.random.pick([
                FieldType.bool, .bool, .int, .float, .string, .timestamp,
            ])
            let twin = generator.expression(type, depth: 1 + generator.random.below(4))
            let text = twin.sql(names)
            let context = "seed \(seed), round \(round): \(text)"
            let parsed = Expression.parse(text)
            guard
                case .success(let expression) = parsed.flatMap({
                    $0.checked(against: ExpressionGenerator.schema)
                })
            else {
                Issue.record("\(context)\n\(parsed)")
                return
            }
            #expect(expression.type == twin.type, "\(context)")
            let evaluator = expression.makeEvaluator()
            for _ in 0..<2 {
                let rows = Self.rows(&generator, types)
                let selection = Self.selection(&generator, rows.count)
                let batch = ExpressionRows.batch(rows, types, selection)
                guard Self.check(evaluator, twin, batch, rows, context) else { return }
            }
        }
    }

    private static func rows(
        _ generator: inout ExpressionGenerator, _ types: [FieldType]
    ) -> [[Constant]] {
        let count = generator.random.chance(10) ? 0 : 1 + generator.random.below(90)
        let nullChance = types.map { _ in generator.random.chance(40) ? 0 : 25 }
        return (0..<count).map { _ in
            zip(types, nullChance).map { type, chance in
                generator.random.chance(chance) ? .null : generator.value(type)
            }
        }
    }

    private static func selection(
        _ generator: inout ExpressionGenerator, _ count: Int
    ) -> Selection {
        switch generator.random.below(3) {
        case 0: return Selection(all: count)
        case 1: return Selection(all: count / 2)
        default: return Selection((0..<count).filter { _ in generator.random.chance(50) })
        }
    }

    /// Compares all selected rows; false after the first difference.
    private static func check(
        _ evaluator: Evaluator, _ twin: ExpressionTwin, _ batch: Batch, _ rows: [[Constant]],
        _ context: String
    ) -> Bool {
        var failures = RowFailures()
        let column = evaluator.evaluate(batch, on: batch.selection, failures: &failures)
        let failed = Set(failures.rows)
        #expect(failed.count == failures.count, "a row fails once: \(context)")
        for place in 0..<batch.selection.count {
            let row = batch.selection[place]
            let expected = Result { try twin.value(rows[row]) }
            switch expected {
            case .failure:
                guard failed.contains(row) else {
                    Issue.record("\(context)\nrow \(rows[row]) should fail")
                    return false
                }
            case .success(let value):
                if failed.contains(row) {
                    let message = failures.messages[failures.rows.firstIndex(of: row) ?? 0]
                    Issue.record("\(context)\nrow \(rows[row]) fails (\(message)), wanted \(value)")
                    return false
                }
                let found = ExpressionRows.value(column, row)
                guard found == value, value != .null || ExpressionRows.isZero(column, row) else {
                    Issue.record("\(context)\nrow \(rows[row]) gives \(found), wanted \(value)")
                    return false
                }
            }
        }
        return twin.type != .bool || checkSelect(evaluator, twin, batch, rows, context)
    }

    private static func checkSelect(
        _ evaluator: Evaluator, _ twin: ExpressionTwin, _ batch: Batch, _ rows: [[Constant]],
        _ context: String
    ) -> Bool {
        var failures = RowFailures()
        let selected = evaluator.select(batch, on: batch.selection, failures: &failures)
        var wanted: [Int] = []
        var wantedFailures: Set<Int> = []
        for place in 0..<batch.selection.count {
            let row = batch.selection[place]
            do {
                if try twin.holds(rows[row], true) { wanted.append(row) }
            } catch { wantedFailures.insert(row) }
        }
        let found = (0..<selected.count).map { selected[$0] }
        guard found == wanted, Set(failures.rows) == wantedFailures else {
            Issue.record("\(context)\nselects \(found), wanted \(wanted)")
            return false
        }
        return true
    }

    /// Rows in which `i` alone is not NULL.
    private static func batch(_ numbers: [Int64]) -> Batch {
        let rows = numbers.map { number -> [Constant] in
            ExpressionGenerator.fields.map { $0.name == "i" ? .int(number) : .null }
        }
        return ExpressionRows.batch(
            rows, ExpressionGenerator.fields.map(\.type), Selection(all: numbers.count))
    }

    @Test func constantThatFailsStaysAndFailsForRowsThatNeedIt() throws {
        let text = "CASE WHEN i > 0 THEN 1 / 0 ELSE 2 + 3 END"
        let expression = try Expression.parse(text).get()
            .checked(against: ExpressionGenerator.schema).get()
        #expect(expression.constant == nil)
        let batch = Self.batch([5, -5, 7])
        var failures = RowFailures()
        let column = expression.makeEvaluator()
            .evaluate(batch, on: batch.selection, failures: &failures)
        #expect(failures.rows == [0, 2])
        #expect(failures.messages == Array(repeating: "division by zero in 1 / 0", count: 2))
        #expect(ExpressionRows.value(column, 1) == .int(5))
    }

    @Test func longChainsNeedNoDeepStack() throws {
        let text = (0..<2000).map { "i = \($0)" }.joined(separator: " OR ")
        let expression = try Expression.parse(text).get()
            .checked(against: ExpressionGenerator.schema).get()
        let batch = Self.batch([1999, 2000])
        var failures = RowFailures()
        let selected = expression.makeEvaluator()
            .select(batch, on: batch.selection, failures: &failures)
        #expect(selected.count == 1 && selected[0] == 0)
    }
}
