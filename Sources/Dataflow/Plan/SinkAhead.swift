/// A sink has committed more than the checkpoint that a run would go on from knows of.
package struct SinkAhead: Error, CustomStringConvertible {
    /// Another sink of which that is true.
    package struct Other: Sendable {
        package let sink: String
        /// Where it writes, in the words of the file.
        package let target: String
        package let epoch: Int

        package init(sink: String, target: String, epoch: Int) {
            self.sink = sink
            self.target = target
            self.epoch = epoch
        }
    }

    package let paths: [String]
    package let epoch: Int
    package let sinkEpoch: Int
    /// What can be done about it.
    package let advice: String
    /// The sink's name; its writer does not know it.
    package var sink: String?
    package var others: [Other] = []

    package init(
        paths: [String], epoch: Int, sinkEpoch: Int,
        advice: String =
            "Cut the output back with --roll-back-sinks, or go on behind it with "
            + "--accept-duplicates"
    ) {
        self.paths = paths
        self.epoch = epoch
        self.sinkEpoch = sinkEpoch
        self.advice = advice
    }

    package var description: String {
        let owner = sink.map { " of sink '\($0)'" } ?? ""
        var text =
            "output\(owner) was committed up to checkpoint \(sinkEpoch), but only checkpoint "
            + "\(epoch) can be restored: \(paths.joined(separator: ", "))"
        for other in others {
            text +=
                "; and that of sink '\(other.sink)' up to checkpoint \(other.epoch): "
                + other.target
        }
        return "\(text). \(advice)"
    }
}
