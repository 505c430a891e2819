# Holds Swift files against the rules that a formatter does not know. Relies on the formatter's
# layout: a declaration ends with a closing brace in the column it starts in.

function report(message) { print FILENAME ":" FNR ": " message }

BEGIN {
    # What a target may import of ours: along the arrows of docs/architecture.md.
    ours["Storage"] = "CLZ4 CZstd"
    ours["Dataflow"] = "Storage"
    ours["Connectors"] = "Dataflow Storage"
    ours["Operators"] = "Dataflow Storage"
    ours["Pipeline"] = "Connectors Operators Dataflow Storage"
    ours["Execution"] = "Dataflow Storage"
    ours["Admin"] = "Execution Dataflow Storage"
    ours["weir"] = "Admin Pipeline Execution Connectors Operators Dataflow Storage"
    ours["weir-bench"] = ours["weir"]

    # What it may import of others'. Synchronization is everyone's.
    theirs["Storage"] = "Glibc"
    theirs["Connectors"] = "NIOCore NIOPosix NIOHTTP1 NIOSSL AsyncHTTPClient GRDB GRDBSQLite"
    theirs["Pipeline"] = "Yams"
    theirs["Execution"] = "Dispatch"
    theirs["weir"] = "ArgumentParser Logging Glibc Dispatch"
    theirs["weir-bench"] = "ArgumentParser Histogram Glibc Dispatch Foundation"

    # Single files that need more, and why.
    extra["Sources/Execution/Worker/EngineThread.swift"] = "Glibc"  # pthreads
    # sin, pow, exp and log are not in the standard library
    extra["Sources/Operators/Expressions/Functions/FunctionKernel+Numbers.swift"] = "Glibc"

    # Where unsafe code may stand: bytes of files and formats, columns, keyed tables.
    split("Sources/Storage/Encoding/ Sources/Storage/Compression/ Sources/Storage/FileSystem/ " \
        "Sources/Storage/Tree/ Sources/Storage/Table/ Sources/Storage/Bucketed/ Sources/Storage/Keyed/ " \
        "Sources/Storage/Log/ " \
        "Sources/Dataflow/Batch/ Sources/Connectors/Formats/ " \
        "Sources/Connectors/Generators/ Sources/weir/ Sources/weir-bench/ Tests/", unsafeFolders, " ")
    # Accumulators of a window's groups: raw memory of a fixed layout, addressed per row.
    unsafeFiles["Sources/Operators/Window/GroupStates.swift"] = 1
    # The functions of SQLite take addresses.
    unsafeFiles["Sources/Connectors/SQLite/RowInserter.swift"] = 1
    # A C callback carries its argument as an address.
    unsafeFiles["Sources/Execution/Worker/EngineThread.swift"] = 1
    # A load from a checked range of bytes; text of a span's bytes.
    unsafeFiles["Sources/Dataflow/State/HotTable+Selection.swift"] = 1
    unsafeFiles["Sources/Dataflow/Plan/RejectedRows.swift"] = 1
}

FNR == 1 {
    split(FILENAME, parts, "/")
    isSource = parts[1] == "Sources"
    target = parts[2]
    allowed = " Synchronization " ours[target] " " theirs[target] " " extra[FILENAME] " "
    mayBeUnsafe = FILENAME in unsafeFiles
    for (i in unsafeFolders)
        if (index(FILENAME, unsafeFolders[i]) == 1) mayBeUnsafe = 1
    functionStart = 0
    textMark = ""
}

FNR == 401 { report("more than 400 lines in a file") }

# Literals of several lines are text, not code: they end where their own mark stands first in a line.
textMark != "" {
    line = $0
    sub(/^ */, "", line)
    if (index(line, textMark) == 1) textMark = ""
    next
}

/#*"""$/ {
    match($0, /#*"""$/)
    hashes = substr($0, RSTART, RLENGTH - 3)
    textMark = "\"\"\"" hashes
}

{
    if (length($0) > 100) {
        plain = $0
        gsub(/[\200-\277]/, "", plain)
        if (length(plain) > 100) report("more than 100 columns")
    }
    code = $0
    sub(/\/\/.*/, "", code)
    comment = substr($0, length(code) + 1)
    if (comment ~ /(^|[^A-Za-z])(TODO|FIXME|XXX|HACK)([^A-Za-z]|$)/) report("unfinished: " comment)
}

isSource && code ~ /^(@[a-zA-Z]+ |package |public |internal |private )*import / {
    module = code
    sub(/.*import +((struct|class|enum|func|protocol|typealias|var|let) +)?/, "", module)
    sub(/[. ].*/, "", module)
    if (index(allowed, " " module " ") == 0)
        report(target " may not import " module)
}

isSource && !mayBeUnsafe && code ~ /(^|[^A-Za-z_])(unsafe[^A-Za-z_]|Unsafe[A-Z])/ {
    report("unsafe code outside its folders")
}

isSource && code ~ /(^|[^A-Za-z_])(fatalError\(|try!|as!)/ {
    report("ends the process where an error should be thrown")
}

isSource && code ~ /(^|[^A-Za-z_])(public|open) (var|let|func|struct|class|enum|protocol|init)/ {
    report("public: nothing of ours is a library")
}

# Functions: from their first line to the brace that closes them.
functionStart == 0 && code ~ /^ *((@[a-zA-Z_]+(\([^)]*\))? |package |private |fileprivate |static |final |override |mutating |consuming |borrowing |nonisolated |convenience |required )*)(func |init[?(<]|deinit|subscript)/ {
    match($0, /^ */)
    if (code ~ /\{.*\}[ ]*$/) next
    functionStart = FNR
    functionIndent = RLENGTH
    isOpen = code ~ /\{ *$/
    next
}

functionStart > 0 {
    match($0, /^ */)
    if (RLENGTH == functionIndent && $0 ~ /^ *\}/ && isOpen) {
        lines = FNR - functionStart + 1
        if (lines > 70) print FILENAME ":" functionStart ": a function of " lines " lines, at most 70"
        functionStart = 0
    } else if (!isOpen && code ~ /\{ *$/) {
        isOpen = 1
    } else if (!isOpen && (RLENGTH < functionIndent || (RLENGTH == functionIndent && $0 !~ /^ *(\)|where|throws)/) || $0 ~ /^$/)) {
        # A requirement of a protocol has no body.
        functionStart = 0
    }
}
