import ArgumentParser
import Dataflow
import Execution
import Glibc
import Pipeline
import Storage

/// What the verbs that read one pipeline file have in common.
struct PipelineArguments: ParsableArguments {
    @Argument(help: "The pipeline file.")
    var file: String

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Sets a value of the file, as if it stood there: settings.workers=2.",
            valueName: "a.b.c=value"))
    var overrides: [String] = []

    /// Reads and checks the file; prints what is wrong with it and stops there if anything is.
    func check(in world: PipelineWorld) throws(ExitStatus) -> CheckedPipeline {
        let result = try PipelineChecking.check(file, overrides: overrides, world: world)
        return try accept(result)
    }

    /// What was checked; prints what is wrong with it and stops there if anything is.
    func accept(_ result: Planner.Result) throws(ExitStatus) -> CheckedPipeline {
        try PipelineChecking.accept(result, of: file)
    }
}

/// Reads a pipeline file and checks it.
enum PipelineChecking {
    /// Bytes of a pipeline file, at most.
    private static let byteCountMax = 16 << 20

    /// What was checked of a file; prints what is wrong with it and stops there if anything is.
    static func accept(
        _ result: Planner.Result, of file: String
    ) throws(ExitStatus) -> CheckedPipeline {
        for diagnostic in result.diagnostics { StandardError.write(diagnostic.description) }
        guard !result.hasErrors else { throw .badConfiguration }
        guard let pipeline = result.pipeline else {
            let diagnostic = Diagnostic(
                .error, at: result.uncheckedPlace ?? Place(file: file, line: 1, column: 1),
                "the fields of a source are not known; give it a 'schema'")
            StandardError.write(diagnostic.description)
            throw .badConfiguration
        }
        return pipeline
    }

    static func check(
        _ path: String, overrides: [String], world: PipelineWorld
    ) throws(ExitStatus) -> Planner.Result {
        switch world.readFile(path, byteCountMax) {
        case .failure(let problem):
            StandardError.write("\(path): error: \(problem.message)")
            throw .badConfiguration
        case .success(let bytes):
            return Planner.check(
                bytes, name: path, overrides: overrides.map(Override.init), world: world)
        }
    }
}

extension PipelineWorld {
    /// The machine as it is.
    static var machine: PipelineWorld {
        let files = Machine.files
        var world = system(fileSystem: files, coreCount: Machine.coreCount) { name in
            unsafe getenv(name).map { unsafe String(cString: $0) }
        }
        world.guess = { directories, source in
            for directory in directories {
                let found = CheckpointInspection(directory, fileSystem: files).guess(of: source)
                if let found { return found }
            }
            return nil
        }
        return world
    }
}
