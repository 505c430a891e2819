import Testing

@testable import Pipeline

struct YAMLReaderTests {
    private func read(_ bytes: [UInt8]) -> (YAMLNode?, [String]) {
        let diagnostics = Diagnostics()
        let node = YAMLReader.read(bytes, file: "p", diagnostics: diagnostics)
        return (node, diagnostics.sorted.map(\.description))
    }

    private func read(_ text: String) -> (YAMLNode?, [String]) { read(Array(text.utf8)) }

    private func entries(_ node: YAMLNode?) -> [String: String] {
        guard case .mapping(let entries) = node?.content else { return [:] }
        return Dictionary(
            entries.map { ($0.key, $0.value.scalar?.text ?? $0.value.shown) },
            uniquingKeysWith: { first, _ in first })
    }

    @Test func nodesKnowTheirPlaces() throws {
        let (node, said) = read("a: 1\nb:\n  - x\n  - \"ÿ\": [ z ]\n")
        #expect(said.isEmpty)
        guard case .mapping(let entries) = node?.content,
            case .sequence(let items) = entries[1].value.content,
            case .mapping(let inner) = items[1].content,
            case .sequence(let last) = inner[0].value.content
        else {
            Issue.record("not the tree that was written")
            return
        }
        #expect(entries[1].keyPlace == Place(file: "p", line: 2, column: 1))
        #expect(items[0].place == Place(file: "p", line: 3, column: 5))
        #expect(last[0].place == Place(file: "p", line: 4, column: 12))
    }

    @Test func invalidUTF8IsReportedWhereItStands() {
        let (node, said) = read(Array("a: 1\nb: ".utf8) + [0xFF, 0x0A])
        #expect(node == nil)
        #expect(said == ["p:2:4: error: the file is not valid UTF-8"])
    }

    @Test func controlCharactersAreReported() {
        #expect(read("a: 1\nb: \u{0}\n").1.count == 1)
        #expect(
            read("a: 1\nb: \u{7}\n").1 == ["p:2:4: error: YAML: control characters are not allowed"]
        )
    }

    /// A value may have line ends, and what turns the rest of a terminal's line around.
    @Test func aMessageIsOneLine() {
        let message = "unknown step type 'a\n\n\u{1b}[2Jb\u{202e}c\u{2028}é'"
        let diagnostic = Diagnostic(.error, at: Place(file: "p", line: 2, column: 3), message)
        #expect(
            diagnostic.description
                == #"p:2:3: error: unknown step type 'a\n\n\u{1B}[2Jb\u{202E}c\u{2028}é'"#)
        #expect(diagnostic.message == message)
    }

    @Test func hugeFilesAreRefused() {
        let (_, said) = read([UInt8](repeating: 0x23, count: YAMLReader.bytesMax + 1))
        #expect(said == ["p:1:1: error: a pipeline file has at most 1 MiB; this one has more"])
    }

    @Test(arguments: ["[", "{a: ", "- "])
    func deepNestingIsRefused(_ opening: String) {
        for depth in [100, 100_000] {
            let (node, said) = read(String(repeating: opening, count: depth))
            #expect(node == nil)
            #expect(said.count == 1)
        }
        let closed = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        #expect(
            read(closed).1 == [
                "p:1:66: error: lists and mappings are nested more than 64 deep"
            ])
    }

    @Test func aliasesAreExpanded() {
        let (node, said) = read("a: &x { b: 1 }\nc: *x\nd: { <<: *x, e: 2 }\n<<: { f: 3 }\n")
        #expect(said.isEmpty)
        #expect(entries(node) == ["a": "a mapping", "c": "a mapping", "d": "a mapping", "f": "3"])
        guard case .mapping(let top) = node?.content else { return }
        #expect(entries(top[2].value) == ["b": "1", "e": "2"])
    }

    /// Levels of lists, each naming the one before nine times.
    private func bomb(_ levels: Int) -> String {
        var text = "a0: &a0 [ x ]\n"
        for level in 1...levels {
            let aliases = [String](repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [ \(aliases) ]\n"
        }
        return text
    }

    @Test func exponentialAliasesAreRefused() {
        let (node, said) = read(bomb(20))
        #expect(node == nil)
        #expect(said.count == 1)
        #expect(said[0].hasSuffix("too many values: aliases may expand to 100000"))
    }

    @Test(arguments: ["? *a20\n: 1\n", "{ *a20 : 1 }\n", "[ *a20 ]: 1\n", "? [ *a20 ]\n: 1\n"])
    func exponentialKeysAreRefused(_ key: String) {
        #expect(read(bomb(20) + key).1.count == 1)
    }

    @Test func allDuplicateKeysAreReported() {
        let (node, said) = read(
            """
            a: 1
            b: { x: 1, "x": 2, 'y': 3, y: 4 }
            a: 2
            ä: 1
            a: 3
            ä: 2
            """)
        #expect(
            said == [
                "p:2:12: error: duplicate key 'x'; it stands in line 2 too",
                "p:2:28: error: duplicate key 'y'; it stands in line 2 too",
                "p:3:1: error: duplicate key 'a'; it stands in line 1 too",
                "p:5:1: error: duplicate key 'a'; it stands in line 1 too",
                "p:6:1: error: duplicate key 'ä'; it stands in line 4 too",
            ])
        #expect(entries(node) == ["a": "1", "b": "a mapping", "ä": "1"])
    }

    @Test func keysAreNames() {
        #expect(
            read("[ a ]: 1\nb: 2\n").1 == [
                "p:1:1: error: a key is a name, not a list or a mapping"
            ])
    }

    /// Every byte of a value leads to its own place, however it is written.
    @Test(arguments: [
        "v: one two\n", "v: 'it''s'\n", "v: \"a\\tb\\u00e9c\\x41d\"\n", "v: &x !!str one\n",
        "v: |\n  one\n\n  two three\n", "v: >\n  one\n  two\n\n  three\n",
        "v: one\n  two\n   three\n",
        "v: 'one\n\n  two'\n", "v: \"one \\\n   two\"\n", "\r\nv: one\r\n  two\r\n", "v: ÿ ä x\n",
    ])
    func bytesHaveTheirPlaces(_ text: String) throws {
        let node = try #require(read(text).0)
        guard case .mapping(let entries) = node.content, let scalar = entries[0].value.scalar else {
            Issue.record("not a scalar")
            return
        }
        let source = SourceText(text, file: "p")
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { Array($0) }
        var offset = 0
        for character in scalar.text.unicodeScalars {
            let place = source.place(ofByte: offset, in: scalar, at: entries[0].value.place)
            // Letters of ASCII stand as they are, unless they are escaped.
            if character.isASCII, character.properties.isAlphabetic, character != "A" {
                let line = lines[place.line - 1]
                let found = place.column <= line.count ? line[place.column - 1] : "\n"
                #expect(found == character, "byte \(offset) at \(place)")
            }
            offset += UTF8.width(character)
        }
    }
}
