import Glibc

/// A TCP socket on 127.0.0.1, closed at its end.
final class LoopbackSocket: Sendable {
    private let descriptor: Int32

    /// What the system refused.
    struct Failure: Error, CustomStringConvertible {
        let operation: String
        let code: Int32

        var description: String { unsafe "\(operation): \(String(cString: strerror(code)))" }
    }

    private init(_ descriptor: Int32, _ operation: String) throws {
        guard descriptor >= 0 else { throw Failure(operation: operation, code: errno) }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    /// Listens on a port that the system chooses.
    static func listening() throws -> LoopbackSocket {
        let type = Int32(SOCK_STREAM.rawValue) | O_CLOEXEC
        let result = try LoopbackSocket(socket(AF_INET, type, 0), "socket")
        var address = address(0)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(result.descriptor, $0, length)
            }
        }
        guard isBound == 0, listen(result.descriptor, 8) == 0 else {
            throw Failure(operation: "listen", code: errno)
        }
        return result
    }

    /// The port it stands on.
    var port: UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    /// A port that was free a moment ago.
    static func freePort() throws -> UInt16 { try listening().port }

    /// Waits for a connection.
    func accepted() throws -> LoopbackSocket {
        try LoopbackSocket(accept(descriptor, nil, nil), "accept")
    }

    /// Connects; tries again for ten seconds, while whoever listens is starting.
    static func connected(to port: UInt16) throws -> LoopbackSocket {
        var address = address(port)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        for _ in 0..<1000 {
            let type = Int32(SOCK_STREAM.rawValue) | O_CLOEXEC
            let result = try LoopbackSocket(socket(AF_INET, type, 0), "socket")
            let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(result.descriptor, $0, length)
                }
            }
            if isConnected == 0 {
                var one: Int32 = 1
                _ = unsafe setsockopt(
                    result.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one,
                    socklen_t(MemoryLayout<Int32>.size))
                return result
            }
            usleep(10_000)
        }
        throw Failure(operation: "connect", code: errno)
    }

    /// Sends all bytes.
    func send(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let start = unsafe buffer.baseAddress.map { unsafe $0 + done }
                return unsafe Glibc.send(
                    descriptor, start, buffer.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(operation: "send", code: errno) }
            done += count
        }
    }

    /// Receives what is there behind the first `kept` bytes; gives the count, 0 at the end.
    func receive(into buffer: inout [UInt8], behind kept: Int) -> Int {
        unsafe buffer.withUnsafeMutableBytes { bytes in
            let start = unsafe bytes.baseAddress.map { unsafe $0 + kept }
            return max(0, unsafe recv(descriptor, start, bytes.count - kept, 0))
        }
    }
}
