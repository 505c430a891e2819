/// A place in the life of a run at which it is killed: an operation on files that a crash could
/// separate from the next one.
struct SoakPoint: Hashable {
    enum Moment: String, CaseIterable { case before, within, after }

    let name: String
    /// As `WEIR_KILL_AT` has them.
    let operation: String
    let pattern: String
    /// How often it comes in a run, about: the kill is at one of so many.
    let countMax: Int

    init(_ name: String, _ operation: String, _ pattern: String, upTo countMax: Int = 4) {
        self.name = name
        self.operation = operation
        self.pattern = pattern
        self.countMax = countMax
    }

    /// Only a write can be cut in two.
    var moments: [Moment] { operation == "write" ? Moment.allCases : [.before, .after] }

    /// Points of every pipeline with checkpoints and state.
    static let checkpoint = [
        SoakPoint("manifest rename", "rename", "checkpoint-*.manifest"),
        SoakPoint("manifest write", "write", "checkpoint-*.manifest.new"),
        SoakPoint("manifest publish", "syncdir", "state"),
        SoakPoint("manifest delete", "unlink", "checkpoint-*.manifest"),
    ]

    /// Points of pipelines whose steps keep state that moves to files.
    static let state = [
        SoakPoint("state write", "write", "*.run"),
        SoakPoint("state sync", "sync", "*.run"),
        SoakPoint("state delete", "unlink", "*.run"),
    ]

    /// Points of file sinks.
    static let fileSink = [
        SoakPoint("journal write", "write", ".out*.weir-journal*"),
        SoakPoint("sink append", "write", "out.ndjson"),
        SoakPoint("sink sync", "sync", ".out*.weir-*-*"),
        SoakPoint("sink rename", "rename", "out*.ndjson", upTo: 1),
        SoakPoint("journal sync", "sync", ".out*.weir-journal*"),
        SoakPoint("staged write", "write", ".out*.weir-*-*", upTo: 20),
        SoakPoint("staged delete", "unlink", ".out*.weir-*-*"),
    ]

    /// Points of sinks with a file for each of several names.
    static let namedFiles = [
        SoakPoint("sink rename", "rename", "*.ndjson", upTo: 8),
        SoakPoint("journal write", "write", ".out*.weir-journal*"),
        SoakPoint("sink sync", "sync", ".*.weir-*-*", upTo: 8),
        SoakPoint("staged delete", "unlink", ".*.weir-*-*", upTo: 8),
    ]

    /// Points of sinks that append to a log.
    static let logSink = [
        SoakPoint("log append", "write", "*.segment", upTo: 20),
        SoakPoint("log publish", "write", "log.marks", upTo: 8),
        SoakPoint("log sync", "sync", "*.segment", upTo: 8),
        SoakPoint("segment delete", "unlink", "*.segment"),
        SoakPoint("log mark sync", "sync", "log.marks"),
    ]

    /// Points of copies to a second place.
    static let secondPlace = [
        SoakPoint("second-place copy", "rename", "second/*.run"),
        SoakPoint("second-place write", "write", "second/*.run.new"),
        SoakPoint("second-place manifest", "rename", "second/checkpoint-*.manifest"),
        SoakPoint("second-place delete", "unlink", "second/*.run"),
    ]
}
