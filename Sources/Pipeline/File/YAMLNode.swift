/// A value of a pipeline file, with the place where it stands.
///
/// Aliases are expanded, merge keys (`<<`) merged, and duplicate keys reported and dropped. Scalars
/// keep their text; what they mean is for the reader of the key to say.
struct YAMLNode: Sendable {
    indirect enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    var content: Content
    var place: Place

    var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    /// Whether this is `null`, `~` or nothing at all.
    var isNull: Bool { scalar?.isNull ?? false }

    /// What it is, for "takes a list, not …".
    var shown: String {
        switch content {
        case .scalar(let scalar):
            if scalar.isNull { return "nothing" }
            return scalar.isSecret ? "'\(Redactor.mask)'" : "'\(scalar.shortText)'"
        case .sequence: return "a list"
        case .mapping: return "a mapping"
        }
    }
}

/// One `key: value` of a mapping.
struct YAMLEntry: Sendable {
    let key: String
    let keyPlace: Place
    var value: YAMLNode
}

/// A leaf.
struct YAMLScalar: Sendable {
    enum Style: Sendable { case plain, singleQuoted, doubleQuoted, literal, folded }

    var text: String
    let style: Style
    /// Whether the environment or a file had a part in it: not to be shown.
    var isSecret = false
    /// Whether the text is no longer what stands in the file.
    var isSubstituted = false

    /// Whether it is plain text for nothing.
    var isNull: Bool {
        style == .plain && ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// The text, cut to fit a message.
    var shortText: String {
        text.unicodeScalars.count <= 60
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(57))) + "..."
    }
}
