import Storage
import TestSupport
import Testing

extension KeyedWorld {
    /// Closes and opens again from the state, through its bytes; sometimes other workers have had
    /// it meanwhile.
    func reopen() throws {
        for (snapshot, _) in snapshots { family.release(snapshot) }
        snapshots = []
        var states = [try checkpoint(family, store)]
        directory?.close()
        let directory = try StateDirectory("state", fileSystem: files)
        self.directory = directory
        if random.chance(0.4) { states = try divided(states, in: directory) }
        store = StateStore(
            directory: directory, worker: 0, options: storeOptions, executor: executor)
        family = try store.makeKeyedFamily("test", options, restoring: states)
        try #require(family.watermark == .min || family.watermark == watermark)
    }

    /// The state of a family, as it is read again.
    private func checkpoint(
        _ family: KeyedFamily, _ store: StateStore
    ) throws -> KeyedFamilyState {
        let state = family.checkpoint()
        try store.settle()
        var writer = ByteWriter()
        state.encode(to: &writer)
        var reader = ByteReader(writer.bytes)
        let read = try KeyedFamilyState(from: &reader)
        try reader.finish()
        try #require(read == state)
        return read
    }

    /// What several workers make of some states when each takes a range of the keys.
    private func divided(
        _ states: [KeyedFamilyState], in directory: StateDirectory
    ) throws -> [KeyedFamilyState] {
        // Nobody removes what another one still has to read.
        for file in states.flatMap(\.files) { directory.hold(file.name) }
        var ends = (0..<random.int(1..<4)).map { _ in randomKey() }
        ends.sort { $0.lexicographicallyPrecedes($1) }
        var lower: [UInt8] = []
        var parts: [KeyedFamilyState] = []
        for (worker, upper) in (ends.map(Optional.some) + [nil]).enumerated() {
            var options = options
            options.range = KeyRange(lower: lower, upper: upper)
            let store = StateStore(
                directory: directory, worker: worker + 1, options: storeOptions,
                executor: executor)
            let family = try store.makeKeyedFamily("test", options, restoring: states)
            let keys = twin.keys.filter { key in
                !key.lexicographicallyPrecedes(lower)
                    && (upper.map { key.lexicographicallyPrecedes($0) } ?? true)
            }
            // Some of them are written, so that the files of the levels are merged.
            for key in keys.sorted(by: { $0.lexicographicallyPrecedes($1) })
            where random.chance(0.3) {
                let value = randomValue()
                try family.put(key, value)
                twinPut(key, value)
            }
            parts.append(try checkpoint(family, store))
            if let upper { lower = upper }
        }
        return parts
    }
}
