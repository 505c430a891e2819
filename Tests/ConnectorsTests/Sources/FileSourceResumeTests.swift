import Connectors
import Dataflow
import Storage
import TestSupport
import Testing

/// Files that another run goes on reading.
struct FileSourceResumeTests {
    private let files = MemoryFileSystem()
    private let time = VirtualClock()

    private func source(_ change: (inout FileSource.Options) -> Void = { _ in }) -> FileSource {
        var options = FileSource.Options(patterns: ["a*"])
        options.recordBytesMax = 1000
        change(&options)
        return FileSource(options, fileSystem: files, clock: time.clock)
    }

    /// What was cut off is missing: the file has not come to its end.
    @Test(arguments: ["", "one\nt", "one\ntwo\n"])
    func aFileThatIsCutShortWhileItIsReadIsAnError(_ left: String) throws {
        files.put("a", "one\ntwo\nthree\n")
        let cut = source()
        try cut.open()
        var reading = SourceReading()
        try reading.read(cut, byteCount: 4) { $0.chunks == ["one\n"] }
        files.overwrite("a", left)
        let error = #expect(throws: StorageError.self) { try reading.read(cut, byteCount: 4) }
        #expect(error?.description.contains("cut short") == true, "\(error?.description ?? "")")
        #expect(error?.path == "a" && error?.offset == left.utf8.count)
    }
}
