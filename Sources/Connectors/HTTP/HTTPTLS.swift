import NIOSSL
import Storage

/// What an encrypted connection is held against.
package struct HTTPTLS: Sendable {
    /// A PEM file of certificates that are trusted, in place of the system's.
    package var authorities: String?
    /// PEM files by which weir proves who it is: its certificates, itself first, and its key.
    package var identity: (certificates: String, key: String)?

    package init() {}

    func configuration(_ fileSystem: any FileSystem) throws -> TLSConfiguration {
        var result = TLSConfiguration.makeClientConfiguration()
        if let path = authorities {
            result.trustRoots = .certificates(try certificates(path, fileSystem))
        }
        if let identity {
            result.certificateChain = try certificates(identity.certificates, fileSystem)
                .map { .certificate($0) }
            let bytes = try contents(of: identity.key, fileSystem)
            do {
                result.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: bytes, format: .pem))
            } catch {
                throw Self.unreadable(identity.key, "private key", error)
            }
        }
        return result
    }

    private func certificates(
        _ path: String, _ fileSystem: any FileSystem
    ) throws -> [NIOSSLCertificate] {
        let bytes = try contents(of: path, fileSystem)
        do {
            return try NIOSSLCertificate.fromPEMBytes(bytes)
        } catch {
            throw Self.unreadable(path, "certificate", error)
        }
    }

    private func contents(
        of path: String, _ fileSystem: any FileSystem
    ) throws(StorageError) -> [UInt8] {
        let status = try fileSystem.status(of: path)
        let file = try fileSystem.open(path, .read)
        let slab = Slab(byteCount: max(status?.byteCount ?? 0, 1))
        let count = try file.readAll(into: slab, 0..<slab.byteCount, at: 0)
        return slab.array(0..<count)
    }

    private static func unreadable(
        _ path: String, _ what: String, _ error: any Error
    ) -> StorageError {
        StorageError(
            .other, operation: "read", path: path, cause: "no \(what) in PEM form (\(error))")
    }
}
