import Connectors
import Dataflow
import Storage
import TestSupport

/// Orders and shops as files or a log, which a seed decides.
struct SimulatedInput {
    /// What orders come as.
    enum Form {
        /// Files read one after the other.
        case files(Int)
        case log(partitions: Int)
    }

    let form: Form
    let orders: [String]
    let shops: [String]

    static let shopCount = 40
    /// The orders' first event time, in milliseconds.
    static let start = 1_767_226_200_000

    /// Orders with duplicates, disorder, late ones and broken ones.
    init(_ random: inout SplitMix64, form: Form, delay: Int) {
        self.form = form
        let count = random.int(50...400)
        let pace = random.pick([100, 1_000, 5_000])
        let (duplicates, late) = (random.pick([0, 0.3]), random.pick([0, 0.05]))
        var orders: [String] = []
        for row in 0..<count {
            if random.chance(0.01) {
                orders.append("{\"order_id\":")
                continue
            }
            let id = random.chance(duplicates) ? random.int(max(0, row - 40)...row) : row
            let lag = random.int(0...delay) + (random.chance(late) ? random.int(0...300_000) : 0)
            let amount = random.int(1...20_000)
            orders.append(
                "{\"order_id\":\"o\(id)\",\"user_id\":\"u\(random.int(0..<30))\","
                    + "\"shop_id\":\(random.int(1...Self.shopCount + 3)),"
                    + "\"region\":\"\(random.pick(["north", "east", "south", "west"]))\","
                    + "\"amount\":\(amount / 100).\(amount / 10 % 10)\(amount % 10),"
                    + "\"status\":\"\(random.pick(["paid", "paid", "open"]))\","
                    + "\"ts\":\(Self.start + row * pace - lag)}")
        }
        self.orders = orders
        shops = (1...Self.shopCount).map { shop in
            "{\"shop_id\":\(shop),\"name\":\"shop \(shop)\",\"category\":\"c\(shop % 5)\","
                + "\"city\":\"town \(shop % 7)\",\"vip\":\(shop % 3 == 0)}"
        }
    }

    /// The keys of the source `orders` that say where it reads from.
    var source: String {
        switch form {
        case .files: "type: file, paths: [ \"in/orders-*.ndjson\" ]"
        case .log: "type: log, path: in/orders"
        }
    }

    /// The same, as changes of a pipeline file.
    var overrides: [String] {
        switch form {
        case .files:
            ["sources.orders.type=file", "sources.orders.paths=[ \"in/orders-*.ndjson\" ]"]
        case .log: ["sources.orders.type=log", "sources.orders.path=in/orders"]
        }
    }

    /// What a partition of it is called, if it has some.
    var partition: String {
        switch form {
        case .files: "file"
        case .log: "partition"
        }
    }

    /// Puts everything there, durably.
    func put(into files: MemoryFileSystem) throws {
        files.put("in/shops.ndjson", Self.text(shops))
        switch form {
        case .files(let count):
            let size = (orders.count + count - 1) / count
            for number in 0..<count {
                let rows = orders.dropFirst(number * size).prefix(size)
                files.put("in/orders-\(number).ndjson", Self.text(Array(rows)))
            }
        case .log(let partitions):
            var options = LogOptions()
            options.partitionCount = partitions
            try LogWriter.create("in/orders", options: options, fileSystem: files)
            let writer = try LogWriter(
                "in/orders", mode: .plain, fileSystem: files, clock: { 0 })
            for start in stride(from: 0, to: orders.count, by: 20) {
                let batch = LogBatchBuilder()
                for order in orders[start..<min(start + 20, orders.count)] {
                    batch.add(SlabSlice(order), timestamp: 0)
                }
                _ = try writer.append(batch, to: start / 20 % partitions)
            }
            try writer.commit()
            try writer.close()
        }
        files.syncAll()
    }

    private static func text(_ lines: [String]) -> String { lines.map { "\($0)\n" }.joined() }
}
