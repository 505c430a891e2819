import Dataflow
import Dispatch
import Execution
import Synchronization

/// What the engine does between steps.
struct EngineMeasurements {
    let data: BenchData

    func run(_ bench: inout Bench) {
        for workers in [2, 7] {
            let splitter = KeySplitter(
                columns: [BenchData.column("order_id")], workers: workers)
            bench.measure(
                "exchange split, \(workers) workers", rows: data.rowCount,
                batches: data.batches.count
            ) {
                for batch in data.batches { _ = splitter.split(batch) }
            }
        }
        hops(&bench)
    }

    /// Two threads that wake each other in turn: what one hop costs when nothing else is to do.
    private func hops(_ bench: inout Bench) {
        let count = 2000
        bench.measure("mailbox hop between threads", rows: 2 * count, batches: 2 * count) {
            let here = Parker()
            let there = Parker()
            let done = DispatchSemaphore(value: 0)
            DispatchQueue.global().async {
                for _ in 0..<count {
                    there.park()
                    here.wake()
                }
                done.signal()
            }
            for _ in 0..<count {
                there.wake()
                here.park()
            }
            done.wait()
        }
    }
}
