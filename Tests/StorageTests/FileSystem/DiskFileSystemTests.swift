import Glibc
import Storage
import TestSupport
import Testing

struct DiskFileSystemTests {
    private let directory = TemporaryDirectory()
    private let disk = DiskFileSystem()

    @Test func writesInSlicesAndReadsBack() throws {
        let path = directory("file")
        let file = try disk.open(path, .write(truncating: true))
        let slices = (0..<200).map { SlabSlice("slice \($0) ") }
        try file.writeAll(slices)
        try file.writeAll([SlabSlice("end")])
        try file.writeAll(SlabSlice("SLICE"), at: 0)
        try file.sync()
        let expected = slices.map(\.text).joined() + "end"
        #expect(try disk.text(of: path) == "SLICE" + expected.dropFirst(5))
        let status = try file.status()
        #expect(status.byteCount == expected.utf8.count)
        #expect(status.kind == .regular)
        #expect(try disk.status(of: path)?.identity == status.identity)
        try file.truncate(to: 5)
        #expect(try disk.text(of: path) == "SLICE")
    }

    @Test func appendsBehindTheEndAndKeepsOpenFilesThroughRenames() throws {
        let path = directory("log")
        try disk.append("one ", to: path)
        let reader = try disk.open(path, .read)
        try disk.rename(path, to: directory("log.1"))
        try disk.append("two", to: directory("log.1"))
        try disk.syncDirectory(directory.path)
        let slab = Slab(byteCount: 100)
        #expect(try reader.readAll(into: slab, 0..<100, at: 0) == 7)
        #expect(try disk.status(of: path) == nil)
        try disk.unlink(directory("log.1"))
        #expect(try reader.status().linkCount == 0)
        #expect(try disk.names(in: directory.path).isEmpty)
    }

    @Test func errorsNameOperationPathAndRemedy() throws {
        let path = directory("none")
        let missing = #expect(throws: StorageError.self) { try disk.open(path, .read) }
        #expect(missing?.kind == .notFound)
        #expect(
            missing?.description == "cannot open \(path): No such file or directory; check the path"
        )
        let folder = #expect(throws: StorageError.self) { try disk.open(directory.path, .read) }
        #expect(folder?.kind == .isDirectory)
        let below = #expect(throws: StorageError.self) {
            try disk.write("x", to: path)
            try disk.makeDirectories("\(path)/sub")
        }
        #expect(below?.kind == .notDirectory)
    }

    @Test func fullDiskExceededQuotaAndBrokenDeviceAreToldApart() throws {
        let kinds = [ENOSPC, EDQUOT, EIO].map { code in
            StorageError(errno: code, operation: "write", path: "file").kind
        }
        #expect(kinds == [.noSpace, .quotaExceeded, .inputOutput])
        // A device that is always full.
        let full = try disk.open("/dev/full", .append)
        let error = #expect(throws: StorageError.self) { try full.writeAll([SlabSlice("x")]) }
        #expect(error?.kind == .noSpace)
        #expect(error?.advice.contains("free space") == true)
    }

    @Test func shortReadsAndWritesAreCarriedOn() throws {
        let files = MemoryFileSystem()
        files.inject(.short(3), on: .write)
        files.inject(.short(1), on: .write)
        files.inject(.short(8), on: .write)
        let file = try files.open("file", .write(truncating: true))
        try file.writeAll(["abcd", "", "efghijk", "l"].map { SlabSlice($0) })
        #expect(files.text("file") == "abcdefghijkl")
        files.inject(.short(5), on: .read)
        files.inject(.short(2), on: .read)
        let slab = Slab(byteCount: 20)
        #expect(try file.readAll(into: slab, 2..<20, at: 1) == 11)
        #expect(slab.array(2..<13) == Array("bcdefghijkl".utf8))
    }

    @Test func fullDiskIsAnError() throws {
        let files = MemoryFileSystem()
        files.inject(.short(2), on: .write)
        files.inject(.error(.noSpace), on: .write)
        let file = try files.open("file", .write(truncating: true))
        let error = #expect(throws: StorageError.self) { try file.writeAll([SlabSlice("abcdef")]) }
        #expect(error?.kind == .noSpace)
        #expect(files.text("file") == "ab")
    }
}
