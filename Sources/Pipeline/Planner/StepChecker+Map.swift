import Dataflow
import Operators

extension StepChecker {
    func check(_ map: MapSpec, _ input: Schema?) -> Result? {
        nil
    }
}
