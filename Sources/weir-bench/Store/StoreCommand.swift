import ArgumentParser
import Storage

/// `weir-bench store`
struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Measures the state store alone.",
        discussion: """
            The workloads of scripts/peers/rocksdb_store.cc, operation for operation; prints a JSON \
            object for each part. One thread operates, others flush and merge. The backend memory \
            never writes: it shows what the rest costs.
            """)

    enum Workload: String, ExpressibleByArgument, CaseIterable { case dedup, merge, put }

    enum Backend: String, ExpressibleByArgument, CaseIterable { case lsm, memory }

    @Option(help: "What is done.")
    var workload = Workload.dedup

    @Option(help: "Where state is kept.")
    var backend = Backend.lsm

    @Option(help: "How many times.")
    var operations = 5_000_000

    @Option(help: "Distinct counters of merge (a fifth of the operations).")
    var keys: Int?

    @Option(help: "Seconds from one checkpoint of dedup to the next (none).")
    var checkpointEvery: Double?

    @Option(help: "The seed of the operations.")
    var seed: UInt64 = 1

    @Option(help: "The store's memory.")
    var memoryMib = 256

    @Option(help: "An empty directory for the store, or one that is emptied.")
    var directory = ".build/store"

    func validate() throws {
        try require(["operations": operations, "memory-mib": memoryMib, "keys": keys ?? 1])
    }

    func run() throws {
        let files = try StoreFiles(emptying: directory)
        for result in try results(files) { print(result.json) }
    }

    private func results(_ files: StoreFiles) throws -> [StoreResult] {
        switch (workload, backend) {
        case (.dedup, .memory): try [dedup.run(MemoryDedup())]
        case (.dedup, .lsm):
            try [dedup.run(BucketedDedup(files, memoryBytes: memoryMib << 20))]
        case (.merge, .memory): try merge.run(MemoryCounters())
        case (.put, .memory): try put.run(MemoryValues())
        case (.merge, .lsm):
            try merge.run(KeyedCounters(files, memoryBytes: memoryMib << 20))
        case (.put, .lsm): try put.run(KeyedValues(files, memoryBytes: memoryMib << 20))
        }
    }

    private var dedup: DedupWorkload {
        DedupWorkload(count: operations, seed: seed, checkpointEvery: checkpointEvery)
    }

    private var merge: MergeWorkload {
        MergeWorkload(count: operations, keyCount: keys ?? max(operations / 5, 1), seed: seed)
    }

    private var put: PutWorkload { PutWorkload(count: operations, seed: seed) }
}
