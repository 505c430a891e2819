import Storage
import TestSupport
import Testing

/// Real processes that are killed again and again; `scripts/soak` does it for longer.
struct KillLoopTests {
    private let directory = TemporaryDirectory()

    @Test func outputIsThatOfAnUndisturbedRunHoweverOftenItIsKilled() throws {
        let bench = FilePath.directory(of: WeirProcess.executable) + "/weir-bench"
        let soak = try WeirProcess(
            shell: """
                exec "\(bench)" soak --kills 50 --trial-kills 5 --rows 15000 --rate 15000 \
                --life 300 --seed \(Seeds.base) --folder "\(directory("soak"))" --verbose
                """)
        soak.closeInput()
        let output = soak.rest()
        #expect(soak.wait() == 0, "\(Seeds.note(Seeds.base)):\n\(output)\(soak.allErrors())")
        #expect(output.contains("all output is that of undisturbed runs"))
    }
}
