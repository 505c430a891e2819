// swift-tools-version: 6.3
import PackageDescription

/// The same rules for every target of ours; a warning is an error.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // Spans as results of properties and methods; the standard library's own spelling of lifetimes.
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// SQLite, in builds with the trait of that name.
let grdb = Target.Dependency.product(
    name: "GRDB", package: "GRDB.swift", condition: .when(traits: ["SQLite"]))

/// Targets in layer order: each may import only what stands above it (`scripts/check` verifies it).
let package = Package(
    name: "weir",
    products: [
        .executable(name: "weir", targets: ["weir"]),
        .executable(name: "weir-bench", targets: ["weir-bench"]),
    ],
    traits: [
        .trait(name: "SQLite", description: "The sink that writes to SQLite; needs libsqlite3-dev.")
    ],
    dependencies: [
        // The command line.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // Pipeline files, with the line and column of every node.
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        // Sockets.
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        // HTTP requests, and their encryption.
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        // Log lines on standard error.
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        // SQLite, with the trait of that name only.
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        // Latency histograms of the benchmarks.
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // The system's compression libraries.
        .systemLibrary(name: "CLZ4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CZstd", providers: [.apt(["libzstd-dev"])]),
        // Durable bytes: files, encodings, compression, keyed tables in memory. Knows no records.
        .target(name: "Storage", dependencies: ["CLZ4", "CZstd"]),
        // What flows (schemas, columns, batches, watermarks) and the contracts of source, operator, sink, plan.
        .target(name: "Dataflow", dependencies: ["Storage"]),
        // The outside world to batches and back: sources, sinks, formats.
        .target(
            name: "Connectors",
            dependencies: [
                "Dataflow", "Storage",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                grdb,
                .product(
                    name: "GRDBSQLite", package: "GRDB.swift",
                    condition: .when(traits: ["SQLite"])),
            ]),
        // The steps, and the expressions they evaluate.
        .target(name: "Operators", dependencies: ["Dataflow"]),
        // A pipeline file to a checked plan, or to diagnostics a user can act on.
        // (It reaches Storage for the door to the file system alone.)
        .target(
            name: "Pipeline",
            dependencies: ["Connectors", "Operators", "Dataflow", "Storage", "Yams"]),
        // Runs a plan: sequencer, workers, mailboxes.
        .target(name: "Execution", dependencies: ["Dataflow", "Storage"]),
        // The command line, one file per verb; the only place where everything meets.
        .executableTarget(
            name: "weir",
            dependencies: [
                "Pipeline", "Execution", "Connectors", "Operators", "Dataflow", "Storage",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        // Measurements.
        .executableTarget(
            name: "weir-bench",
            dependencies: [
                "Pipeline", "Execution", "Connectors", "Operators", "Dataflow", "Storage",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ]),
        // What stands in for the world in tests: twins, virtual clock, seeded generators.
        .target(
            name: "TestSupport",
            dependencies: [
                "Dataflow", "Storage",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            path: "Tests/TestSupport"),
        .testTarget(name: "StorageTests", dependencies: ["Storage", "TestSupport"]),
        .testTarget(name: "DataflowTests", dependencies: ["Dataflow", "TestSupport"]),
        .testTarget(name: "ConnectorsTests", dependencies: ["Connectors", "TestSupport", grdb]),
        .testTarget(name: "OperatorsTests", dependencies: ["Operators", "TestSupport"]),
        .testTarget(
            name: "PipelineTests",
            dependencies: [
                "Pipeline", "Connectors", "Operators", "Dataflow", "Storage", "TestSupport",
            ],
            exclude: ["Mistakes"]),
        .testTarget(
            name: "ExecutionTests",
            dependencies: ["Execution", "Pipeline", "Connectors", "Operators", "TestSupport"]),
        // Whole pipelines on one thread: schedules, faults and kills that a seed decides.
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Execution", "Pipeline", "Connectors", "Dataflow", "Storage", "TestSupport",
            ]),
        // Whole pipelines, in the process and through the executable.
        .testTarget(
            name: "GoldenTests",
            dependencies: [
                "Execution", "Pipeline", "Connectors", "Operators", "TestSupport", "weir",
                "weir-bench", grdb,
            ],
            exclude: ["Golden"]),
    ],
    swiftLanguageModes: [.v6]
)

for target in package.targets where target.type != .system {
    target.swiftSettings = settings
}
