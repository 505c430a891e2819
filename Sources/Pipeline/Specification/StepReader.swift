import Operators

/// Reads the declaration of a step.
struct StepReader {
    private static let component = Component(
        "step", .step,
        [
            "filter": .filter, "map": .map, "dedup": .dedup, "broadcast_join": .broadcastJoin,
            "window": .window,
        ], later: ["interval_join", "pattern", "sort", "top", "lookup_join"])

    let diagnostics: Diagnostics

    func read(_ node: YAMLNode, name: Located<String>) -> StepSpec? {
        let before = diagnostics.errorCount
        guard let (type, reader) = Self.component.open(node, name: name, diagnostics) else {
            return nil
        }
        let inputs = reader.strings("inputs", of: "outputs")
        let kind: StepSpec.Kind? =
            switch type {
            case "filter": readFilter(reader).map { .filter($0) }
            case "map": readMap(reader).map { .map($0) }
            case "dedup": readDedup(reader).map { .dedup($0) }
            case "broadcast_join": readJoin(reader).map { .broadcastJoin($0) }
            default: readWindow(reader).map { .window($0) }
            }
        reader.finish()
        guard diagnostics.errorCount == before, let kind else { return nil }
        return StepSpec(name: name, inputs: inputs, kind: kind)
    }

    private func readFilter(_ reader: SpecReader) -> FilterSpec? {
        guard let condition = reader.string("where", takes: "an expression") else {
            reader.miss("where", "where: \"amount > 0\"")
            return nil
        }
        return FilterSpec(condition: condition)
    }

    private func readMap(_ reader: SpecReader) -> MapSpec? {
        let set = reader.texts("set", of: "field: expression") ?? []
        let rename = reader.texts("rename", of: "old: new") ?? []
        let drop = reader.strings("drop", of: "fields") ?? []
        let select = pairs(
            reader, "select", takes: "a list of fields, some perhaps as field: expression")
        for (key, _) in set { checkName(key) }
        for (_, new) in rename { checkName(new) }
        if let select, select.isEmpty {
            diagnostics.error(at: reader.place(of: "select"), "'select' leaves no field")
        }
        if !["set", "rename", "drop", "select"].contains(where: reader.has) {
            diagnostics.error(
                at: reader.place, "\(reader.title) needs 'set', 'rename', 'drop' or 'select'")
        }
        return MapSpec(
            set: set.map { ($0.key, $0.value) }, rename: rename.map { ($0.key, $0.value) },
            drop: drop,
            select: select.map { $0.map { (name: $0.name, expression: $0.text) } })
    }

    /// A list of names, some of them with a text: `[ a, b: text ]`.
    private func pairs(
        _ reader: SpecReader, _ key: String, takes what: String
    ) -> [(name: Located<String>, text: Located<String>?)]? {
        guard let node = reader.node(key) else { return nil }
        guard case .sequence(let items) = node.content else {
            diagnostics.error(at: node.place, "'\(key)' takes \(what), not \(node.shown)")
            return nil
        }
        var result: [(name: Located<String>, text: Located<String>?)] = []
        for item in items {
            if let scalar = item.scalar, !item.isNull {
                result.append((Located(scalar.text, at: item.place, scalar: scalar), nil))
            } else if case .mapping(let entries) = item.content {
                for entry in entries {
                    guard let scalar = entry.value.scalar, !scalar.isNull else {
                        diagnostics.error(
                            at: entry.value.place,
                            "'\(entry.key)' takes text, not \(entry.value.shown)")
                        continue
                    }
                    let name = Located(entry.key, at: entry.keyPlace)
                    checkName(name)
                    result.append(
                        (name, Located(scalar.text, at: entry.value.place, scalar: scalar)))
                }
            } else {
                diagnostics.error(at: item.place, "'\(key)' takes \(what), not \(item.shown)")
            }
        }
        return result
    }

    private func checkName(_ name: Located<String>) {
        if !FieldReader.isName(name.value) {
            diagnostics.error(at: name.place, "'\(name.value)' is not the name of a field")
        }
    }

    // MARK: dedup

    private func readDedup(_ reader: SpecReader) -> DedupSpec? {
        let key = reader.strings("key", of: "fields")
        if key == nil { reader.miss("key", "key: [ order_id ]") }
        if let key, key.isEmpty {
            diagnostics.error(at: reader.place(of: "key"), "'key' names no field")
        }
        let keep = reader.choice("keep", ["first", "last"])
        let version = reader.string("version", takes: "the name of a field")
        if let version, reader.has("keep") ? keep?.value == "first" : true {
            diagnostics.error(at: version.place, "'version' needs 'keep: last'")
        }
        guard let scope = readScope(reader), let key else { return nil }
        return DedupSpec(
            key: key, scope: scope,
            keep: keep.flatMap { DedupStep.Keep(rawValue: $0.value) } ?? .first, version: version)
    }

