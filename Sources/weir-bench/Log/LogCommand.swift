import ArgumentParser
import Storage

/// `weir-bench log`
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Measures the embedded log alone.",
        discussion: """
            Records of 200 bytes, as batches; prints a JSON object for each part: plain writes of \
            the same bytes, appends that the system makes durable when it gets to it, reads, and \
            appends that wait until they are durable.
            """)

    @Option(help: "MiB of records.")
    var mib = 1024

    @Option(help: "Records of a batch.")
    var batch = 1000

    @Option(help: "Threads that append and wait.")
    var producers = 8

    @Option(help: "Batches that each of them appends.")
    var rounds = 200

    @Flag(help: "Plain writes and appends end when all is on the device.")
    var durable = false

    @Option(help: "A directory for the log, or one that is emptied.")
    var directory = ".build/log"

    func validate() throws {
        try require(["mib": mib, "batch": batch, "producers": producers, "rounds": rounds])
    }

    func run() throws {
        let bench = LogBench(
            directory: directory, byteCount: mib << 20, batchRecords: batch, isDurable: durable)
        print(try bench.plainWrite().json)
        for (codec, name) in [(BlockCodec.none, "none"), (.lz4, "lz4")] {
            for result in try bench.appendAndRead(codec, name) { print(result.json) }
        }
        for size in [1, 100] {
            let small = LogBench(directory: directory, byteCount: 0, batchRecords: size)
            print(try small.syncEvery(producers: producers, batches: rounds).json)
        }
    }
}
