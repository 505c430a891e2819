import ArgumentParser
import Foundation
import Storage

/// Which weir executable a command runs.
struct WeirOption: ParsableArguments {
    @Option(name: .customLong("weir"), help: "The weir executable; the one beside this by default.")
    var given: String?

    /// Where it is.
    var path: String {
        if let given { return given }
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return FilePath.join(FilePath.directory(of: own ?? ""), "weir")
    }
}

extension ParsableArguments {
    /// Refuses options below 1.
    func require(_ options: KeyValuePairs<String, Int>) throws {
        if let option = options.first(where: { $0.value < 1 }) {
            throw ValidationError("--\(option.key) takes 1 or more")
        }
    }
}
