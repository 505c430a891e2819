/// There are checkpoints in a directory, but not the one that was asked for.
package struct NoSuchCheckpoint: Error, CustomStringConvertible {
    package let epoch: Int
    package let path: String
    /// The next ones below and above it; there is one at least.
    package let nearest: [Int]

    package var description: String {
        let verb = nearest.count == 1 ? "is" : "are"
        return "there is no checkpoint \(epoch) in \(path); the nearest \(verb) "
            + nearest.map { "\($0)" }.joined(separator: " and ")
    }
}

extension CheckpointFiles {
    /// The epoch that is asked for, or the newest.
    func choose(_ epoch: Int?) throws -> Int {
        let epochs = try epochs()
        guard let newest = epochs.last else {
            throw RestoreError.damaged("there is no checkpoint in \(path)")
        }
        guard let epoch, !epochs.contains(epoch) else { return epoch ?? newest }
        let nearest = [epochs.last { $0 < epoch }, epochs.first { $0 > epoch }]
        throw NoSuchCheckpoint(epoch: epoch, path: path, nearest: nearest.compactMap { $0 })
    }
}
