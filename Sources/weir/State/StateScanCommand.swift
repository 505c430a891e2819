import ArgumentParser
import Connectors
import Execution
import Storage

/// `weir state scan`
struct StateScanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Prints the keys of a step's state, bucket by bucket, in their order.")

    @OptionGroup var state: StatePlace

    @Option(help: "The step.")
    var step: String

    @Option(help: "Only the bucket that starts then, as 'weir state ls' prints it.")
    var bucket: String?

    @Option(help: "Entries to print, at most.")
    var limit: Int?

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit takes 1 or more") }
    }

    func run() throws {
        var left = limit ?? Int.max
        try StateEntries.each(of: step, in: state) { found, entry in
            guard bucket == nil || WallTime.text(found.start) == bucket else { return true }
            StateEntries.print(entry, of: found, asJSON: state.json)
            left -= 1
            return left > 0
        }
    }
}

/// `weir state get`
struct StateGetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Prints what a step keeps of a key, in every bucket that has it.",
        discussion: "Ends with 1 if no bucket has the key.")

    @OptionGroup var state: StatePlace

    @Option(help: "The step.")
    var step: String

    @Option(
        name: .customLong("key"),
        help: "The value of a column of the key; once for each, in their order.")
    var key: [String]

    func run() throws {
        var isFound = false
        try StateEntries.each(of: step, in: state) { bucket, entry in
            if entry.key.map(\.value) == key {
                isFound = true
                StateEntries.print(entry, of: bucket, asJSON: state.json)
            }
            return true
        }
        if !isFound { throw ExitStatus.failed }
    }
}

/// Walks through entries, and prints them.
enum StateEntries {
    /// Calls `body` with each entry of a step until it says false.
    static func each(
        of step: String, in state: StatePlace,
        _ body: (StateInspection.Bucket, StateInspection.Entry) -> Bool
    ) throws {
        let inspection = try state.inspection()
        // The last checkpoint of a run that has ended holds nothing of any step.
        guard inspection.steps.isEmpty || inspection.steps.contains(step) else {
            StandardError.write(
                "weir: error: checkpoint \(inspection.epoch) has no state of a step '\(step)'; "
                    + "there are: \(inspection.steps.joined(separator: ", "))")
            throw ExitStatus.failed
        }
        let buckets = try state.place.attempt { try inspection.buckets(of: step) }
        for bucket in buckets {
            for entry in try state.place.attempt({ try inspection.entries(of: bucket) }) {
                guard body(bucket, entry) else { return }
            }
        }
    }

    static func print(
        _ entry: StateInspection.Entry, of bucket: StateInspection.Bucket, asJSON isJSON: Bool
    ) {
        let start = WallTime.text(bucket.start)
        guard isJSON else {
            let key = entry.key.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
            let value = entry.value.isEmpty ? "" : "  \(hexadecimal(entry.value))"
            Swift.print("\(start)  \(key)\(value)")
            return
        }
        var key = JSONLine()
        for (name, value) in entry.key { key.add(name, value) }
        var line = JSONLine()
        line.add("bucket", start)
        line.add("key", key)
        line.add("value", hexadecimal(entry.value))
        Swift.print(line.text)
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }
}