    private func readScope(_ reader: SpecReader) -> DedupStep.Scope? {
        let bucket = reader.duration("bucket")
        let retain = reader.duration("retain", atLeast: 0)
        let window = reader.duration("window")
        let buckets = reader.integer("buckets", 1...10_000)
        let hasPair = reader.has("bucket") || reader.has("retain")
        if reader.has("window"), hasPair {
            diagnostics.error(
                at: reader.place(of: "window"),
                "'window' and 'bucket' with 'retain' exclude each other")
            return nil
        }
        if reader.has("buckets"), !reader.has("window") {
            diagnostics.error(at: reader.place(of: "buckets"), "'buckets' needs 'window'")
        }
        if reader.has("window") {
            guard let window else { return nil }
            let count = buckets?.value ?? 12
            if Int64(count) > window.value {
                diagnostics.error(
                    at: window.place, "'window' is too short for \(count) buckets")
            }
            return .window(size: window.value, buckets: count)
        }
        guard hasPair else {
            diagnostics.error(
                at: reader.place,
                "\(reader.title) would keep every key for ever: it needs 'bucket' with 'retain', "
                    + "or 'window'")
            return nil
        }
        if !reader.has("bucket") {
            diagnostics.error(at: reader.place(of: "retain"), "'retain' needs 'bucket'")
        }
        if !reader.has("retain") {
            diagnostics.error(
                at: reader.place(of: "bucket"),
                "'bucket' needs 'retain': without it every key would be kept for ever")
        }
        guard let bucket, let retain else { return nil }
        return .bucket(size: bucket.value, retain: retain.value)
    }

    // MARK: broadcast_join

    private func readJoin(_ reader: SpecReader) -> BroadcastJoinSpec? {
        let table = reader.string("table", takes: "the name of a source")
        if table == nil { reader.miss("table") }
        let kind = reader.choice("kind", ["inner", "left"])
        let on = readOn(reader)
        var select: [(name: Located<String>, field: Located<String>)]?
        if reader.node("select")?.scalar?.text != "all" {
            let what = "all, or a list of table fields, some perhaps as new name: table field"
            select = pairs(reader, "select", takes: what)?.map { ($0.name, $0.text ?? $0.name) }
        }
        guard let table, let on else { return nil }
        return BroadcastJoinSpec(
            table: table, on: on,
            kind: kind.flatMap { BroadcastJoinStep.Kind(rawValue: $0.value) } ?? .inner,
            select: select)
    }

    private func readOn(
        _ reader: SpecReader
    ) -> [(left: Located<String>, right: Located<String>)]? {
        guard let node = reader.node("on") else {
            reader.miss("on", "on: shop_id")
            return nil
        }
        if case .mapping = node.content {
            let pairs = reader.texts("on", of: "field: table field")?.map { ($0.key, $0.value) }
            return nonEmpty(pairs, reader)
        }
        return nonEmpty(reader.strings("on", of: "fields")?.map { ($0, $0) }, reader)
    }

    private func nonEmpty(
        _ pairs: [(Located<String>, Located<String>)]?, _ reader: SpecReader
    ) -> [(left: Located<String>, right: Located<String>)]? {
        guard let pairs else { return nil }
        if pairs.isEmpty {
            diagnostics.error(at: reader.place(of: "on"), "'on' names no field")
            return nil
        }
        return pairs.map { (left: $0.0, right: $0.1) }
    }

    // MARK: window

    private func readWindow(_ reader: SpecReader) -> WindowSpec? {
        let by = reader.strings("by", of: "fields") ?? []
        let aggregates = reader.texts("aggregate", of: "field: aggregate")
        if aggregates == nil { reader.miss("aggregate", "aggregate: { orders: count() }") }
        for (key, _) in aggregates ?? [] { checkName(key) }
        if let aggregates, aggregates.isEmpty {
            diagnostics.error(at: reader.place(of: "aggregate"), "'aggregate' computes nothing")
        }
        guard let nested = reader.nested("window", keys: .windowKind) else {
            reader.miss("window", "window: { kind: tumbling, size: 1m }")
            return nil
        }
        let kind = nested.choice(
            "kind", ["tumbling"], later: ["sliding", "session", "count", "processing_time"])
        if kind == nil { nested.miss("kind", "kind: tumbling") }
        let size = nested.duration("size")
        // A window of another kind has other bounds.
        if size == nil, kind != nil { nested.miss("size", "size: 1m") }
        let offset = nested.duration("offset", atLeast: 0)
        if let size, let offset, offset.value >= size.value {
            diagnostics.error(at: offset.place, "'offset' is less than 'size'")
        }
        nested.finish()
        guard let size, let aggregates else { return nil }
        return WindowSpec(
            by: by, size: size.value, offset: offset?.value ?? 0,
            aggregates: aggregates.map { ($0.key, $0.value) })
    }
}
