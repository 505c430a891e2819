import NIOCore
import Storage

/// How rows stand in the body of a request.
package enum HTTPBody: String, Sendable, CaseIterable {
    /// Each on a line of its own.
    case lines
    /// As the elements of a JSON array.
    case array
    /// One row, in a request of its own.
    case row

    package var contentType: String {
        switch self {
        case .lines: "application/x-ndjson"
        case .array, .row: "application/json"
        }
    }

    /// The body of a request with these rows, none of which has its newline.
    func bytes(_ rows: ArraySlice<SlabSlice>) -> ByteBuffer {
        let byteCount = rows.reduce(rows.count + 2) { $0 + $1.byteCount }
        var buffer = ByteBufferAllocator().buffer(capacity: byteCount)
        if self == .array { buffer.writeInteger(UInt8(ascii: "[")) }
        for (index, row) in rows.enumerated() {
            if self == .array && index > 0 { buffer.writeInteger(UInt8(ascii: ",")) }
            buffer.writeBytes(row.slab.bytes(row.range))
            if self == .lines { buffer.writeInteger(UInt8(ascii: "\n")) }
        }
        if self == .array { buffer.writeInteger(UInt8(ascii: "]")) }
        return buffer
    }

    /// The rows of a slab, a line each, without their newlines.
    static func rows(of slab: Slab, byteCount: Int) -> [SlabSlice] {
        var rows: [SlabSlice] = []
        let bytes = slab.bytes(0..<byteCount)
        var start = 0
        while start < byteCount {
            let end =
                ByteScan.first(UInt8(ascii: "\n"), in: bytes, start..<byteCount) ?? byteCount
            if end > start { rows.append(SlabSlice(slab, start..<end)) }
            start = end + 1
        }
        return rows
    }
}
