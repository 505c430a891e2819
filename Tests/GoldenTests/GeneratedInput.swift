import Connectors
import Storage
import TestSupport

/// Input that the project's own generator makes, as text.
enum GeneratedInput {
    static func text(_ options: GeneratorOptions) throws -> String {
        let generator = try RecordGenerator(options)
        var text = GeneratedText(byteCount: 64 << 10)
        generator.write(rows: 0..<generator.rowCount, into: &text)
        return String(decoding: text.slab.array(0..<text.byteCount), as: UTF8.self)
    }

    static func orders(_ rows: Int, seed: UInt64 = 1) throws -> String {
        var options = GeneratorOptions(.orders)
        options.rows = rows
        options.seed = seed
        return try text(options)
    }

    /// The ids of the first orders of the pipelines' own generator, of 100 million rows.
    static func ids(_ count: Int) throws -> [String] {
        var options = GeneratorOptions(.orders)
        options.rows = 100_000_000
        let generator = try RecordGenerator(options)
        var text = GeneratedText(byteCount: 64 << 10)
        generator.write(rows: 0..<count, into: &text)
        let all = String(decoding: text.slab.array(0..<text.byteCount), as: UTF8.self)
        return all.split(separator: "\n").map { line in
            String(line.dropFirst("{\"order_id\":\"".count).prefix { $0 != "\"" })
        }
    }

    static func shops(_ rows: Int = 20_000) throws -> String {
        var options = GeneratorOptions(.shops)
        options.rows = rows
        return try text(options)
    }
}
