/// A value of a pipeline file and where it stands, for messages about it later on.
package struct Located<Value: Sendable>: Sendable {
    package let value: Value
    package let place: Place
    /// The scalar it was read from, to find places inside it.
    let scalar: YAMLScalar?

    init(_ value: Value, at place: Place, scalar: YAMLScalar? = nil) {
        self.value = value
        self.place = place
        self.scalar = scalar
    }
}
