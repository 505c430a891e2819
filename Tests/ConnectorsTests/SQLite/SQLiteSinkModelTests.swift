#if SQLite
import Connectors
import Dataflow
import GRDB
import Storage
import TestSupport
import Testing

/// Random lives of a sink against a plain model: rows have numbers, and after every commit and
/// every restore the table has those of the committed epochs, in their order, and no others.
struct SQLiteSinkModelTests {
    /// A checkpoint that is complete.
    private struct Checkpoint {
        let epoch: Int
        let own: [UInt8]
        /// Rows up to it.
        let rows: Int
        var staged: StagedOutput?
    }

    private struct Model {
        let isKeyed: Bool
        /// Rows that were written so far, of the life that counts.
        var written = 0
        /// Rows in the table.
        var inTable = 0
        var checkpoints: [Checkpoint] = []
        var nextEpoch = 1

        /// What the table is to have: `k|v` in its order, or by key.
        var expected: [String] {
            var lines: [String] = []
            var places: [Int: Int] = [:]
            for number in 0..<inTable {
                let line = "\(Self.key(number))|row \(number)"
                if isKeyed, let place = places[Self.key(number)] {
                    lines[place] = line
                } else {
                    places[Self.key(number)] = lines.count
                    lines.append(line)
                }
            }
            return isKeyed ? lines.sorted() : lines
        }

        static func key(_ number: Int) -> Int { number * 7 % 23 }
    }

    private let world = TableWorld()

    private func check(_ model: Model, _ note: String) throws {
        let found = try world.rows("SELECT k, v FROM t ORDER BY rowid").map {
            $0.joined(separator: "|")
        }
        #expect((model.isKeyed ? found.sorted() : found) == model.expected, "\(note)")
    }

    private func write(_ sink: SQLiteSink, _ model: inout Model, _ random: inout SplitMix64) throws
    {
        let count = random.int(0...40)
        let rows = (model.written..<model.written + count).map {
            TableWorld.row(Model.key($0), "row \($0)")
        }
        try sink.write(TableWorld.parts(rows))
        model.written += count
    }

    /// Sets rows apart; what became of that is up to chance.
    private func stage(
        _ sink: SQLiteSink, _ model: inout Model, _ random: inout SplitMix64, _ note: String
    ) throws {
        let epoch = model.nextEpoch
        model.nextEpoch += 1
        let staged = try sink.stage(for: epoch)
        let rows = model.written
        if random.chance(0.2) { return }
        if random.chance(0.3) { try write(sink, &model, &random) }
        try staged.sync()
        // Rows that come while it is made.
        if random.chance(0.5) { try write(sink, &model, &random) }
        if random.chance(0.2) { return }
        model.checkpoints.append(
            Checkpoint(epoch: epoch, own: staged.own, rows: rows, staged: staged))
        if random.chance(0.2) {
            let other = try world.connection(leavesTransactionsOpen: true)
            try other.inDatabase { try $0.execute(sql: "BEGIN IMMEDIATE") }
            if staged.byteCount > 0 {
                #expect(throws: StorageError.self, "\(note)") { try staged.commit() }
            }
            try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
            return
        }
        if random.chance(0.2) {
            // All but the end of it is done.
            world.disk.failing { _ = try? staged.commit() }
            model.inTable = rows
            try check(model, note)
            return
        }
        if random.chance(0.8) {
            try staged.commit()
            if random.chance(0.2) { try staged.commit() }
            model.inTable = rows
            sink.committed(epoch)
            try check(model, note)
        }
    }

    private func epochOfTable() throws -> Int {
        guard try DiskFileSystem().status(of: world.path) != nil else { return 0 }
        return Int(try world.text("SELECT epoch FROM weir_sinks")) ?? 0
    }

    /// Opens a sink where a checkpoint stands.
    private func restore(
        _ model: inout Model, _ random: inout SplitMix64, _ note: String
    ) throws -> SQLiteSink {
        let sink = world.sink(key: model.isKeyed ? ["k"] : [])
        // An older one does, too, as long as the table has nothing that it does not know of.
        let epoch = try epochOfTable()
        while random.chance(0.3), let older = model.checkpoints.dropLast().last,
            older.epoch >= epoch
        {
            model.checkpoints.removeLast()
        }
        if let checkpoint = model.checkpoints.last {
            try sink.resume(checkpoint.own, epoch: checkpoint.epoch)
            model.inTable = checkpoint.rows
        } else {
            try sink.open()
        }
        model.written = model.inTable
        model.nextEpoch = max(model.nextEpoch, try sink.lastEpoch() + 1)
        try check(model, note)
        return sink
    }

    @Test(arguments: Seeds.list(30))
    func theTableHasTheRowsOfCommittedEpochs(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let note = Seeds.note(seed)
        var model = Model(isKeyed: random.chance(0.5))
        var sink = try restore(&model, &random, note)
        for _ in 0..<60 {
            switch random.int(0..<10) {
            case 0..<5: try write(sink, &model, &random)
            case 5..<9: try stage(sink, &model, &random, note)
            default:
                if random.chance(0.3) { try sink.close() }
                // Nothing holds the log of the one before any more.
                sink = world.sink()
                for index in model.checkpoints.indices { model.checkpoints[index].staged = nil }
                sink = try restore(&model, &random, note)
            }
        }
        let staged = try sink.stage(for: model.nextEpoch)
        try staged.sync()
        try staged.commit()
        model.inTable = model.written
        try check(model, note)
        try sink.close()
    }
}
#endif
