#if SQLite
import Connectors
import Dataflow
import GRDB
import Storage
import TestSupport
import Testing

/// How a sink goes on where a checkpoint stands, with a database that may be another one.
struct SQLiteSinkRestoreTests {
    private let world = TableWorld()

    @Test func aDatabaseThatIsAheadIsRefused() throws {
        let first = world.sink()
        try first.open()
        let own = try world.commit(1...3, as: 1, to: first)
        _ = try world.commit(4...6, as: 2, to: first)
        try first.close()
        for ahead in [StagedFileSink.Ahead.refuse, .rollBack] {
            let error = #expect(throws: SinkAhead.self) {
                try world.sink { $0.ahead = ahead }.resume(own, epoch: 1)
            }
            #expect(error?.description.contains("bring back a backup") == true)
        }
        let second = world.sink { $0.ahead = .acceptDuplicates }
        try second.resume(own, epoch: 1)
        #expect(try second.lastEpoch() == 2)
        _ = try world.commit(4...7, as: 3, to: second)
        #expect(try world.numbers() == [1, 2, 3, 4, 5, 6, 4, 5, 6, 7])
    }

    /// What a run leaves that has committed epochs of these rows, and staged the next row.
    private func stagedRow(
        behind epochs: [ClosedRange<Int>], _ isCommitted: Bool
    ) throws -> StagedOutput {
        let sink = world.sink()
        try sink.open()
        for (index, numbers) in epochs.enumerated() {
            _ = try world.commit(numbers, as: index + 1, to: sink)
        }
        let next = (epochs.last?.upperBound ?? 0) + 1
        try sink.write(TableWorld.parts([TableWorld.row(next, "v\(next)")]))
        let staged = try sink.stage(for: epochs.count + 1)
        try staged.sync()
        if isCommitted { try staged.commit() }
        try sink.close()
        return staged
    }

    /// Two pipelines of one name: what the other has begun is nothing to go on from.
    @Test(arguments: [true, false])
    func anotherRunThatHasBegunThereIsTold(_ isCommitted: Bool) throws {
        let staged = try stagedRow(behind: [1...3], isCommitted)
        let other = world.sink {
            $0.shape.table = "u"
            $0.staging = world.directory("other/rows-s")
        }
        try other.open()
        for epoch in 3...5 { _ = try world.commit(5...6, as: epoch, to: other) }
        let error = #expect(throws: StorageError.self) {
            try world.sink { $0.ahead = .acceptDuplicates }.resume(staged.own, epoch: 2)
        }
        #expect(error?.cause.contains("another run of a pipeline 'p' has begun there") == true)
        #expect(try world.numbers() == (isCommitted ? [1, 2, 3, 4] : [1, 2, 3]))
    }

    enum Loss: String, CaseIterable { case database, table, row, rows, backup, sense }

    /// Makes something of the database vanish.
    private func lose(_ loss: Loss) throws {
        switch loss {
        case .database: try DiskFileSystem().unlink(world.path)
        case .table: try world.execute("DROP TABLE t")
        case .row: try world.execute("DELETE FROM weir_sinks")
        case .rows: try world.execute("DROP TABLE weir_sinks")
        case .backup: try world.execute("UPDATE weir_sinks SET epoch = 1")
        case .sense: try world.execute("UPDATE weir_sinks SET epoch = 'x', applied = 0.5")
        }
    }

    @Test(arguments: Loss.allCases, [true, false])
    func outputThatVanishedIsDamage(_ loss: Loss, _ isCommitted: Bool) throws {
        let staged = try stagedRow(behind: [1...3, 4...6], isCommitted)
        try lose(loss)
        for _ in 0..<2 {
            let error = #expect(throws: StorageError.self) {
                try world.sink().resume(staged.own, epoch: 3)
            }
            #expect(error?.kind == .corrupt && error?.advice.contains("--allow-reset") == true)
        }
        // As a run does that may begin anew.
        let anew = world.sink()
        #expect(throws: StorageError.self) { try anew.resume(staged.own, epoch: 3) }
        try anew.beginAnew(staged.own, epoch: 3)
        _ = try world.commit(8...9, as: 4, to: anew)
        #expect(try world.numbers().suffix(2) == [8, 9])
    }

    /// The rows of the only commit were in the database, and no checkpoint says so.
    @Test func aDatabaseThatVanishedBehindItsFirstCommitIsDamage() throws {
        let first = world.sink()
        try first.open()
        let own = try world.commit(1...3, as: 1, to: first)
        try first.close()
        try lose(.database)
        let error = #expect(throws: StorageError.self) { try world.sink().resume(own, epoch: 1) }
        #expect(error?.kind == .corrupt)
    }

    @Test func aDatabaseThatIsReplacedDuringARunIsDamage() throws {
        let sink = world.sink()
        try sink.open()
        _ = try world.commit(1...3, as: 1, to: sink)
        try DiskFileSystem().rename(world.path, to: world.directory("away.db"))
        #expect(throws: StorageError.self) { try world.commit(4...5, as: 2, to: sink) }
        try world.execute("CREATE TABLE t (k, v)")
        let error = #expect(throws: StorageError.self) { try world.commit(4...5, as: 3, to: sink) }
        #expect(error?.kind == .corrupt)
    }

    /// On another machine, with a checkpoint from the second place, there is no log of staged rows.
    @Test(arguments: [true, false])
    func rowsThatWaitedAreNotForgotten(_ isCommitted: Bool) throws {
        let staged = try stagedRow(behind: [1...3], isCommitted)
        let second = world.sink { $0.staging = world.directory("elsewhere/rows-s") }
        if isCommitted {
            try second.resume(staged.own, epoch: 2)
            _ = try world.commit(5...6, as: 3, to: second)
            #expect(try world.numbers() == [1, 2, 3, 4, 5, 6])
        } else {
            let error = #expect(throws: StorageError.self) {
                try second.resume(staged.own, epoch: 2)
            }
            #expect(error?.kind == .corrupt)
        }
    }

    /// Of rows that wait, those that are whole come to a database that is whole.
    @Test(arguments: [true, false])
    func aDatabaseThatIsWholeGetsTheRowsThatAre(_ isThere: Bool) throws {
        let first = world.sink()
        try first.open()
        _ = try world.commit(1...3, as: 1, to: first)
        for key in 4...6 { try first.write(TableWorld.parts([TableWorld.row(key, "v")])) }
        let staged = try first.stage(for: 2)
        try staged.sync()
        try first.close()
        let (disk, log) = (world.disk, world.directory("state/rows-s"))
        let name = try #require(try disk.names(in: log).filter { $0.hasSuffix(".segment") }.max())
        let file = try disk.open("\(log)/\(name)", .write(truncating: false))
        try file.truncate(to: try file.status().byteCount - 1)
        if !isThere { try lose(.database) }
        let second = world.sink()
        #expect(throws: StorageError.self) { try second.resume(staged.own, epoch: 2) }
        try second.beginAnew(staged.own, epoch: 2)
        #expect(try world.numbers() == (isThere ? [1, 2, 3, 4, 5] : []))
        _ = try world.commit(8...9, as: 3, to: second)
        #expect(try world.numbers().suffix(2) == [8, 9])
    }

    /// A checkpoint is to have every row that is not in the table.
    @Test func rowsThatAreNotInTheTableWait() throws {
        let sink = world.sink()
        try sink.open()
        #expect(sink.waitingLog == world.directory("state/rows-s"))
        _ = try world.commit(1...3, as: 1, to: sink)
        #expect(try sink.stage(for: 2).waiting == nil)
        var waiting: [Range<Int64>?] = []
        for number in 4...6 {
            try sink.write(TableWorld.parts([TableWorld.row(number, "v\(number)")]))
            let staged = try sink.stage(for: number)
            try staged.sync()
            waiting.append(staged.waiting?.offsets)
            // The second one is not committed.
            if number == 5 { continue }
            try staged.commit()
            sink.committed(number)
        }
        let starts = waiting.map { $0?.lowerBound }
        #expect(waiting.map { $0?.upperBound } == [2, 3, 4] && starts == [1, 2, 2])
        #expect(try world.numbers() == [1, 2, 3, 4, 5, 6])
    }

    /// A finished run is followed by one that begins anew, in the same log or in another one.
    @Test(arguments: ["state/rows-s", "other/rows-s"])
    func aRunThatBeginsAnewAddsItsRows(_ staging: String) throws {
        let first = world.sink()
        try first.open()
        _ = try world.commit(1...3, as: 1, to: first)
        try first.close()
        let second = world.sink { $0.staging = world.directory(staging) }
        try second.open()
        #expect(try second.lastEpoch() == 1)
        _ = try world.commit(1...2, as: 2, to: second)
        #expect(try world.numbers() == [1, 2, 3, 1, 2])
    }

    /// Rows that wait are of the columns of then.
    @Test func stagedRowsOfAnEditedPipelineArriveAsTheyWere() throws {
        let first = world.sink()
        try first.open()
        try first.write(TableWorld.parts([TableWorld.row(1, "a")]))
        let staged = try first.stage(for: 1)
        try staged.sync()
        try first.close()
        try world.execute("ALTER TABLE t ADD COLUMN w INTEGER")
        let fields = [Field("w", .int), Field("k", .int)]
        let second = world.sink(fields)
        try second.resume(staged.own, epoch: 1)
        try world.commit([[.int(9), .int(2)]], as: 2, to: second, fields)
        #expect(try world.text("SELECT k, v, w FROM t") == "1|a|null\n2|null|9")
    }
}
#endif
