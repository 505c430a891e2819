import Dataflow
import Storage
import TestSupport

extension EncodedPart {
    /// A part with this text, a row for each line.
    init(_ text: String, target: String = "") {
        let slice = SlabSlice(text)
        self.init(
            target: target, slab: slice.slab, byteCount: slice.byteCount,
            rowCount: text.utf8.count { $0 == 10 })
    }
}
