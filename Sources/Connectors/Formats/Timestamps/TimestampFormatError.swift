/// A timestamp format that cannot be used, in words a user can act on.
package struct TimestampFormatError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
