import ArgumentParser
import Connectors
import Pipeline
import Storage

/// Where the first records of sources without a schema come from.
extension PipelineWorld {
    /// Bytes of a sample, at most.
    private static let sampleBytesMax = 1 << 20

    /// Lets a source of standard input be looked at; what is seen is read again when the source
    /// runs.
    mutating func sampleStandardInput(from stream: StandardStream) {
        let others = sample
        sample = { source in
            guard case .standardInput = source.kind else { return others(source) }
            // The names of CSV's first line say nothing of types.
            var lineCount = 1
            if case .csv(let csv) = source.format, csv.hasHeader { lineCount = 2 }
            return try? stream.peek(byteCountMax: Self.sampleBytesMax, lineCount: lineCount)
        }
    }

    /// What `--input` is for.
    static let sampleHelp = ArgumentHelp(
        "First records of the sources that declare no schema and cannot be looked at.",
        valueName: "file")

    /// Takes the beginning of a file as sample where there is none.
    mutating func sample(from path: String) throws {
        let bytes: [UInt8]
        do {
            bytes = try Self.read(
                path, Self.sampleBytesMax, DiskFileSystem(), codec: Codec(path: path))
        } catch {
            StandardError.write("\(path): error: \(error.cause)")
            throw ExitStatus.badConfiguration
        }
        let others = sample
        sample = { others($0) ?? bytes }
    }
}

extension Diagnostic {
    /// The diagnostic as a JSON object.
    var json: String {
        var line = JSONLine()
        line.add("file", file)
        line.add("line", self.line)
        line.add("column", column)
        line.add("severity", severity.rawValue)
        line.add("message", message)
        return line.text
    }
}
