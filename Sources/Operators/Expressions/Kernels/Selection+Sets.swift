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
        var place = 0
        var next = others[0]
        return filtered { row in
            guard row == next else { return true }
            place += 1
            next = place < others.count ? others[place] : .max
            return false
        }
    }

    /// The rows of both; none is in both.
    func union(_ others: Selection) -> Selection {
        if others.isEmpty { return self }
        if isEmpty { return others }
        var builder = SelectionBuilder(capacity: count + others.count)
        var mine = 0
        var theirs = 0
        while mine < count || theirs < others.count {
            let a = mine < count ? self[mine] : .max
            let b = theirs < others.count ? others[theirs] : .max
            builder.append(min(a, b))
            if a < b { mine += 1 } else { theirs += 1 }
        }
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
