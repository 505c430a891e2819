import Dataflow
import Operators
import Storage
import TestSupport
import Testing

/// Rows in the order of the world, for an operator and its twin.
struct TimedRows {
    typealias Cell = BatchText.Cell

    let schema: Schema
    /// All columns of each row; event time and watermark among them.
    private(set) var rows: [[Cell]] = []
    /// The watermark behind each row.
    private(set) var marksBehind: [Int64] = []
    private let delay: Int64

    /// No rows yet; the watermark stays `delay` behind the greatest event time.
    init(_ schema: Schema, delay: Int64) {
        self.schema = schema
        self.delay = delay
    }

    var marks: [Int64] { [EventTime.none] + marksBehind.dropLast() }

    func time(_ row: Int) -> Int64 {
        guard let index = schema.eventTime, case .int(let time) = rows[row][index] else { return 0 }
        return time
    }

    /// Adds a row of the schema's first fields; the engine's columns follow.
    mutating func add(_ cells: [Cell], time: Int64) {
        let before = marksBehind.last ?? EventTime.none
        var row = cells
        for index in cells.count..<schema.fields.count {
            switch index {
            case schema.eventTime: row.append(.int(time))
            case schema.watermark: row.append(.int(before))
            case schema.ordinal: row.append(.int(0))
            default: row.append(.null)
            }
        }
        rows.append(row)
        marksBehind.append(max(before, EventTime.delayed(time, by: delay)))
    }

    /// Rows at random: fields by the vocabulary of `random`, times with disorder, some late.
    static func random(
        _ header: String, count: Int, delay: Int64, seed: UInt64, stride: Int, disorder: Int,
        cells: (inout SplitMix64) -> [Cell]
    ) throws -> TimedRows {
        let schema = try BatchText.schema(header + " @event_time @watermark @ordinal")
        var rows = TimedRows(schema, delay: delay)
        var random = SplitMix64(seed: seed)
        var now = random.int(-500...500)
        for _ in 0..<count {
            now += random.chance(0.03) ? random.int(0...stride * 20) : random.int(0...stride)
            rows.add(cells(&random), time: Int64(now - random.int(0...disorder)))
        }
        return rows
    }
}

/// How a sequence of rows is cut into chunks and batches.
enum Cut: CaseIterable {
    case single, random, whole

    func pieces(_ count: Int, _ random: inout SplitMix64) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var at = 0
        while at < count {
            let size =
                switch self {
                case .single: 1
                case .random: random.int(1...20)
                case .whole: count
                }
            pieces.append(at..<min(count, at + size))
            at += size
        }
        return pieces
    }
}

/// An operator run over rows, and all that came out.
struct StepRun {
    typealias Cell = BatchText.Cell

    var outputs: [Port: [[Cell]]] = [:]
    /// By row of the main output: behind how many chunks it came.
    var chunkOfMain: [Int] = []
    /// By chunk: the watermark it returned.
    var watermarks: [Int64] = []
    /// By input row: its chunk.
    var chunkOfRow: [Int] = []
    var counters = StepCounters()
    var isConserved = true
    private var random: SplitMix64
    private var chunks = 0
    private let tables: (Int) -> [any TableVersion]
    /// The rows that come to this worker.
    private let owns: (Int) -> Bool

    /// Runs `step` over all rows, cut as `cut` says, up to the end; or over those that a worker
    /// owns, with the watermarks of all.
    init(
        _ step: any Operator, _ rows: TimedRows, cut: Cut, seed: UInt64, finishes: Bool = true,
        owns: @escaping (Int) -> Bool = { _ in true },
        tables: @escaping (Int) -> [any TableVersion] = { _ in [] }
    ) throws {
        self.owns = owns
        random = SplitMix64(seed: seed)
        self.tables = tables
        for piece in cut.pieces(rows.rows.count, &random) {
            try run(step, rows, piece)
        }
        var output = Emitter()
        let end = chunk(.end, row: rows.rows.count)
        if finishes { try step.finish(at: end, into: &output) }
        take(&output, step)
        counters = step.counters
    }

    private func chunk(_ content: Chunk.Content, row: Int) -> Chunk {
        Chunk(
            number: chunks, sequence: chunks, source: 0, content: content, arrival: 0,
            tables: tables(row))
    }

    private mutating func run(_ step: any Operator, _ rows: TimedRows, _ piece: Range<Int>) throws {
        let raw = RawChunk(
            slab: Slab(byteCount: 0), range: 0..<0, place: SourcePlace(name: "in", offset: 0))
        let chunk = chunk(.records(raw), row: piece.lowerBound)
        var output = Emitter()
        var at = piece.lowerBound
        while at < piece.upperBound {
            let end = min(piece.upperBound, at + random.int(1...max(1, piece.count)))
            let batch = batch(rows, at..<end, from: piece.lowerBound)
            try step.process(batch, at: chunk, into: &output)
            isConserved = isConserved && step.counters.isConserved
            at = end
        }
        chunkOfRow += [Int](repeating: chunks, count: piece.count)
        let mark = rows.marksBehind[piece.upperBound - 1]
        watermarks.append(try step.advance(to: mark, at: chunk, into: &output))
        take(&output, step)
        chunks += 1
    }

    /// A batch of these rows, sometimes with rows between them that are not selected.
    private mutating func batch(
        _ rows: TimedRows, _ range: Range<Int>, from first: Int
    ) -> Batch {
        let isSparse = random.chance(0.4)
        var physical: [[Cell]] = []
        var selected: [Int] = []
        for row in range where owns(row) {
            while isSparse && random.chance(0.4) { physical.append(random.pick(rows.rows)) }
            selected.append(physical.count)
            var cells = rows.rows[row]
            if let ordinal = rows.schema.ordinal { cells[ordinal] = .int(Int64(row - first)) }
            physical.append(cells)
        }
        let columns = rows.schema.fields.indices.map { index in
            CellBatches.column(physical.map { $0[index] }, rows.schema.fields[index].type)
        }
        if !isSparse { return Batch(columns: columns, count: physical.count) }
        return Batch(columns: columns, selection: Selection(selected))
    }

    private mutating func take(_ output: inout Emitter, _ step: any Operator) {
        isConserved = isConserved && step.counters.isConserved
        for (port, batch) in output.take() {
            outputs[port, default: []] += BatchText.cells(batch)
            if port == .main {
                chunkOfMain += [Int](repeating: chunks, count: batch.count)
            }
        }
    }

    func rows(_ port: Port) -> [[Cell]] { outputs[port] ?? [] }

    /// The rows without those columns, which may depend on how the rows were cut.
    func rows(_ port: Port, less columns: [Int?]) -> [[Cell]] {
        let left = Set(columns.compactMap { $0 })
        return rows(port).map { row in
            row.indices.filter { !left.contains($0) }.map { row[$0] }
        }
    }
}

extension StepContext {
    static var test: StepContext {
        StepContext(step: "step", worker: 0, workers: 1, sources: ["in"])
    }
}
