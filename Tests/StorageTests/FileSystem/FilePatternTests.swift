import Storage
import TestSupport
import Testing

struct FilePatternTests {
    @Test(arguments: [
        ("*.json", "a.json", true), ("*.json", ".json", false), ("*.json", "a.jsonl", false),
        (".*", ".json", true), ("a?c", "abc", true), ("a?c", "ac", false),
        ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false), ("[]a]x", "]x", true),
        ("[a-]", "-", true), ("[ab", "[ab", true), ("a\\*b", "a*b", true), ("a\\*b", "axb", false),
        ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxa", false), ("**", "abc", true), ("", "", true),
        ("a*", "", false),
    ])
    func matchesAsAShellDoes(pattern: String, name: String, isMatch: Bool) {
        #expect(FilePattern.matches(pattern, name) == isMatch)
    }

    @Test func expandsInTheOrderOfBytes() throws {
        let files = MemoryFileSystem()
        for path in ["in/a-10.x", "in/a-2.x", "in/a-é.x", "in/B.x", "in/sub/c.x", "other/a-1.x"] {
            files.put(path, "")
        }
        #expect(
            try FilePattern("in/a-*.x").expand(in: files) == ["in/a-10.x", "in/a-2.x", "in/a-é.x"])
        #expect(try FilePattern("*/*.x").expand(in: files).count == 5)
        #expect(try FilePattern("*/sub/*").expand(in: files) == ["in/sub/c.x"])
        #expect(try FilePattern("in/*").expand(in: files).contains("in/sub") == false)
        #expect(try FilePattern("none/*").expand(in: files).isEmpty)
        #expect(try FilePattern("in").expand(in: files).isEmpty)
    }

    @Test func pathThatExistsIsTakenAsItIs() throws {
        let files = MemoryFileSystem()
        files.put("a[1].x", "")
        files.put("a1.x", "")
        #expect(try FilePattern("a[1].x").expand(in: files) == ["a[1].x"])
    }

    @Test func expandsOnDiskAsInMemory() throws {
        let directory = TemporaryDirectory()
        let disk = DiskFileSystem()
        try disk.makeDirectories(directory("deep/er"))
        try disk.write("x", to: directory("deep/er/b.log"))
        try disk.write("x", to: directory("deep/a.log"))
        #expect(
            try FilePattern(directory("*/*.log")).expand(in: disk) == [directory("deep/a.log")])
        #expect(
            try FilePattern(directory("*/e?/*.log")).expand(in: disk)
                == [directory("deep/er/b.log")])
    }
}
