import Glibc

/// A plain TCP socket on the loopback, for the other side of what is tested.
package final class TestSocket {
    private var descriptor: Int32

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var on: Int32 = 1
        unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { finish() }

    private static func withLoopback<R>(
        _ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
    ) -> R {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, size)
            }
        }
    }

    /// Connects; nil where nobody listens.
    package static func connect(port: Int) -> TestSocket? {
        let made = TestSocket(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        let result = unsafe withLoopback(port) { address, size in
            unsafe Glibc.connect(made.descriptor, address, size)
        }
        return result == 0 ? made : nil
    }

    /// Listens; port 0 lets the system choose.
    package static func listen(port: Int = 0) -> TestSocket? {
        let made = TestSocket(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var on: Int32 = 1
        unsafe setsockopt(
            made.descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        let result = unsafe withLoopback(port) { address, size in
            unsafe bind(made.descriptor, address, size)
        }
        guard result == 0, Glibc.listen(made.descriptor, 16) == 0 else { return nil }
        return made
    }

    /// The port it listens on.
    package var port: Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            _ = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &size)
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Waits for a connection.
    package func accept() -> TestSocket? {
        let accepted = Glibc.accept(descriptor, nil, nil)
        return accepted >= 0 ? TestSocket(accepted) : nil
    }

    /// Sends all of it, unless the other side is gone; says whether it did.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return false }
            sent += count
        }
        return true
    }

    @discardableResult
    package func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    /// Sends what the system takes at once; gives the bytes it took.
    package func sendSome(_ bytes: [UInt8]) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return max(unsafe Glibc.send(descriptor, bytes, bytes.count, flags), 0)
    }

    /// Receives at most `byteCount` bytes; waits for the first. None says that it ended.
    package func receive(_ byteCount: Int = 1 << 16) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let count = unsafe recv(descriptor, &bytes, byteCount, 0)
        return Array(bytes.prefix(max(count, 0)))
    }

    /// Receives until so many bytes are there or the other side ends.
    package func receiveAll(_ byteCount: Int) -> [UInt8] {
        var all: [UInt8] = []
        while all.count < byteCount {
            let bytes = receive(byteCount - all.count)
            if bytes.isEmpty { break }
            all += bytes
        }
        return all
    }

    /// Receives what is there at once.
    package func receiveNow(_ byteCount: Int = 1 << 16) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: byteCount)
        let count = unsafe recv(descriptor, &bytes, byteCount, Int32(MSG_DONTWAIT))
        return Array(bytes.prefix(max(count, 0)))
    }

    /// Sends nothing more, and still receives.
    package func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes in order.
    package func finish() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }

    /// Breaks the connection off, which throws away what is under way.
    package func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        finish()
    }
}
