import Synchronization

/// The disk after a crash: another one, which has no faults and where no file is open. The one that
/// crashed goes on as it was.
extension MemoryFileSystem {
    /// The disk as a power cut could leave it now.
    ///
    /// All that was synced is there. Of the changes of names since, a seeded part is there: some
    /// first ones, or any that do not depend on lost ones; a rename happened or did not. Of each
    /// write since there is all, some of its sectors, or nothing. What is there is durable.
    package func crash(seed: UInt64) -> MemoryFileSystem {
        var random = SplitMix64(seed: seed)
        return state.withLock { state in
            MemoryFileSystem(state.tree.afterPowerCut(&random), capacity: state.capacity)
        }
    }

    /// The disk after every process was killed now: all that was written is there, and what was
    /// not durable still is not.
    package func crashKeepingWritten() -> MemoryFileSystem {
        state.withLock { state in
            MemoryFileSystem(state.tree.afterKill(), capacity: state.capacity)
        }
    }

    /// Makes everything durable, names and contents.
    package func syncAll() {
        state.withLock { state in
            state.tree.journal.syncAll()
            for (_, inode) in state.tree.files() { inode.sync() }
        }
    }
}
