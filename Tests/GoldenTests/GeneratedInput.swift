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

    static func shops(_ rows: Int = 20_000) throws -> String {
        var options = GeneratorOptions(.shops)
        options.rows = rows
        return try text(options)
    }
}
