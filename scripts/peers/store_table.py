"""The state store alone, against RocksDB: what `scripts/bench --store` runs.

Both do the same operations from the same seed, in turn, each in a process and directory of its
own. The sequences, the keys found and the sums of what was read must be the same in both."""
import json
import os
import shutil
import statistics
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rocksdb_store.cc")
# Operations at scale 1, with 256 MiB of memory; and the forms that RocksDB does them in.
WORKLOADS = {"dedup": (50_000_000, ("leveled", "fifo", "families")),
             "merge": (50_000_000, ("leveled",)),
             "put": (20_000_000, ("leveled",))}
MEMORY_MIB = 256
# How many times as fast as RocksDB's fastest form weir is meant to be.
AIMS = {"dedup": 5.0, "merge": 4.0, "put": 2.0, "read-hit": 1.2, "read-miss": 1.5, "scan": 1.0}
SAME = ("operations", "hits", "checksum", "digest")


def add_arguments(parser):
    group = parser.add_argument_group("the state store")
    group.add_argument("--store", action="store_true",
                       help="measure the state store against RocksDB alone (needs librocksdb-dev)")
    group.add_argument("--no-store", action="store_true", help="leave the state store out")
    group.add_argument("--scale", type=float, default=0.1,
                       help="1: 50 M operations (put: 20 M) in 256 MiB; both shrink alike (0.1)")
    group.add_argument("--store-workloads", default=",".join(WORKLOADS))
    group.add_argument("--seed", type=int, default=1)


def build_driver(folder):
    """The driver's path, compiled when its source is newer; None where it cannot be built."""
    path = os.path.join(folder, "rocksdb_store")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(SOURCE):
        command = ["g++", "-O3", "-std=c++17", "-ffp-contract=off", SOURCE, "-o", path, "-lrocksdb"]
        if not shutil.which("g++") or subprocess.run(
                command, stderr=subprocess.DEVNULL).returncode != 0:
            return None
    return path


def run(command, folder):
    """The results of a process by workload; its directory is removed."""
    directory = os.path.join(folder, "store")
    os.sync()
    process = subprocess.run(command + ["--directory", directory], stdout=subprocess.PIPE, text=True)
    if process.returncode != 0:
        sys.exit("scripts/bench: %s ended with %d" % (" ".join(command), process.returncode))
    shutil.rmtree(directory, ignore_errors=True)
    return {one["workload"]: one for one in map(json.loads, process.stdout.splitlines())}


def measure(options, driver, tool, folder):
    """All runs: (workload, store and form) → list of results."""
    memory = max(1, round(MEMORY_MIB * options.scale))
    runs = {}
    for number in range(options.runs):
        for workload in options.store_workloads.split(","):
            operations, forms = WORKLOADS[workload]
            common = ["--workload", workload, "--operations", str(round(operations * options.scale)),
                      "--seed", str(options.seed + number), "--memory-mib", str(memory)]
            ours = run([tool, "store"] + common, folder)
            for form in forms:
                theirs = run([driver, "--form", form] + common, folder)
                for part, one in theirs.items():
                    if any(one[key] != ours[part][key] for key in SAME):
                        sys.exit("scripts/bench: %s differs:\n%s\n%s" % (part, one, ours[part]))
                    runs.setdefault((part, "RocksDB " + form), []).append(one)
            for part, one in ours.items():
                runs.setdefault((part, "weir"), []).append(one)
            print("round %d %s" % (number + 1, workload), file=sys.stderr, flush=True)
    return runs


def figures(runs):
    """Medians by workload and store, with weir's share of what the other needed."""
    lines = []
    keys = ("operationsPerSecond", "cpuSeconds", "bytesWritten", "diskBytes", "batchP99Micros",
            "batchMedianMicros")
    medians = {name: {key: statistics.median(one[key] for one in results) for key in keys}
               for name, results in runs.items()}
    for (part, store), line in sorted(medians.items(), key=lambda item: (order(item[0][0]), item[0][1])):
        ours = medians[part, "weir"]
        line = dict(line, workload=part, store=store, runs=runs[part, store],
                    peakMemoryMB=max(one["peakMemoryKB"] for one in runs[part, store]) / 1024)
        for key in keys[:4]:
            line[key + "Ratio"] = ours[key] / line[key] if line[key] else None
        lines.append(line)
    for line in lines:
        peers = [one["operationsPerSecond"] for one in lines
                 if one["workload"] == line["workload"] and one["store"] != "weir"]
        line["isFastestPeer"] = line["store"] != "weir" and line["operationsPerSecond"] == max(peers)
    return lines


def order(part):
    return ["dedup", "merge", "merge-scan", "put", "read-hit", "read-miss", "scan"].index(part)


def cells(line):
    """A line of the table. Ratios are weir's figure divided by that of the line."""
    def ratio(key):
        value = line[key + "Ratio"]
        return "" if value is None or line["store"] == "weir" else "%.2f" % value
    aim = AIMS.get(line["workload"]) if line["isFastestPeer"] else None
    return [line["workload"], line["store"], "%.0f" % (line["operationsPerSecond"] / 1e3),
            ratio("operationsPerSecond"), "%.1f" % aim if aim else "",
            ratio("cpuSeconds"), "%.1f" % (line["bytesWritten"] / 1e6), ratio("bytesWritten"),
            "%.1f" % (line["diskBytes"] / 1e6), ratio("diskBytes"), "%.0f" % line["peakMemoryMB"],
            "%.2f / %.2f" % (line["batchMedianMicros"] / 1e3, line["batchP99Micros"] / 1e3)]


HEADINGS = ["", "", "k op/s", "ratio", "aim", "CPU ratio", "MB written", "ratio", "MB on disk",
            "ratio", "peak MB", "batch ms, median / p99"]


def print_table(lines, markdown):
    rows = [cells(line) for line in lines]
    if markdown:
        print("\n| " + " | ".join(HEADINGS) + " |")
        print("| --- | --- |" + " ---: |" * (len(HEADINGS) - 2))
        for row in rows:
            print("| " + " | ".join(row) + " |")
        return
    widths = [max(len(row[i]) for row in rows + [HEADINGS]) for i in range(len(HEADINGS))]
    print()
    for row in [HEADINGS] + rows:
        print("  ".join(cell.ljust(width) if i < 2 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))))


def main(options, tool, folder):
    """Measures, and prints one table; gives its figures, None where there is no peer."""
    unknown = set(options.store_workloads.split(",")) - set(WORKLOADS)
    if unknown or options.scale <= 0 or options.runs < 1:
        sys.exit("scripts/bench: --store-workloads takes %s; --scale and --runs more than 0" %
                 ", ".join(WORKLOADS))
    driver = build_driver(folder)
    if not driver:
        return None
    lines = figures(measure(options, driver, tool, folder))
    print("scale %g, %d rounds; ratios: weir's figure divided by the other's" % (
        options.scale, options.runs))
    print_table(lines, options.markdown)
    return lines
