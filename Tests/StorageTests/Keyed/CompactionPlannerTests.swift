import Storage
import Testing

/// What is merged with what.
struct CompactionPlannerTests {
    typealias Shape = CompactionPlanner.Shape
    let planner = CompactionPlanner(trigger: 4, ratio: 10, levelOneBytes: 100, levelsMax: 4)

    func shape(_ bytes: Int, _ from: UInt8, _ to: UInt8, expired: Bool = false) -> Shape {
        Shape(byteCount: bytes, range: KeyRange(lower: [from], upper: [to]), isExpired: expired)
    }

    @Test func nothingIsDoneBelowTheLimits() {
        #expect(planner.decide([]) == .nothing)
        let few = [Shape](repeating: shape(50, 0, 9), count: 3)
        #expect(planner.decide([few, [shape(99, 0, 9)]]) == .nothing)
    }

    @Test func allOfLevelZeroIsMergedWithWhatItOverlaps() {
        let first = [shape(9, 0, 5), shape(9, 3, 6), shape(9, 5, 7), shape(9, 4, 6)]
        let next = [shape(9, 0, 1), shape(9, 1, 3), shape(9, 7, 9)]
        #expect(
            planner.decide([first, next]) == .merge(level: 0, files: [0, 1, 2, 3], next: [0, 1]))
    }

    @Test func theOldestGoesDownAloneWhereItOverlapsNothing() {
        let first = [shape(9, 6, 7), shape(9, 4, 6), shape(9, 2, 4), shape(9, 0, 2)]
        #expect(planner.decide([first, [shape(9, 8, 9)]]) == .move(level: 0, file: 3))
        #expect(
            planner.decide([first, [shape(9, 1, 9)]])
                == .merge(level: 0, files: [0, 1, 2, 3], next: [0]))
    }

    @Test func theFileThatOverlapsLeastIsChosen() {
        let upper = [shape(60, 0, 3), shape(60, 3, 6)]
        let lower = [shape(100, 0, 2), shape(100, 2, 4), shape(300, 4, 5), shape(300, 5, 6)]
        #expect(planner.decide([[], upper, lower]) == .merge(level: 1, files: [0], next: [0, 1]))
        #expect(planner.decide([[], upper, [shape(100, 0, 2)]]) == .move(level: 1, file: 1))
    }

    @Test func theMostUrgentLevelComesFirst() {
        let first = [Shape](repeating: shape(9, 0, 9), count: 4)
        let second = [shape(500, 0, 5)]
        let third = [shape(900, 0, 5), shape(20_000, 5, 9)]
        #expect(planner.decide([first, second, third]) == .move(level: 2, file: 0))
        #expect(
            planner.decide([first, second, [shape(900, 0, 5)]])
                == .merge(level: 1, files: [0], next: [0]))
    }

    @Test func theLastLevelMayGrow() {
        #expect(planner.decide([[], [], [], [shape(1 << 40, 0, 9)]]) == .nothing)
    }

    @Test func whatOutlivedItsTimeIsDropped() {
        let files = [shape(1, 0, 1), shape(1, 1, 2, expired: true)]
        #expect(planner.decide([[], files]) == .drop(level: 1, files: [1]))
    }
}
