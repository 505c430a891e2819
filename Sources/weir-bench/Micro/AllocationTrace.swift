import Foundation

/// How often measurements take memory from the system's allocator, counted by glibc's `mtrace`.
///
/// Tracing needs glibc's debugging allocator in the process from its start, and slows everything
/// down; so the command runs itself once more with that allocator, only to count.
enum AllocationTrace {
    private static let allocator = "libc_malloc_debug.so.0"
    private static let fileVariable = "MALLOC_TRACE"

    /// Whether this process is the one that counts.
    static var isOn: Bool { file != nil }

    /// Where the trace goes.
    private static var file: String? { ProcessInfo.processInfo.environment[fileVariable] }

    /// Runs this command in a process that counts; allocations of each batch by measurement. Empty
    /// where the system has no such allocator.
    static func counts(arguments: [String]) throws -> [String: Double] {
        let trace = BenchFiles.temporary("weir-bench", ending: ".trace")
        defer { try? FileManager.default.removeItem(at: trace) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["LD_PRELOAD": allocator, fileVariable: trace.path]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        var counts: [String: Double] = [:]
        for line in text.split(separator: "\n") {
            let cells = line.split(separator: "\t")
            if cells.count == 2 { counts[String(cells[0])] = Double(cells[1]) }
        }
        return counts
    }

    /// Counts what `body` takes, in the process that counts.
    static func counted(_ body: () throws -> Void) rethrows -> Int {
        startTrace()
        try body()
        endTrace()
        guard let file, let data = FileManager.default.contents(atPath: file) else { return 0 }
        // A line for each call: `@ place + address size`.
        let text = String(decoding: data, as: UTF8.self)
        return text.split(separator: "\n").count { $0.contains("] + ") }
    }
}

/// glibc's functions, whose header the Glibc module leaves out; without its debugging allocator
/// they do nothing.
@_silgen_name("mtrace")
private func startTrace()

@_silgen_name("muntrace")
private func endTrace()
