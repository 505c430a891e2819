import Dataflow

/// LIKE with a constant pattern.
final class LikeKernel: Kernel {
    var type: FieldType { .bool }
    private let operand: any Kernel
    private let pattern: LikePattern

    init(_ operand: any Kernel, _ pattern: LikePattern) {
        self.operand = operand
        self.pattern = pattern
    }

    func evaluate(_ rows: Selection, _ frame: inout Frame) -> Column {
        let arguments = StrictArguments([operand], rows, &frame)
        let values = arguments.first.strings
        return arguments.bools(frame) { row in values[row].withUTF8 { pattern.matches($0) } }
    }
}
