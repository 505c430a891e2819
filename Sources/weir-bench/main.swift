import Connectors
import Dataflow
import Storage
import Glibc

// temporary
let args = CommandLine.arguments
let path = args[1]
let needed = args[2].split(separator: ",").map(String.init)
let types: [String: FieldType] = ["order_id": .string, "user_id": .string, "region": .string, "shop_id": .int, "amount": .float, "ts": .timestamp, "status": .string, "note": .string]
var schema = Schema()
var fields: [JSONFieldPath] = []
for n in needed { let i = schema.add(Field(n, types[n]!, timestampFormat: .milliseconds), leaves: true); fields.append(JSONFieldPath(path: [n], column: i)) }
if args.count > 3 { schema.add(.record) }
let chunkBytes = 256 << 10
let fd = unsafe open(path, O_RDONLY)
var chunks: [RawChunk] = []
var carry: [UInt8] = []
var total = 0
while total < 200_000_000 {
    let slab = Slab(byteCount: chunkBytes)
    for (k, b) in carry.enumerated() { unsafe slab.base.storeBytes(of: b, toByteOffset: k, as: UInt8.self) }
    let n = unsafe read(fd, slab.base + carry.count, chunkBytes - carry.count)
    if n <= 0 { break }
    let have = n + carry.count
    var e = have
    while unsafe slab.base.load(fromByteOffset: e - 1, as: UInt8.self) != 10 { e -= 1 }
    carry = unsafe Array(UnsafeRawBufferPointer(start: slab.base + e, count: have - e))
    chunks.append(RawChunk(slab: slab, range: 0..<e, place: SourcePlace(name: path, offset: total)))
    total += e
}
func now() -> Double { var t = timespec(); unsafe clock_gettime(CLOCK_MONOTONIC, &t); return Double(t.tv_sec) + Double(t.tv_nsec) * 1e-9 }
let decoder = JSONDecoder(schema: schema, fields: fields, sourceName: "s")
for _ in 0..<5 {
    let t = now()
    var rows = 0
    var rejects = RejectedRows()
    for c in chunks {
        decoder.begin(c)
        while let b = decoder.next(rowsMax: 4096, rejects: &rejects) { rows += b.count }
    }
    let d = now() - t
    print("rows \(rows) rejects \(rejects.count) \(Double(total) / d / 1e6) MB/s \(d * 1e9 / Double(rows)) ns/row")
}
