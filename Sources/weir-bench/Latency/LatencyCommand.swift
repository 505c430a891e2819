import ArgumentParser
import Dispatch
import Foundation

/// `weir-bench latency`
struct LatencyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency",
        abstract: "Measures the time from the due moment of a row to its result, over TCP.",
        discussion: """
            Orders go at a fixed rate over a loopback connection into the weir executable, through \
            dedup and a join, and over another one back. A row's time starts when it was due, not \
            when it was sent, so a stall counts for every row that had to wait for it.
            """)

    @OptionGroup var weir: WeirOption

    @Option(help: "Rows a second.")
    var rate = 100_000

    @Option(help: "Seconds that are measured.")
    var seconds = 10

    @Option(help: "Seconds before, which are not.")
    var warmup = 2

    @Flag(help: "Prints JSON instead of a line.")
    var json = false

    func validate() throws {
        try require(["rate": rate, "seconds": seconds])
        if warmup < 0 { throw ValidationError("--warmup takes 0 or more") }
    }

    func run() throws {
        let receiver = try LatencyReceiver()
        let pipeline = try LatencyPipeline(
            executable: weir.path, rowsPerSecond: rate, resultPort: receiver.port)
        defer { pipeline.stop() }
        let sender = try LatencySender(
            port: pipeline.port, rowsPerSecond: rate, rowCount: rate * (warmup + seconds))
        let finished = DispatchSemaphore(value: 0)
        let schedule = sender.schedule
        let rowsBefore = rate * warmup
        DispatchQueue.global().async {
            receiver.receive(schedule: schedule, from: rowsBefore)
            finished.signal()
        }
        try sender.send()
        // What is under way comes within moments; the end of the process closes the connection.
        Thread.sleep(forTimeInterval: 1)
        pipeline.stop()
        finished.wait()
        print(json ? report(receiver).json : report(receiver).line)
    }

    private func report(_ receiver: LatencyReceiver) -> LatencyReport {
        LatencyReport(rowsPerSecond: rate, seconds: seconds, histogram: receiver.histogram)
    }
}
