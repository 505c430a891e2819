import Storage
import TestSupport
import Testing

/// The files in memory against those of the machine, operation by operation.
struct MemoryFileSystemTwinTests {
    /// The same operations on both.
    final class Twins {
        let directory = TemporaryDirectory()
        let disk = DiskFileSystem()
        let memory = MemoryFileSystem()
        var random: SplitMix64
        var open: [(disk: any File, memory: any File)] = []
        var log: [String] = []

        init(seed: UInt64) throws {
            random = SplitMix64(seed: seed)
            try memory.makeDirectories(directory.path)
        }

        func randomPath() -> String {
            let depth = random.pick([1, 1, 1, 2, 2, 3])
            let names = (0..<depth).map { _ in random.pick(["a", "b", "c"]) }
            return directory(names.joined(separator: "/"))
        }

        func text(_ count: Int) -> SlabSlice {
            SlabSlice((0..<count).map { _ in UInt8(random.int(97...122)) })
        }

        /// Compares what an operation gives, or the kind of its error.
        func compare<T: Equatable>(
            _ what: String, _ body: (any FileSystem) throws -> T
        ) {
            let expected = outcome { try body(disk) }
            let given = outcome { try body(memory) }
            log.append("\(what): \(expected)")
            if given != expected {
                Issue.record("\(what): \(given) in memory\n\(log.suffix(30))")
            }
        }

        func compare<T: Equatable>(_ what: String, _ index: Int, _ body: (any File) throws -> T) {
            let (disk, memory) = open[index]
            compare("\(what) \(disk.path)") { system in
                try body(system is DiskFileSystem ? disk : memory)
            }
        }

        private func outcome<T: Equatable>(_ body: () throws -> T) -> String {
            do { return "\(try body())" } catch let error as StorageError {
                return "\(error.kind)"
            } catch { return "\(error)" }
        }

        static func text(_ status: FileStatus?) -> String {
            guard let status else { return "nothing" }
            guard status.kind == .regular else { return "\(status.kind)" }
            return "\(status.byteCount) bytes, \(status.linkCount) names"
        }

        func stepOnNames() {
            let (path, other) = (randomPath(), randomPath())
            switch random.int(0..<6) {
            case 0: compare("make \(path)") { "\(try $0.makeDirectories(path))" }
            case 1: compare("rename \(path) to \(other)") { "\(try $0.rename(path, to: other))" }
            case 2: compare("unlink \(path)") { "\(try $0.unlink(path))" }
            case 3: compare("names \(path)") { try $0.names(in: path).sorted() }
            case 4: compare("sync directory \(path)") { "\(try $0.syncDirectory(path))" }
            default: compare("status \(path)") { Self.text(try $0.status(of: path)) }
            }
        }

        func stepOnFile() {
            let index = random.int(0..<open.count)
            switch random.int(0..<9) {
            case 0, 1:
                let slices = (0..<random.int(1...3)).map { _ in text(random.int(1...300)) }
                let skip = random.int(0..<slices[0].byteCount)
                compare("write", index) { try $0.write(slices[...], skipping: skip) }
            case 2:
                let (slice, offset) = (text(random.int(1...900)), random.int(0...900))
                compare("write at \(offset)", index) { try $0.write(slice, at: offset) }
            case 3:
                let count = random.int(0...1000)
                compare("truncate to \(count)", index) { "\(try $0.truncate(to: count))" }
            case 4, 5:
                let (count, offset) = (random.int(1...2000), random.int(0...500))
                compare("read at \(offset)", index) { file in
                    let slab = Slab(byteCount: count)
                    return slab.array(0..<(try file.readAll(into: slab, 0..<count, at: offset)))
                }
            case 6: compare("sync", index) { "\(try $0.sync())" }
            case 7: compare("lock", index) { try $0.lock() }
            default: compare("status", index) { Self.text(try $0.status()) }
            }
        }

        func step() {
            let choice = random.int(0..<10)
            if choice < 2 {
                let path = randomPath()
                let mode = random.pick([
                    OpenMode.read, .write(truncating: false), .write(truncating: true), .append,
                ])
                var opened: [any File] = []
                compare("open \(path) \(mode)") { system in
                    opened.append(try system.open(path, mode))
                    return true
                }
                if opened.count == 2 { open.append((opened[0], opened[1])) }
                if open.count > 6 { open.remove(at: random.int(0..<6)) }
            } else if choice < 5 || open.isEmpty {
                stepOnNames()
            } else {
                stepOnFile()
            }
        }
    }

    @Test(arguments: Seeds.list(20))
    func operationsGiveTheSameOnBoth(seed: UInt64) throws {
        let twins = try Twins(seed: seed)
        for _ in 0..<600 { twins.step() }
        let named = twins.memory.contents.values.reduce(0) { $0 + $1.count }
        var nameless: [FileStatus.Identity: Int] = [:]
        for (_, file) in twins.open {
            let status = try file.status()
            if status.linkCount == 0 { nameless[status.identity] = status.byteCount }
        }
        #expect(twins.memory.usedBytes == named + nameless.values.reduce(0, +))
        twins.open = []
        #expect(twins.memory.usedBytes == named, "\(Seeds.note(seed))")
        #expect(twins.memory.openCount == 0)
    }

    @Test func errorsOfBothAreOfOneKind() throws {
        let (disk, memory) = (TemporaryDirectory(), MemoryFileSystem())
        try memory.makeDirectories(disk.path)
        for system in [DiskFileSystem(), memory] as [any FileSystem] {
            try system.write("x", to: disk("file"))
            let file = disk("file")
            let found = [
                Self.kind { _ = try system.open(disk("none/x"), .append) },
                Self.kind { _ = try system.open(disk.path, .write(truncating: false)) },
                Self.kind { _ = try system.open(file + "/x", .read) },
                Self.kind { _ = try system.names(in: disk("none")) },
                Self.kind { try system.makeDirectories(file + "/x/y") },
                Self.kind { try system.unlink(disk("none")) },
                Self.kind { try system.syncDirectory(file) },
                Self.kind { try system.open(file, .read).truncate(to: 0) },
            ]
            #expect(
                found == [
                    .notFound, .isDirectory, .notDirectory, .notFound, .notDirectory, .notFound,
                    .notDirectory, .other,
                ], "\(system)")
        }
    }

    static func kind(_ body: () throws -> Void) -> StorageError.Kind? {
        do {
            try body()
            return nil
        } catch { return (error as? StorageError)?.kind }
    }
}
