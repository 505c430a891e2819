import Storage
import Synchronization
import TestSupport
import Testing

/// Counted operations, faults and full disks in memory.
struct MemoryFileSystemFaultTests {
    private let files = MemoryFileSystem()

    private static let all: [String] = [
        "1 makeDirectories d/e", "2 open d/e/a", "3 write d/e/a", "4 write d/e/a", "5 sync d/e/a",
        "6 truncate d/e/a", "7 rename d/e/a", "8 syncDirectory d/e", "9 truncate d/e/b",
        "10 unlink d/e/b",
    ]

    private static func runAll(_ files: MemoryFileSystem) throws {
        try files.makeDirectories("d/e")
        try files.makeDirectories("d")
        let file = try files.open("d/e/a", .append)
        try file.writeAll([SlabSlice("abc"), SlabSlice("def")])
        try file.writeAll([])
        _ = try file.write(SlabSlice("g"), at: 0)
        try file.sync()
        try file.truncate(to: 5)
        try files.rename("d/e/a", to: "d/e/b")
        try files.rename("d/e/b", to: "d/e/b")
        try files.syncDirectory("d/e")
        _ = try files.open("d/e/b", .write(truncating: false))
        _ = try files.open("d/e/b", .write(truncating: true))
        #expect(throws: StorageError.self) { try files.unlink("d/e/none") }
        try files.unlink("d/e/b")
        _ = try files.status(of: "d/e/b")
        _ = try files.names(in: "d")
    }

    @Test func whatChangesSomethingIsCountedAndSeen() throws {
        let seen = Mutex<(before: [String], after: [Int])>(([], []))
        files.observe { note in
            seen.withLock { seen in
                if note.isBefore {
                    seen.before.append("\(note.number) \(note.operation) \(note.path)")
                } else {
                    seen.after.append(note.number)
                }
            }
        }
        try Self.runAll(files)
        #expect(seen.withLock { $0.before } == Self.all)
        #expect(seen.withLock { $0.after } == Array(1...10))
        #expect(files.operationCount == 10)
    }

    @Test func crashesAreTakenBetweenOperations() throws {
        let clones = Mutex<[MemoryFileSystem]>([])
        files.observe { [files] note in
            guard note.isBefore else { return }
            clones.withLock { $0.append(files.crashKeepingWritten()) }
        }
        defer { files.observe(nil) }
        try Self.runAll(files)
        let states = clones.withLock { $0.map { $0.contents.mapValues { $0.count } } }
        #expect(
            states == [
                [:], [:], ["d/e/a": 0], ["d/e/a": 6], ["d/e/a": 7], ["d/e/a": 7], ["d/e/a": 5],
                ["d/e/b": 5], ["d/e/b": 5], ["d/e/b": 0],
            ])
    }

    @Test(arguments: 1...10)
    func everyOperationFailsWhenToldTo(number: Int) throws {
        files.fail(operation: number, with: .error(.inputOutput))
        let error = #expect(throws: StorageError.self) { try Self.runAll(files) }
        #expect(error?.kind == .inputOutput)
        #expect(files.operationCount == number)
        #expect(error?.path == Self.all[number - 1].split(separator: " ").last.map { String($0) })
        try? files.unlink("d/e/a")
        try? files.unlink("d/e/b")
        try files.syncDirectory("")
        #expect(files.usedBytes == 0)
    }

    @Test func shortWriteByNumberIsCarriedOn() throws {
        files.fail(operation: 2, with: .short(2))
        try files.write("abcdef", to: "file")
        #expect(files.text("file") == "abcdef")
        #expect(files.operationCount == 3)
    }

    @Test func troubleLastsUntilHealed() throws {
        try files.write("before", to: "file")
        files.failAll(from: 3, with: .noSpace)
        for _ in 0..<3 {
            let error = #expect(throws: StorageError.self) { try files.append("x", to: "file") }
            #expect(error?.kind == .noSpace)
        }
        #expect(throws: StorageError.self) { try files.makeDirectories("d") }
        #expect(throws: StorageError.self) { try files.open("other", .append) }
        // A full disk can be read, and emptied.
        #expect(try files.text(of: "file") == "before")
        try files.rename("file", to: "gone")
        try files.unlink("gone")
        try files.syncDirectory("")
        files.heal()
        try files.write("after", to: "file")
        files.failAll(from: files.operationCount, with: .inputOutput)
        #expect(throws: StorageError.self) { try files.text(of: "file") }
        #expect(throws: StorageError.self) { try files.unlink("file") }
        files.heal()
        #expect(try files.text(of: "file") == "after")
    }

    @Test func onlyTheGivenOperationsFail() throws {
        files.failAll(from: 1, with: .quotaExceeded, on: [.sync])
        let file = try files.open("file", .append)
        try file.writeAll([SlabSlice("x")])
        let error = #expect(throws: StorageError.self) { try file.sync() }
        #expect(error?.kind == .quotaExceeded)
    }

    @Test func diskHasRoomForSoMuch() throws {
        files.put("there", "1234")
        files.capacity = 10
        var file: (any File)? = try files.open("file", .append)
        let error = #expect(throws: StorageError.self) {
            try file?.writeAll([SlabSlice("abcd"), SlabSlice("efgh")])
        }
        #expect(error?.kind == .noSpace)
        #expect(files.text("file") == "abcdef")
        #expect(files.usedBytes == 10)
        try file?.truncate(to: 5)
        try file?.writeAll([SlabSlice("x")])
        #expect(throws: StorageError.self) { try file?.truncate(to: 7) }
        // What stands there already can be written again.
        let there = try files.open("there", .write(truncating: false))
        try there.writeAll([SlabSlice("5678")])
        // A file without a name takes its room until it is closed.
        try files.unlink("file")
        #expect(throws: StorageError.self) { try there.writeAll([SlabSlice("9")]) }
        file = nil
        try there.writeAll([SlabSlice("9")])
        #expect(files.crash(seed: 1).capacity == 10)
        try files.rename("there", to: "here")
        try files.write("", to: "there")
        try files.rename("there", to: "here")
        #expect(files.usedBytes == 5)
    }

    @Test func fileIsLockedByOneAtATime() throws {
        var first: (any File)? = try files.open("file", .append)
        let second = try files.open("file", .read)
        #expect(try first?.lock() == true)
        #expect(try second.lock() == false)
        #expect(try first?.lock() == true)
        try files.rename("file", to: "other")
        #expect(try second.lock() == false)
        #expect(try files.open("file", .append).lock())
        first = nil
        #expect(try second.lock())
    }

    @Test func manyOperationsLeaveLittleBehind() throws {
        let file = try files.open("log", .append)
        try files.syncDirectory("")
        let record = SlabSlice([UInt8](repeating: 7, count: 10))
        for number in 0..<20_000 {
            try file.writeAll([record])
            if number % 4 == 0 { try files.write("x", to: "n\(number % 100)") }
            if number % 100 == 99 { try files.unlink("n0") }
        }
        #expect(files.bytes("log").count == 200_000)
        let left = (0..<20 as Range<UInt64>).map { files.crash(seed: $0).bytes("log").count }
        // The system wrote all but the last of it by itself.
        #expect((left.min() ?? 0) >= 20_000 * 10 - 4096 * 10)
    }
}
