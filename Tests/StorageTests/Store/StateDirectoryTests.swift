import Storage
import TestSupport
import Testing

/// The directory of a pipeline's state: whose names are used once, and whose files are its own.
struct StateDirectoryTests {
    @Test func noIncarnationIsUsedTwiceWhateverACrashLeaves() throws {
        var used: UInt64 = 0
        // Nothing but the lock says that there were others: none of them left a file.
        try CrashMatrix(seed: Seeds.base).run { files in
            used = 0
            for _ in 0..<12 {
                let directory = try StateDirectory("state", fileSystem: files)
                used = directory.incarnation
                directory.close()
            }
        } check: { files, crash in
            let next = try StateDirectory("state", fileSystem: files)
            #expect(next.incarnation > used, "\(crash)")
        }
    }

    @Test func shorterNoteOfAnOwnerLeavesNothingOfALongerOne() throws {
        let files = MemoryFileSystem()
        try files.makeDirectories("state")
        files.put("state/LOCK", "41 7\n99999999\n")
        #expect(try StateDirectory("state", fileSystem: files).incarnation == 42)
    }

    @Test func filesThatAreNotOursStay() throws {
        let files = MemoryFileSystem()
        try files.makeDirectories("state")
        let foreign = ["notes.new", "a-b-c.run", "orders.run", "checkpoint.manifest.old"]
        let left = [
            "0000000000000003-1-17.run", "0000000000000003-1-18.sst.new",
            "checkpoint-0000000000000042.manifest.new",
        ]
        for name in foreign + left { files.put("state/" + name, "x") }
        let directory = try StateDirectory("state", fileSystem: files)
        try directory.removeOrphans()
        #expect(try files.names(in: "state").sorted() == (foreign + ["LOCK"]).sorted())
    }
}
