package import Dataflow

/// One aggregate of a `window` step, checked against the step's input.
package struct Aggregate: Sendable {
    /// The name of its field in the result.
    package let name: String
    package let function: AggregateCall.Function
    /// What it is computed of; nil for a count of rows.
    package let argument: TypedExpression?
    /// Only rows for which this is TRUE count.
    package let filter: TypedExpression?

    package init(
        name: String, function: AggregateCall.Function, argument: TypedExpression?,
        filter: TypedExpression?
    ) {
        self.name = name
        self.function = function
        self.argument = argument
        self.filter = filter
    }
}

/// The `window` step: groups, the windows of event time over which they are aggregated, and what
/// of.
package struct WindowStep: Sendable {
    package let input: Schema
    /// Columns of the group; none for one group of all rows.
    package let by: [Int]
    /// The length of a window, in microseconds.
    package let size: Int64
    /// Where windows start, as a distance from the epoch, in microseconds.
    package let offset: Int64
    package let aggregates: [Aggregate]
    /// The schema of the results: `window_start`, `window_end`, the group, the aggregates.
    package let output: Schema
    /// Whether results leave in an order that all workers share, in place of that of the keys.
    package var leavesByOrdinal = false

    /// A step of tumbling windows; `format` is how its window times leave.
    package init(
        input: Schema, by: [Int], size: Int64, offset: Int64 = 0, aggregates: [Aggregate],
        format: TimestampFormat, hasOrigin: Bool = false
    ) {
        self.input = input
        self.by = by
        self.size = size
        self.offset = offset
        self.aggregates = aggregates
        var output = Schema()
        output.add(Field("window_start", .timestamp, timestampFormat: format), leaves: true)
        output.add(Field("window_end", .timestamp, timestampFormat: format), leaves: true)
        for column in by { output.add(input.fields[column], leaves: true) }
        for aggregate in aggregates {
            let format = aggregate.argument?.timestampFormat ?? .rfc3339
            output.add(
                Field(aggregate.name, aggregate.resultType, timestampFormat: format), leaves: true)
        }
        output.add(.eventTime)
        output.add(.watermark)
        output.add(.ordinal)
        if hasOrigin { output.add(Field(Schema.originName, .string), leaves: false) }
        self.output = output
    }

    /// Whether a result depends on the order of rows.
    package var needsOrder: Bool { false }

    /// The operator of one worker.
    package func makeOperator(_ context: StepContext) -> any Operator {
        WindowOperator(self, context)
    }
}

extension Aggregate {
    /// The type of the aggregate's results.
    package var resultType: FieldType {
        switch function {
        case .count, .countDistinct: .int
        case .avg, .standardDeviation, .populationStandardDeviation, .variance,
            .populationVariance:
            .float
        case .sum, .min, .max, .first, .last: argument?.type ?? .int
        }
    }

    /// What keeps the aggregate per group, or nil for a type it is not defined for.
    func makeKernel() -> (any AggregateKernel)? {
        let type = argument?.type ?? .int
        switch function {
        case .count: return CountKernel()
        case .countDistinct: return DistinctKernel()
        case .sum where type == .int: return IntegerSumKernel(isMean: false)
        case .avg where type == .int: return IntegerSumKernel(isMean: true)
        case .sum where type == .float: return FloatSumKernel(isMean: false)
        case .avg where type == .float: return FloatSumKernel(isMean: true)
        case .sum, .avg: return nil
        case .min, .max: return extremeKernel(type, isLeast: function == .min)
        case .first, .last: return PositionKernel(type: type, isFirst: function == .first)
        case .variance: return momentsKernel(type, isSample: true, isRoot: false)
        case .populationVariance: return momentsKernel(type, isSample: false, isRoot: false)
        case .standardDeviation: return momentsKernel(type, isSample: true, isRoot: true)
        case .populationStandardDeviation:
            return momentsKernel(type, isSample: false, isRoot: true)
        }
    }

    /// Whether the function is defined for its argument's type.
    package var isDefined: Bool { makeKernel() != nil }

    private func extremeKernel(_ type: FieldType, isLeast: Bool) -> (any AggregateKernel)? {
        switch type {
        case .int, .timestamp, .float, .bool: ExtremeKernel(type: type, isLeast: isLeast)
        case .string: TextExtremeKernel(isLeast: isLeast)
        case .json: nil
        }
    }

    private func momentsKernel(
        _ type: FieldType, isSample: Bool, isRoot: Bool
    ) -> (any AggregateKernel)? {
        guard type == .int || type == .float else { return nil }
        return MomentsKernel(isSample: isSample, isRoot: isRoot)
    }
}
