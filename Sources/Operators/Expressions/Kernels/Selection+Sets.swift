import Dataflow

/// Calls `body` for every selected row, in order.
@inline(__always)
func forEachRow(_ rows: Selection, _ body: (Int) -> Void) {
    if rows.isDense {
        for row in 0..<rows.count { body(row) }
    } else {
        let list = rows.rows
        for place in list.indices { body(Int(list[place])) }
    }
}

extension Selection {
    /// The rows for which `condition` holds.
    ///
    /// Every row is written and the end moves on only behind those that hold: there is no branch to
    /// mispredict.
    @inline(__always)
    func filtered(_ condition: (Int) -> Bool) -> Selection {
        var builder = SelectionBuilder(capacity: count)
        var kept = builder.storage
        var keptCount = 0
        forEachRow(self) { row in
            kept[keptCount] = UInt32(truncatingIfNeeded: row)
            keptCount &+= condition(row) ? 1 : 0
        }
        if keptCount == count { return self }
        builder.setCount(keptCount)
        return builder.finish()
    }

    /// The rows that are valid.
    func valid(in validity: Bitmap) -> Selection {
        let words = validity.words
        return filtered { row in words[row >> 6] &>> UInt64(row & 63) & 1 != 0 }
    }

    /// The rows that are not in `others`, all of which are in this selection.
    func removing(_ others: Selection) -> Selection {
        if others.isEmpty { return self }
        if others.count == count { return Selection(all: 0) }
        if others.isDense { return filtered { row in row >= others.count } }
        let list = others.rows
        var place = 0
        var next = Int(list[0])
        return filtered { row in
            let isOther = row == next
            if isOther {
                place += 1
                next = place < list.count ? Int(list[place]) : .max
            }
            return !isOther
        }
    }

    /// The rows of both; none is in both.
    func union(_ others: Selection) -> Selection {
        if others.isEmpty { return self }
        if isEmpty { return others }
        guard !isDense else { return others.merged(0..<UInt32(count)) }
        guard !others.isDense else { return merged(0..<UInt32(others.count)) }
        var builder = SelectionBuilder(capacity: count + others.count)
        var both = builder.storage
        let a = rows
        let b = others.rows
        var mine = 0
        var theirs = 0
        // Which side is less is data, not a branch: the order of the two is random.
        while mine < a.count, theirs < b.count {
            let isMine = a[mine] < b[theirs]
            both[mine &+ theirs] = isMine ? a[mine] : b[theirs]
            mine &+= isMine ? 1 : 0
            theirs &+= isMine ? 0 : 1
        }
        while mine < a.count {
            both[mine &+ theirs] = a[mine]
            mine &+= 1
        }
        while theirs < b.count {
            both[mine &+ theirs] = b[theirs]
            theirs &+= 1
        }
        builder.setCount(mine + theirs)
        return builder.finish()
    }

    /// The rows of this selection, which is not dense, behind those of `first`.
    private func merged(_ first: Range<UInt32>) -> Selection {
        var builder = SelectionBuilder(capacity: first.count + count)
        for row in first { builder.append(Int(row)) }
        forEachRow(self) { row in builder.append(row) }
        return builder.finish()
    }

    /// The rows that are in `other` too.
    func intersecting(_ other: Selection) -> Selection {
        if other.isDense, isEmpty || self[count - 1] < other.count { return self }
        var place = 0
        return filtered { row in
            while place < other.count && other[place] < row { place += 1 }
            return place < other.count && other[place] == row
        }
    }
}
