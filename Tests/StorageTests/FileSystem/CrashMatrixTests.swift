import Storage
import TestSupport
import Testing

/// The matrices find what they are for, and name it.
struct CrashMatrixTests {
    /// Replaces a file by numbers 1, 2, 3 and remembers the last that it promised.
    final class Counter {
        /// What is done so that a number outlives a crash.
        enum Care: CaseIterable { case all, noSync, noRename, noDirectorySync }

        let care: Care
        var promised = 0
        /// The number that was under way.
        var tried = 0

        init(_ care: Care) { self.care = care }

        func run(_ files: MemoryFileSystem) throws {
            (promised, tried) = (0, 0)
            for number in 1...3 {
                tried = number
                let path = care == .noRename ? "number" : "number.new"
                let file = try files.open(path, .write(truncating: true))
                try file.writeAll([SlabSlice("number \(number)")])
                if care != .noSync { try file.sync() }
                if care != .noRename { try files.rename(path, to: "number") }
                if care != .noDirectorySync { try files.syncDirectory("") }
                promised = number
            }
        }

        func check(_ files: MemoryFileSystem) throws {
            let text = files.text("number")
            let isRight = (promised...tried).contains { number in
                text == "number \(number)" || (number == 0 && text == nil)
            }
            if !isRight { throw Lost(text: text) }
        }
    }

    struct Lost: Error { let text: String? }

    @Test func carefulRunOutlivesEveryCrash() throws {
        let counter = Counter(.all)
        var matrix = CrashMatrix(seed: 1)
        matrix.powerCutCount = 5
        let count = try matrix.run(counter.run) { files, _ in try counter.check(files) }
        // Five operations for each of three numbers, and the end.
        #expect(count == (3 * 5 + 1) * 6)
    }

    @Test(arguments: [Counter.Care.noSync, .noRename, .noDirectorySync])
    func carelessRunIsFound(care: Counter.Care) throws {
        let counter = Counter(care)
        let failure = #expect(throws: CrashMatrix.Failure.self) {
            try CrashMatrix(seed: 7).run(counter.run) { files, _ in try counter.check(files) }
        }
        let text = failure?.description ?? ""
        #expect(text.contains("powerCut") || care == .noRename, "\(text)")
        #expect(text.contains("WEIR_SEED=7") && text.contains("operation"), "\(text)")
    }

    @Test func largeRunIsSampled() throws {
        var matrix = CrashMatrix(seed: 1)
        matrix.operationsMax = 10
        matrix.powerCutCount = 1
        var operations: [Int] = []
        try matrix.run { files in
            for _ in 0..<100 { try files.append("x", to: "file") }
        } check: { files, crash in
            if crash.kind == .kill { operations.append(files.bytes("file").count) }
        }
        #expect(operations.count == 10)
        #expect(operations == operations.sorted())
        #expect((operations.last ?? 0) > 50)
    }

    @Test func recoveryCanCrashToo() throws {
        let counter = Counter(.all)
        var crashCount = 0
        try CrashMatrix(seed: 3).run(counter.run) { files, _ in
            let (promised, tried) = (counter.promised, counter.tried)
            let recovery = CrashMatrix(seed: 4) { files.crashKeepingWritten() }
            crashCount += try recovery.run { files in
                // Cleans up, as an open does.
                if try files.status(of: "number.new") != nil { try files.unlink("number.new") }
                try files.syncDirectory("")
            } check: { files, _ in
                (counter.promised, counter.tried) = (promised, tried)
                try counter.check(files)
            }
        }
        #expect(crashCount > 300)
    }

    @Test func runThatFailsByItselfIsNamed() {
        let failure = #expect(throws: (any Error).self) {
            try CrashMatrix(seed: 1).run { files in
                _ = try files.open("none", .read)
            } check: {
                _, _ in
            }
        }
        #expect((failure as? StorageError)?.kind == .notFound)
    }
}

struct FaultMatrixTests {
    /// Copies a file.
    private static func copy(_ files: MemoryFileSystem) throws {
        let bytes = try files.bytes(of: "from")
        let file = try files.open("to.new", .write(truncating: true))
        try file.writeAll([SlabSlice(bytes)])
        try file.sync()
        try files.rename("to.new", to: "to")
    }

    private func matrix() -> FaultMatrix {
        FaultMatrix(seed: 5) {
            let files = MemoryFileSystem()
            files.put("from", "some text")
            return files
        }
    }

    @Test func everyOperationAndReadFailsOnce() throws {
        var trials: [String: StorageError.Kind] = [:]
        let errorCount = try matrix().run(Self.copy) { files, trial, error in
            trials["\(trial.fault) \(trial.place)"] = error?.kind
            let text = files.text("to")
            #expect(error == nil ? text == "some text" : text == nil, "\(trial)")
            try Self.copy(files)
            #expect(files.text("to") == "some text")
        }
        // Two errors at four operations and one read; then those that last.
        #expect(errorCount == 2 * (4 + 1) + 4 + 2 + 2)
        #expect(trials.count == errorCount)
    }

    @Test func answerInsteadOfAnErrorIsFound() {
        let failure = #expect(throws: CrashMatrix.Failure.self) {
            try matrix().run { files in
                try? Self.copy(files)
            } check: { files, _, error in
                if error == nil && files.text("to") == nil {
                    throw CrashMatrixTests.Lost(text: nil)
                }
            }
        }
        #expect(failure?.description.contains("operation(1)") == true)
    }

    @Test func shortWriteMustNotFail() {
        let failure = #expect(throws: CrashMatrix.Failure.self) {
            try matrix().run { files in
                let file = try files.open("file", .append)
                let text = SlabSlice("text")
                if try file.write([text], skipping: 0) < 4 {
                    throw StorageError(.other, operation: "write", path: "file", cause: "short")
                }
            } check: { _, _, _ in
            }
        }
        #expect(failure?.description.contains("short(1)") == true)
    }
}
