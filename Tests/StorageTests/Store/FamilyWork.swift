import Storage
import TestSupport

/// A family of state in a store of its own, whose jobs run by the run's leave, and the dictionary
/// that it has to be equal to: what a `FamilyRun` works on.
protocol FamilyWork: AnyObject {
    associatedtype Twin: Equatable
    /// What a checkpoint gives.
    associatedtype Snapshot

    /// Opens the family in `directory`, with what a checkpoint had.
    init(
        _ directory: StateDirectory, restoring snapshot: Snapshot?, seed: UInt64
    ) throws(StorageError)

    /// Steps of a run.
    static var stepCount: Int { get }
    /// Operations of a run at which it crashes, and at which they fail.
    static var crashesMax: Int { get }
    static var faultsMax: Int { get }
    /// How many of the numbers that a step is drawn from are operations of the family, and how
    /// many are jobs in the background.
    static var operationShare: Int { get }
    static var jobShare: Int { get }
    static var emptyTwin: Twin { get }

    var random: SplitMix64 { get set }
    var store: StateStore { get }
    var executor: ManualExecutor { get }
    var twin: Twin { get }
    /// What was found that is not the dictionary's.
    var wrong: String? { get }

    /// Does the operation of a number below `operationShare` to the family and the dictionary.
    func operate(_ number: Int) throws(StorageError)

    func checkpoint() -> Snapshot

    /// The names of the files that a checkpoint needs.
    static func files(of snapshot: Snapshot) -> [String]

    /// All that a restored family holds; it may be taken out.
    func takeContents() throws(StorageError) -> Twin

    /// The names of the files that the family still needs behind `takeContents`.
    func filesLeft(of snapshot: Snapshot) -> [String]

    /// Looks closer at a restored family that had the right contents.
    func checkRestored(_ contents: Twin) throws(StorageError)
}
