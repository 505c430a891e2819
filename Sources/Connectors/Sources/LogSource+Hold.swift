package import Dataflow
import Storage
import Synchronization

/// What the checkpoints of a source keep of its log.
extension LogSource {
    /// By what name a log is held for a source.
    ///
    ///     PIPELINE-SOURCE-HASH
    ///
    /// The hash is that of both names and of the place of the state, so that no other has it; the
    /// names are for people.
    package struct HoldName: Sendable, Equatable {
        let text: String
        /// What earlier versions called it; other sources may have had the same.
        let former: String

        /// Far less than what a hold's name may have.
        private static let charactersKept = 150

        package init(pipeline: String, source: String, state: String) {
            former = Self.plain("\(pipeline)-\(source)")
            let bytes = Array("\(pipeline)\0\(source)\0\(state)".utf8)
            let digits = String(Slab(bytes).hash(0..<bytes.count), radix: 16)
            text = "\(former.prefix(Self.charactersKept))-\(digits)"
        }

        /// A name with the letters that holds have.
        private static func plain(_ text: String) -> String {
            String(
                text.map {
                    $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") ? $0 : "_"
                })
        }
    }

    /// Holds the log at the least offsets that a checkpoint begins at.
    package func keep(from positions: [SourcePosition], isFinished: Bool) throws {
        guard let name = options.hold else { return }
        if isFinished {
            held.withLock { $0 = nil }
            return try LogHold.release(name.text, on: options.directory, fileSystem: fileSystem)
        }
        let view = try LogView(options.directory, fileSystem: fileSystem)
        var offsets = Array(repeating: Int64.max, count: view.options.partitionCount)
        for position in positions {
            for place in try Self.places(position).places where place.partition < offsets.count {
                offsets[place.partition] = min(offsets[place.partition], place.next)
            }
        }
        let hold = LogHold(name: name.text, offsets: offsets)
        if held.withLock({ $0 }) == hold { return }
        try hold.set(on: options.directory, fileSystem: fileSystem)
        let last = held.withLock { held in
            defer { held = hold }
            return held
        }
        if last == nil { try releaseFormer(name, offsets) }
    }

    /// Takes away the hold that an earlier version has set for the same checkpoints. One that is at
    /// another place may be that of somebody else, and stays.
    private func releaseFormer(_ name: HoldName, _ offsets: [Int64]) throws {
        let holds = try LogHold.all(on: options.directory, fileSystem: fileSystem)
        guard holds.contains(LogHold(name: name.former, offsets: offsets)) else { return }
        try LogHold.release(name.former, on: options.directory, fileSystem: fileSystem)
    }
}
