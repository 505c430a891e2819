package import Storage

/// A step's state on one worker as it stands at a barrier: what a checkpoint keeps of it.
///
///     snapshot = families: count, each | own: bytes behind their count
package struct OperatorSnapshot: Sendable, Equatable {
    /// Its bucketed families, whose files the checkpoint holds.
    package let families: [FamilySnapshot]
    /// What it keeps beside them, in a form of its own.
    package let own: [UInt8]

    package init(families: [FamilySnapshot] = [], own: [UInt8] = []) {
        self.families = families
        self.own = own
    }

    package func encode(to writer: inout ByteWriter) {
        writer.append(count: families.count)
        for family in families { family.encode(to: &writer) }
        writer.append(counted: own)
    }

    package init(from reader: inout ByteReader) throws(ByteReader.Damage) {
        families = try reader.list { reader throws(ByteReader.Damage) in
            try FamilySnapshot(from: &reader)
        }
        own = try reader.countedArray()
    }
}
