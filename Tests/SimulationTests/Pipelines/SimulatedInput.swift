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
        /// A file that grows, and what it is rotated to.
        case followed(SimulatedFeed.Rotation)
        /// The log that another pipeline writes to, and whether it is followed.
        case between(path: String, isFollowed: Bool)
        /// A client that is told what is safe.
        case received(OutsideParts.Received)
    }

    private(set) var form: Form
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
                orders.append("{\"order_id\":\"\(row)")
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
        if case .received(let received) = form {
            // A row that comes again is told from another one.
            var met: Set<String> = []
            let rows = orders.filter { met.insert($0).inserted }
            self.form = .received(
                OutsideParts.Received(
                    client: SimulatedClient(rows, seed: random.next()), sync: received.sync,
                    quota: received.quota))
        }
        shops = (1...Self.shopCount).map { shop in
            "{\"shop_id\":\(shop),\"name\":\"shop \(shop)\",\"category\":\"c\(shop % 5)\","
                + "\"city\":\"town \(shop % 7)\",\"vip\":\(shop % 3 == 0)}"
        }
    }

    /// The end of another pipeline as the input of one.
    init(from path: String, isFollowed: Bool, shops: [String]) {
        form = .between(path: path, isFollowed: isFollowed)
        orders = []
        self.shops = shops
    }

    /// Whether it has no end of its own.
    var isLive: Bool {
        switch form {
        case .files, .log: false
        case .followed, .received: true
        case .between(_, let isFollowed): isFollowed
        }
    }

    /// The keys of the source `orders` that say where it reads from.
    var source: String { keys.map { "\($0): \($1)" }.joined(separator: ", ") }

    /// The same, as changes of a pipeline file.
    var overrides: [String] { keys.map { "sources.orders.\($0)=\($1)" } }

    private var keys: [(String, String)] {
        switch form {
        case .files: [("type", "file"), ("paths", "[ \"in/orders-*.ndjson\" ]")]
        case .log: [("type", "log"), ("path", "in/orders")]
        case .followed(let rotation):
            [("type", "file"), ("paths", rotation.paths), ("follow", "true")]
        case .between(let path, let isFollowed):
            [("type", "log"), ("path", path), ("follow", "\(isFollowed)")]
        case .received: [("type", "tcp"), ("listen", "127.0.0.1:9")]
        }
    }

    /// What a partition of it is called, if it has some whose turns do not depend on time.
    var partition: String? {
        switch form {
        case .files: "file"
        case .log: "partition"
        case .followed, .between, .received: nil
        }
    }

    /// Puts there what is there from the start, durably.
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
        case .followed, .between, .received: break
        }
        files.syncAll()
    }

    private static func text(_ lines: [String]) -> String { lines.map { "\($0)\n" }.joined() }
}
