import Connectors
import Dataflow
import Storage

/// What stands in for sockets in a plan: buffers and queues are the true ones.
struct OutsideParts {
    /// Whether there are checkpoints, and so buffers and queues.
    let isDurable: Bool
    /// Where state is, which no other pipeline has.
    let statePath: String
    let process: SimulatedProcess
    let clock: EngineClock
    /// The files, guarded by the room on the disk.
    let room: any FileSystem
    let sides: (String) -> SimulatedSide
    let log: @Sendable (String) -> Void

    /// How rows come from a client.
    struct Received {
        let client: SimulatedClient
        let sync: LogOptions.Sync
        let quota: Int?

        var options: BufferedSource.Options {
            var options = BufferedSource.Options(directory: "log-buffer")
            options.log.sync = sync
            options.log.quota = quota
            options.log.segmentBytes = 4096
            options.chunkBytes = 1000
            return options
        }
    }

    func source(_ node: Plan.SourceNode, _ received: Received) -> Plan.SourceNode {
        let (process, clock, log) = (process, clock, log)
        let side = isDurable ? sides("intake") : nil
        received.client.isSteady = !isDurable
        var made = Plan.SourceNode(
            name: node.name, schema: node.schema, watermark: node.watermark,
            makeSource: {
                let source = ClientSource(received.client) { process.isDead }
                guard let side else { return source }
                return BufferedSource(
                    source, received.options, fileSystem: process, clock: clock, work: side,
                    notice: log)
            }, makeDecoder: node.makeDecoder, table: node.table)
        made.binding = node.binding
        return made
    }

    func sink(_ node: Plan.SinkNode, _ receiver: SimulatedReceiver) -> Plan.SinkNode {
        let (process, room, statePath) = (process, room, statePath)
        let side = isDurable ? sides("sender-\(node.name)") : nil
        side?.isReady = { process.isDead || receiver.isThere() }
        var made = Plan.SinkNode(name: node.name, inputs: node.inputs) {
            let target = ReceiverSink(receiver) { process.isDead }
            guard let side else { return target }
            var options = QueuedSink.Options(directory: "log-queue-\(statePath)=\(node.name)")
            options.log.segmentBytes = 4096
            options.log.quota = receiver.quota
            options.memoryBytesMax = receiver.memoryBytesMax
            options.sendBytesMax = receiver.memoryBytesMax
            return QueuedSink(target, name: "receiver", options, fileSystem: room, work: side)
        }
        made.binding = node.binding
        return made
    }
}
