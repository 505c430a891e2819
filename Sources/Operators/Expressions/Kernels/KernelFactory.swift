import Dataflow

/// Makes the kernels of a checked expression.
struct KernelFactory {
    private var slots: [Int: SlotKernel] = [:]

    mutating func kernel(_ node: TypedNode) -> any Kernel {
        switch node.kind {
        case .constant(let value): return ConstantKernel(value, type: node.type)
        case .field(let index): return FieldKernel(index, type: node.type)
        case .arithmetic(let symbol, let left, let right):
            return ArithmeticKernel(symbol, kernel(left), kernel(right), type: node.type)
        case .negate(let operand): return NegateKernel(kernel(operand))
        case .compare(let symbol, let left, let right): return comparison(symbol, left, right)
        case .logic(let symbol, let operands):
            return LogicKernel(symbol, operands.map { kernel($0) })
        case .not(let operand): return NotKernel(kernel(operand))
        case .test(let operand, let test, let negated):
            return TestKernel(kernel(operand), test, negated: negated)
        case .among(let operand, let constants): return MembershipKernel(kernel(operand), constants)
        case .like(let operand, let pattern): return LikeKernel(kernel(operand), pattern)
        case .conditional(let branches, let otherwise):
            return ConditionalKernel(
                branches.map { (condition: kernel($0.condition), value: kernel($0.value)) },
                otherwise: kernel(otherwise))
        case .coalesce(let values):
            return CoalesceKernel(values.map { kernel($0) }, type: node.type)
        case .cast(let operand, let tries):
            return CastKernel(kernel(operand), to: node.type, tries: tries)
        case .call(let function, let arguments):
            return FunctionKernel(function, arguments.map { kernel($0) }, type: node.type)
        case .shared(let number, let value, let body):
            let value = kernel(value)
            let slot = SlotKernel(type: value.type)
            slots[number] = slot
            return SharedKernel(value, slot: slot, in: kernel(body))
        case .slot(let number):
            guard let slot = slots[number] else {
                preconditionFailure("a slot is used inside of its sharing")
            }
            return slot
        }
    }

    private mutating func comparison(
        _ symbol: Comparison, _ left: TypedNode, _ right: TypedNode
    ) -> any Kernel {
        if let constant = right.constant, constant != .null {
            return ConstantComparisonKernel(symbol, kernel(left), constant)
        }
        if let constant = left.constant, constant != .null {
            return ConstantComparisonKernel(symbol.mirrored, kernel(right), constant)
        }
        return ComparisonKernel(symbol, kernel(left), kernel(right))
    }
}
