import Dataflow
import Operators

extension StepChecker {
    /// Checks a map step; `known` are fields that may be dropped though they are not decoded.
    func check(_ map: MapSpec, _ input: Schema?, known: Set<String>) -> Result? {
        guard let input else {
            for (_, expression) in map.set { _ = expressions.parse(expression) }
            for case (_, .some(let expression)) in map.select ?? [] {
                _ = expressions.parse(expression)
            }
            return nil
        }
        let options = options(of: map)
        switch MapStep.plan(input: input, options: options, known: known) {
        case .success(let step):
            let reads = options.neededFields.compactMap { input.index(of: $0) }
            // Columns of the input keep their places; computed ones stand behind them.
            return Result(
                kind: .map(step), output: step.schema, reads: Set(reads),
                origins: StepChecker.identity(input))
        case .failure(let mistakes):
            for mistake in mistakes.list {
                expressions.report(mistake.errors, in: text(at: mistake.place, of: map))
            }
            return nil
        }
    }

    private func options(of map: MapSpec) -> MapOptions {
        var options = MapOptions()
        options.set = map.set.map {
            MapOptions.Assignment($0.name.value, $0.expression.value)
        }
        options.rename = map.rename.map { MapOptions.Renaming($0.old.value, to: $0.new.value) }
        options.drop = map.drop.map(\.value)
        options.select = map.select?.map { name, expression in
            expression.map { .computed(MapOptions.Assignment(name.value, $0.value)) }
                ?? .field(name.value)
        }
        return options
    }

    /// The text that a mistake is in.
    private func text(at place: MapOptions.Place, of map: MapSpec) -> Located<String> {
        switch place {
        case .set(let index): return map.set[index].expression
        case .rename(let index): return map.rename[index].old
        case .drop(let index): return map.drop[index]
        case .select(let index):
            let item = map.select?[index]
            return item?.expression ?? item?.name ?? Located("", at: Place(file: ""))
        }
    }
}
