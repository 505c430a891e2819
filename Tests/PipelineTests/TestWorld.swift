@testable import Pipeline

/// A world of a few files and variables.
struct TestWorld {
    var files: [String: String] = [
        "data/orders-1.ndjson": "", "data/orders-2.ndjson": "", "data/shops.ndjson": "",
        "data/orders.csv": "", "/run/secret": "s3cret-token\n",
    ]
    var variables: [String: String] = ["REGION": "north-west", "EMPTY": "", "PORT": "9000"]
    var samples: [String: String] = [:]

    /// Whatever this build has.
    var hasSQLite = true

    var world: PipelineWorld {
        let files = files
        let variables = variables
        let samples = samples
        var world = PipelineWorld(
            environment: { variables[$0] },
            readFile: { path, _ in
                files[path].map { .success(Array($0.utf8)) }
                    ?? .failure(PipelineWorld.Problem("no such file"))
            },
            expandPath: { path in
                guard let star = path.firstIndex(of: "*") else {
                    return files[path] == nil ? [] : [path]
                }
                let before = path[..<star]
                let after = path[path.index(after: star)...]
                return files.keys.filter { $0.hasPrefix(before) && $0.hasSuffix(after) }.sorted()
            },
            sample: { samples[$0.name.value].map { Array($0.utf8) } },
            coreCount: 4)
        world.hasSQLite = hasSQLite
        return world
    }

    /// Checks a file.
    func check(_ text: String, name: String = "p.yaml", set: [String] = []) -> Planner.Result {
        Planner.check(
            Array(text.utf8), name: name, overrides: set.map { Override($0) }, world: world)
    }
}
