import AsyncHTTPClient
import NIOCore
import NIOPosix
import NIOSSL
import Storage

/// What went wrong with a socket: what was tried, with whom, the cause, and what to do.
package struct NetworkError: Error, Equatable, CustomStringConvertible {
    /// What was tried, as a verb: `listen on`, `connect to`.
    package let operation: String
    /// `host:port`.
    package let address: String
    package let cause: String
    /// May be empty.
    package let advice: String

    package init(operation: String, address: String, cause: String, advice: String = "") {
        self.operation = operation
        self.address = address
        self.cause = cause
        self.advice = advice
    }

    package var description: String {
        "cannot \(operation) \(address): \(cause)" + (advice.isEmpty ? "" : "; \(advice)")
    }
}

extension NetworkError {
    /// What an error of a socket says, in the system's words.
    static func cause(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            return StorageError(errno: error.errnoCode, operation: "", path: "").cause
        case let error as SocketAddressError.UnknownHost:
            return error.errorDescription
        case ChannelError.connectTimeout:
            return "it did not answer in time"
        case let error as NIOConnectionError:
            let inner = error.connectionErrors.last?.error ?? error.dnsAError ?? error.dnsAAAAError
            return inner.map(cause) ?? "\(error)"
        case let error as HTTPClientError: return cause(error)
        case let error as NIOSSLError:
            return "no encrypted connection (\(error))"
        case let error as NIOSSLExtraError:
            return "no encrypted connection (\(error))"
        default: return "\(error)"
        }
    }

    private static func cause(_ error: HTTPClientError) -> String {
        switch error {
        case .connectTimeout, .readTimeout, .deadlineExceeded, .tlsHandshakeTimeout:
            "it did not answer in time"
        case .remoteConnectionClosed: "it closed the connection"
        default: error.description
        }
    }
}
