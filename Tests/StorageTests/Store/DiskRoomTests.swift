import Synchronization
import TestSupport
import Testing

@testable import Storage

/// Writes where there is little room.
struct DiskRoomTests {
    private let disk = MemoryFileSystem()

    init() throws { try disk.makeDirectories("state") }

    private func room(
        quota: Int? = nil, reserve: Int = 0, isTended: Bool = true
    ) throws -> DiskRoom {
        var options = DiskRoom.Options(statePath: "state")
        options.quota = quota
        options.reserve = reserve
        options.isTended = isTended
        options.elsewhere = ["far"]
        let room = DiskRoom(options, over: disk)
        #expect(try room.open() == nil)
        return room
    }

    private func slice(_ byteCount: Int) -> SlabSlice {
        SlabSlice(Slab(byteCount: byteCount), 0..<byteCount)
    }

    private func write(_ byteCount: Int, to path: String, _ files: any FileSystem) throws {
        let file = try files.open(path, .write(truncating: true))
        try file.writeAll(slice(byteCount), at: 0)
    }

    /// The kind of the error that something ends with.
    private func kind(_ body: () throws -> Void) -> StorageError.Kind? {
        do {
            try body()
            return nil
        } catch {
            return (error as? StorageError)?.kind
        }
    }

    @Test func theReserveMakesRoomOnceAndComesBack() throws {
        let room = try room(reserve: 1000)
        let causes = Mutex<[StorageError.Kind]>([])
        room.watch { error in causes.withLock { $0.append(error.kind) } }
        #expect(room.usedBytes == 1000 && disk.usedBytes == 1000)
        disk.capacity = 1500
        try write(1200, to: "out", room.files)
        #expect(room.isTight && room.usedBytes == 0)
        #expect(causes.withLock { $0 } == [.noSpace])
        #expect(!room.refill())
        let error = kind { try write(500, to: "state/a", room.files.impatient) }
        #expect(error == .noSpace)
        try room.files.unlink("out")
        #expect(room.refill() && !room.isTight)
        #expect(disk.paths.contains("state/RESERVE"))
        room.close()
        #expect(!disk.paths.contains("state/RESERVE"))
        #expect(causes.withLock { $0.count } == 1)
    }

    @Test func whoeverWatchesLaterIsToldAtOnce() throws {
        let room = try room(reserve: 100)
        disk.capacity = 100
        try write(50, to: "out", room.files)
        let causes = Mutex<[StorageError.Kind]>([])
        room.watch { error in causes.withLock { $0.append(error.kind) } }
        #expect(causes.withLock { $0 } == [.noSpace])
        disk.capacity = nil
        #expect(room.refill())
        room.watch { error in causes.withLock { $0.append(error.kind) } }
        #expect(causes.withLock { $0.count } == 1)
    }

    @Test func aPatientWriteGoesOnWhenThereIsRoom() throws {
        let room = try room(isTended: false)
        disk.capacity = 100
        let disk = disk
        let tries = Atomic(0)
        disk.observe { note in
            guard note.operation == .write, note.isBefore else { return }
            if tries.add(1, ordering: .relaxed).newValue == 4 { disk.capacity = nil }
        }
        try write(300, to: "state/a", room.files)
        #expect(tries.load(ordering: .relaxed) > 3)
        #expect(disk.bytes("state/a").count == 300 && room.usedBytes == 300)
        #expect(!room.isTight)
    }

    @Test func waitingEndsWhenNobodyWantsIt() throws {
        let room = try room()
        disk.capacity = 10
        let tries = Atomic(0)
        disk.observe { note in
            guard note.operation == .write, note.isBefore else { return }
            if tries.add(1, ordering: .relaxed).newValue == 3 { room.giveUp() }
        }
        let error = kind { try write(300, to: "state/a", room.files) }
        #expect(error == .noSpace)
    }

    @Test func otherDisksAreNotItsBusiness() throws {
        let room = try room(reserve: 50)
        try disk.makeDirectories("far")
        disk.capacity = 60
        #expect(kind { try write(100, to: "far/a", room.files) } == .noSpace)
        #expect(!room.isTight)
        // Another kind of trouble neither.
        disk.inject(.error(.inputOutput), on: .write)
        #expect(kind { try write(1, to: "state/a", room.files) } == .inputOutput)
        #expect(!room.isTight)
    }

    /// All that can be done to files, against what is there afterwards.
    @Test(arguments: Seeds.list(20))
    func theQuotaCountsWhatIsThere(_ seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let quota = 5000
        disk.put("state/old", String(repeating: "x", count: 200))
        let room = try room(quota: quota, reserve: 500)
        let files = room.files.impatient
        let names = ["state/a", "state/b", "state/c", "state/old", "out"]
        for _ in 0..<300 {
            let path = random.pick(names)
            if random.chance(0.1) { disk.inject(.short(random.int(1...100)), on: .write) }
            if random.chance(0.05) { disk.inject(.error(.inputOutput), on: .write) }
            do {
                switch random.int(0..<6) {
                case 0: try write(random.int(0...3000), to: path, files)
                case 1:
                    let file = try files.open(path, .write(truncating: false))
                    try file.writeAll(slice(random.int(1...800)), at: random.int(0...1000))
                case 2: try files.open(path, .append).writeAll([slice(50), slice(9)])
                case 3: try files.open(path, .write(truncating: false)).truncate(to: 300)
                case 4 where path != "out": try files.rename(path, to: random.pick(names))
                default: try files.unlink(path)
                }
            } catch let error as StorageError {
                let mayBe: [StorageError.Kind] = [.quotaExceeded, .inputOutput, .notFound]
                #expect(mayBe.contains(error.kind), "\(error) \(Seeds.note(seed))")
            }
            if random.chance(0.1) { _ = room.refill() }
            let there = disk.paths.filter { $0.hasPrefix("state/") }
                .reduce(0) { $0 + disk.bytes($1).count }
            #expect(room.usedBytes == there, "\(Seeds.note(seed))")
            #expect(there <= quota, "\(Seeds.note(seed))")
        }
    }
}
