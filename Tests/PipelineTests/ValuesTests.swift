import Connectors
import Dataflow
import TestSupport
import Testing

@testable import Pipeline

struct ValuesTests {
    @Test(
        arguments: [
            ("500ms", 500_000), ("10s", 10_000_000), ("1m", 60_000_000), ("2h", 7_200_000_000),
            ("1d", 86_400_000_000), ("1h30m", 5_400_000_000), ("1d2h3m4s5ms6us", 93_784_005_006),
            ("0s", 0), ("10 s", 10_000_000),
        ] as [(String, Int64)])
    func durationsHaveUnits(_ text: String, _ microseconds: Int64) {
        #expect(Quantity.duration(text) == microseconds)
    }

    @Test(arguments: [
        "", "10", "s", "10x", "1.5s", "-1s", "1m1h", "1s1s", "10s ", "9999999999999d", "1h30",
        "10S",
    ])
    func otherDurationsAreRefused(_ text: String) {
        #expect(Quantity.duration(text) == nil)
    }

    @Test func durationsAreShownAsTheyAreWritten() {
        for text in ["500ms", "1h30m", "1d2h3m4s5ms6us", "0s"] {
            #expect(Quantity.duration(text).map(Quantity.text(microseconds:)) == text)
        }
    }

    @Test func sizesHaveUnits() {
        #expect(Quantity.size("64KiB") == 65536)
        #expect(Quantity.size("10MB") == 10_000_000)
        #expect(Quantity.size("1GiB") == 1 << 30)
        #expect(Quantity.size("7B") == 7)
        for text in ["64", "KiB", "1.5MiB", "64kib", "9999999TiB", "1KiB2B"] {
            #expect(Quantity.size(text) == nil)
        }
        #expect(Quantity.text(bytes: 100 << 20) == "100MiB")
        #expect(Quantity.text(bytes: 1000) == "1000B")
    }

    @Test func ratesHaveATime() {
        #expect(Quantity.rate("200000/s")?.perSecond == 200_000)
        #expect(Quantity.rate("30/m")?.perSecond == 0.5)
        #expect(Quantity.rate("10/m")?.description == "10/m")
        for text in ["10", "10/", "/s", "0/s", "10/x", "-1/s", "1/s/s"] {
            #expect(Quantity.rate(text) == nil)
        }
    }

    @Test func timesAreUTC() {
        #expect(Quantity.time("1970-01-01T00:00:00Z") == 0)
        #expect(Quantity.time("2026-01-01T00:10:00Z") == 1_767_226_200_000_000)
        #expect(Quantity.time("2024-02-29T23:59:59Z") == 1_709_251_199_000_000)
        for text in [
            "2023-02-29T00:00:00Z", "2026-01-01", "2026-13-01T00:00:00Z", "1969-01-01T00:00:00Z",
        ] {
            #expect(Quantity.time(text) == nil)
        }
    }

    @Test func endpointsHaveAPort() {
        #expect(Endpoint("127.0.0.1:9000") == Endpoint(host: "127.0.0.1", port: 9000))
        #expect(Endpoint("[::1]:80")?.host == "::1")
        #expect(Endpoint("[::1]:80")?.description == "[::1]:80")
        for text in ["9000", ":9000", "a:", "a:x", "a:70000", "::1:80", "a b:1"] {
            #expect(Endpoint(text) == nil)
        }
    }

    @Test(
        arguments: [
            ("retian", "retain"), ("Retain", "retain"), ("agregate", "aggregate"), ("kye", "key"),
            ("x", nil), ("windows", "window"), ("completely", nil),
        ] as [(String, String?)])
    func theNearestNameIsFound(_ name: String, _ expected: String?) {
        let names = ["retain", "aggregate", "key", "window"]
        #expect(NearestName.nearest(to: name, among: names) == expected)
    }

    @Test func secretsAreHiddenEverywhere() {
        var secrets = Redactor()
        secrets.add("pass")
        secrets.add("password")
        secrets.add("7")
        secrets.add("9000")
        #expect(secrets.redact("a password, pass, 7 of 17 ") == "a ***, ***, *** of 17 ")
        #expect(secrets.redact("port 9000, 19000 rows") == "port ***, 19000 rows")
    }

    // MARK: Samples

    private func fields(_ text: String, _ format: InputFormatSpec = .json) -> [String] {
        SampleInference.fields(of: Array(text.utf8), format: format, at: Place(file: "p")).map {
            "\($0.name.value) \($0.type.name)"
        }
    }

    @Test func typesOfJSONAreGuessed() {
        #expect(
            fields(
                """
                {"i":1,"f":1,"s":"x","b":true,"n":null,"m":1,"l":[1],"o":{"a":1,"p":{"q":"x"}},"w":{"a":1}}
                {"i":-5,"f":2.5e3,"s":null,"b":false,"n":null,"m":"x","l":null,"o":{"a":2},"w":"text"}
                {"i":99999999999999999999
                """) == [
                    "i int", "f float", "s string", "b bool", "n string", "m string", "l json",
                    "o.a int", "o.p.q string", "w json",
                ])
        #expect(fields("{\"a\":1") == ["a int"])
        #expect(fields("not json\n{\"a\":\"}{\\\"\"}\n") == ["a string"])
        #expect(fields("") == [])
    }

    @Test func typesOfCSVAreGuessed() {
        let text = "\u{FEFF}i,f,s,\"q, r\",e\r\n1,1.5,x,\"a\"\"b\",\r\n2,2,3,true,\r\n"
        #expect(
            fields(text, .csv(CSVDialect())) == [
                "i int", "f float", "s string", "q, r string", "e string",
            ])
        let headless = CSVDialect(delimiter: 0x3B, hasHeader: false, columns: ["a", "b"])
        #expect(fields("1;true\n", .csv(headless)) == ["a int", "b bool"])
        #expect(fields("h,f\n0x1F,1e3\n", .csv(CSVDialect())) == ["h string", "f float"])
        let nulls = CSVDialect(nulls: ["NA", "-"])
        #expect(
            fields("i,f,n\nNA,-,NA\n1,1.5,-\n", .csv(nulls)) == ["i int", "f float", "n string"])
    }

    @Test func samplesOfRandomBytesDoNotCrash() {
        for seed in 0..<300 as Range<UInt64> {
            var random = SplitMix64(seed: seed)
            let alphabet = Array("{}[]\":,\\ntf1.e- \n;".utf8)
            let bytes = (0..<200).map { _ in alphabet.randomElement(using: &random) ?? 0 }
            for format in [InputFormatSpec.json, .csv(CSVDialect())] {
                _ = SampleInference.fields(of: bytes, format: format, at: Place(file: "p"))
            }
        }
        let deep = String(repeating: "{\"a\":", count: 100_000)
        #expect(fields(deep).count <= 1)
    }
}
