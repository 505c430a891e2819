/// What each of many runs begins with.
package struct RunStart {
    let seed: UInt64
    let makeFiles: () -> MemoryFileSystem
}

/// What makes many runs, each on fresh files.
package protocol RunMatrix {
    init(_ start: RunStart)
}

extension RunMatrix {
    /// `makeFiles` gives the files that each run begins with.
    package init(
        seed: UInt64, startingWith makeFiles: @escaping () -> MemoryFileSystem = { .init() }
    ) {
        self.init(RunStart(seed: seed, makeFiles: makeFiles))
    }
}
