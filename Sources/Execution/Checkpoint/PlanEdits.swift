package import Dataflow
import Storage

/// What becomes of the state of each source, step and sink when a run goes on with an edited
/// pipeline.
package struct PlanEdits {
    /// What becomes of one of them.
    package enum Fate: String, Sendable {
        /// It goes on as it was.
        case kept
        /// It was changed, or moves to other workers, and takes its state along.
        case migrated
        /// It was changed so that its state means nothing to it, and begins anew.
        case reset
        /// It is gone.
        case dropped
        /// It was not there before.
        case added
    }

    package enum Kind: String, Sendable {
        case source, step, sink
    }

    package struct Edit: Sendable {
        package let kind: Kind
        package let name: String
        package let fate: Fate
        /// Bytes of its state: those of its files that may be shared, too.
        package let byteCount: Int
        /// Whether that is lost.
        package let losesState: Bool
        /// What was changed.
        package let change: String?
        /// What of it is lost, where that is not all of it.
        package var part: String?
    }

    package private(set) var edits: [Edit] = []
    /// The checkpoint that was compared; nil for none.
    package let epoch: Int?
    private let pipelines: (old: String, new: String)
    private let places: (old: String?, new: String?)

    /// Compares what a checkpoint holds with a plan.
    init(_ manifest: CheckpointManifest, from place: StateFiles?, to plan: Plan) {
        epoch = manifest.epoch == 0 ? nil : manifest.epoch
        pipelines = (manifest.pipeline, plan.name)
        places = (place?.path, plan.state?.path)
        let moves =
            manifest.workers == plan.settings.workers || epoch == nil
            ? nil : "from \(manifest.workers) workers to \(plan.settings.workers)"
        for source in manifest.sources {
            let isRead = source.position != nil || source.table != nil
            let node = plan.sources.first { $0.name == source.name }
            add(
                .source, source.name, source.binding, node?.binding,
                byteCount: (source.table.flatMap { try? place?.byteCount(of: $0) } ?? 0)
                    + (source.position?.bytes.count ?? 0),
                hasState: isRead && !manifest.isFinished,
                left: source.position.flatMap { node?.left($0) })
        }
        for step in manifest.steps {
            add(
                .step, step.name, step.binding,
                plan.steps.first { $0.name == step.name }?.binding,
                byteCount: place.map { step.byteCount(in: $0) } ?? 0,
                hasState: step.hasState && !manifest.isFinished,
                moves: step.parts.isEmpty ? nil : moves)
        }
        for sink in manifest.sinks {
            let waits = place.map { sink.waits(for: manifest.epoch, in: $0.fileSystem) } ?? false
            add(
                .sink, sink.name, sink.binding,
                plan.sinks.first { $0.name == sink.name }?.binding,
                byteCount: waits ? sink.byteCount : 0, hasState: waits)
        }
        let known = Set(edits.map { "\($0.kind) \($0.name)" })
        let all: [(Kind, String)] =
            plan.sources.map { (.source, $0.name) } + plan.steps.map { (.step, $0.name) }
            + plan.sinks.map { (.sink, $0.name) }
        for (kind, name) in all where !known.contains("\(kind) \(name)") {
            edits.append(
                Edit(
                    kind: kind, name: name, fate: .added, byteCount: 0, losesState: false,
                    change: nil))
        }
        edits.sort { Self.rank($0.kind) < Self.rank($1.kind) }
    }

    private static func rank(_ kind: Kind) -> Int {
        switch kind {
        case .source: 0
        case .step: 1
        case .sink: 2
        }
    }

    private mutating func add(
        _ kind: Kind, _ name: String, _ old: StateBinding, _ new: StateBinding?, byteCount: Int,
        hasState: Bool, moves: String? = nil, left: String? = nil
    ) {
        var (fate, change) = (Fate.kept, moves)
        if let new {
            change = new.change(from: old) ?? moves
            fate = change == nil ? .kept : .migrated
            if !new.takesOver(old) {
                fate = .reset
                change = new.change(from: old) ?? "what it keeps is another thing now"
            }
        } else {
            fate = .dropped
        }
        let isLeaving = hasState && left != nil && fate != .reset && fate != .dropped
        if isLeaving {
            fate = .reset
            change = [change, "its buffer is another one"].compactMap { $0 }
                .joined(separator: StateBinding.separator)
        }
        edits.append(
            Edit(
                kind: kind, name: name, fate: fate, byteCount: byteCount,
                losesState: hasState && (fate == .reset || fate == .dropped), change: change,
                part: isLeaving ? left : nil))
    }

    /// What would be lost, beyond what is allowed to be.
    package func losses(allowing allowed: Set<String>) -> [String] {
        var losses: [String] = []
        if pipelines.old != pipelines.new && epoch != nil {
            losses.append(
                "the state is that of pipeline '\(pipelines.old)', not of '\(pipelines.new)'")
        }
        if let old = places.old, places.new != old, epoch != nil {
            losses.append(
                "state is kept in \(places.new ?? "memory alone") now, and what is in \(old) would "
                    + "be left behind; copy it with weir checkpoint export")
        }
        for edit in edits where edit.losesState && !allowed.contains(edit.name) {
            let how = edit.fate == .reset ? "was changed" : "is gone"
            let what =
                switch edit.kind {
                case .source: edit.part ?? "where it was read to"
                case .step: "its state (\(edit.byteCount) bytes)"
                case .sink: "\(edit.byteCount) bytes of output that wait for it"
                }
            losses.append(
                "\(edit.kind) '\(edit.name)' \(how), and \(what) would be lost; "
                    + "allow it with --allow-reset \(edit.name)")
        }
        return losses
    }

    /// A line for each edit.
    package var lines: [String] {
        edits.map { edit in
            let bytes = edit.byteCount > 0 ? ", \(edit.byteCount) bytes" : ""
            let change = edit.change.map { ": \($0)" } ?? ""
            return "\(edit.kind) \(edit.name): \(edit.fate)\(bytes)\(change)"
        }
    }

    /// Whether nothing was edited.
    package var isEmpty: Bool { edits.allSatisfy { $0.fate == .kept } }
}

