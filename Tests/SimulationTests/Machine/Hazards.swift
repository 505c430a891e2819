import Storage
import TestSupport

/// What befalls one life of a process.
struct Hazards {
    /// The file operation at which it is killed, and whether that is not done any more.
    var killOperation: Int?
    var killsBefore = true
    /// The step before which it is killed.
    var killStep: Int?
    /// The seed of a power cut, in place of a kill that leaves all that was written.
    var powerCut: UInt64?
    /// The step before which it is told to stop.
    var stopStep: Int?
    /// Operations and reads that fail.
    var faults: [(operation: Int, fault: MemoryFileSystem.Fault)] = []
    var readFaults: [(read: Int, fault: MemoryFileSystem.Fault)] = []
    /// Operations while which the disk is full, or broken.
    var trouble: (operations: Range<Int>, kind: StorageError.Kind)?
    /// The chance of the wall clock to jump, at each step.
    var clockJumps = 0.0

    /// None.
    init() {}

    /// What a seed decides, for a life that begins on `files`.
    init(_ random: inout SplitMix64, _ files: MemoryFileSystem) {
        let reach = random.pick([30, 200, 1_000, 4_000])
        let (operations, reads) = (files.operationCount, files.readCount)
        switch random.int(0..<10) {
        case 0..<4:
            killOperation = operations + random.int(1...reach)
            killsBefore = random.chance(0.5)
        case 4..<6: killStep = random.int(0...reach)
        case 6..<8: stopStep = random.int(0...reach)
        default: break
        }
        if random.chance(0.6) { powerCut = random.next() }
        if random.chance(0.5) {
            for _ in 0..<random.int(1...3) {
                let fault: MemoryFileSystem.Fault = random.pick([
                    .error(.inputOutput), .error(.noSpace), .short(1), .short(100),
                ])
                if random.chance(0.15) {
                    readFaults.append((reads + random.int(1...200), fault))
                } else {
                    faults.append((operations + random.int(1...reach), fault))
                }
            }
        }
        if random.chance(0.15) {
            let start = operations + random.int(1...reach)
            trouble = (
                start..<start + random.int(1...40), random.pick([.noSpace, .inputOutput])
            )
        }
        clockJumps = random.pick([0, 0.01])
    }

    /// Whether anything fails of which a run may fail.
    var hasFaults: Bool { !faults.isEmpty || !readFaults.isEmpty || trouble != nil }

    func prepare(_ files: MemoryFileSystem) {
        for (operation, fault) in faults { files.fail(operation: operation, with: fault) }
        for (read, fault) in readFaults { files.fail(read: read, with: fault) }
    }

    /// Begins and ends what lasts.
    func pass(_ note: MemoryFileSystem.Note, _ files: MemoryFileSystem) {
        guard let trouble, note.isBefore else { return }
        if note.number == trouble.operations.lowerBound {
            files.failAll(from: note.number, with: trouble.kind)
        } else if note.number == trouble.operations.upperBound {
            files.heal()
        }
    }
}