extension PlanEdits {
    /// Compares the newest checkpoint of a pipeline, or the pipeline itself where it has none yet,
    /// with another.
    package init(from old: Plan, to new: Plan) throws {
        if let state = old.state {
            let files = CheckpointFiles(path: state.path, fileSystem: state.fileSystem)
            let place = StateFiles(state.path, fileSystem: state.fileSystem)
            if try state.fileSystem.status(of: state.path) != nil,
                let epoch = try files.epochs().last
            {
                self.init(try files.read(epoch), from: place, to: new)
                return
            }
        }
        self.init(
            CheckpointManifest(
                epoch: 0, isFinished: false, pipeline: old.name, writtenAt: 0, nextChunk: 0,
                workers: old.settings.workers,
                sources: old.sources.map {
                    CheckpointManifest.Source(
                        name: $0.name, binding: $0.binding, sequence: 0, hasEnded: false,
                        position: nil, tracker: nil, table: nil, counters: SourceCounters())
                },
                steps: old.steps.map {
                    CheckpointManifest.Step(
                        name: $0.name, binding: $0.binding, keys: [], counters: StepCounters(),
                        parts: [])
                },
                sinks: old.sinks.map {
                    CheckpointManifest.Sink(
                        name: $0.name, binding: $0.binding, rows: 0, staged: [], byteCount: 0,
                        files: [], log: "")
                }),
            from: nil, to: new)
    }
}

extension PlanEdits {
    /// The names that can be allowed to begin anew: those of a plan, and of checkpoints in either
    /// place. Nil where one of these cannot be read.
    package static func names(of plan: Plan) -> [String]? {
        var names =
            plan.sources.map(\.name) + plan.steps.map(\.name) + plan.sinks.map(\.name)
        guard let state = plan.state else { return names }
        let places = [state.path, plan.checkpoint?.secondPlace?.path].compactMap { $0 }
        do {
            for place in places where try state.fileSystem.status(of: place) != nil {
                let files = CheckpointFiles(path: place, fileSystem: state.fileSystem)
                for manifest in try files.epochs().map({ try files.read($0) }) {
                    names += manifest.sources.map(\.name) + manifest.steps.map(\.name)
                    names += manifest.sinks.map(\.name)
                }
            }
        } catch {
            return nil
        }
        var known: Set<String> = []
        return names.filter { known.insert($0).inserted }
    }
}

extension CheckpointManifest.Sink {
    /// Whether output of a checkpoint still has to be delivered.
    fileprivate func waits(for epoch: Int, in fileSystem: any FileSystem) -> Bool {
        guard byteCount > 0 else { return false }
        if let waiting, waiting.place == .files { return !waiting.pieces.isEmpty }
        if !log.isEmpty {
            let mark = try? LogView(log, fileSystem: fileSystem).mark()
            return mark.map { $0.epoch < UInt64(epoch) } ?? false
        }
        return files.isEmpty
            || files.contains { (try? fileSystem.status(of: $0)) ?? nil != nil }
    }
}

extension CheckpointManifest.Step {
    /// Whether it keeps anything from row to row.
    var hasState: Bool {
        parts.contains { part in
            !part.snapshot.own.isEmpty || part.snapshot.families.contains { !$0.buckets.isEmpty }
        }
    }

    /// Bytes of its state in files and in the manifest; of a damaged file none are counted.
    func byteCount(in place: StateFiles) -> Int {
        var (total, counted) = (0, Set<String>())
        for part in parts {
            total += part.snapshot.own.count
            for family in part.snapshot.families {
                let starts = Set(family.buckets.map(\.start))
                for file in family.files where counted.insert("\(family.name) \(file)").inserted {
                    guard let run = try? place.run(file) else { continue }
                    for section in run.sections where starts.contains(section.bucket) {
                        total += section.storedByteCount
                    }
                }
            }
        }
        return total
    }
}
