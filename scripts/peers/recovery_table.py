"""Checkpoints of large state, and recovery from them: what `scripts/bench --recovery` runs.

A daemon follows a file and keeps every order in the state of a dedup. Then 1 % more orders come;
then nothing; then it is killed and started again, and the time until it gives a new row counts;
then its state is removed, and the second place has to do."""
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

PIPELINE = """
name: recovery
settings:
  state: { path: state, memory_limit: 256MiB, compression: none }
  checkpoint: { every: 1s, min_pause: 100ms, keep: 2, second_place: { path: second, every: 1s } }
sources:
  orders:
    type: file
    paths: [ orders.ndjson ]
    follow: true
    schema: { order_id: string, note: string, ts: timestamp_ms }
    event_time: ts
    watermark: { max_delay: 5s }
steps:
  unique: { type: dedup, key: [ order_id, note ], bucket: 1h, retain: 1000h }
sinks:
  out: { type: stdout }
"""


def add_arguments(parser):
    group = parser.add_argument_group("checkpoints and recovery")
    group.add_argument("--recovery", action="store_true",
                       help="measure checkpoints of large state and recovery from them alone")
    group.add_argument("--state-rows", type=int, default=16_000_000,
                       help="orders in the state, about 62 bytes each (16000000)")


class Daemon:
    """The pipeline, running in a folder."""

    def __init__(self, weir, folder):
        self.weir, self.folder = weir, folder
        self.process = None

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def start(self, output):
        with open(self.path("log.txt"), "ab") as log:
            self.process = subprocess.Popen(
                [self.weir, "run", "recovery.yaml", "--stats"], cwd=self.folder,
                stdin=subprocess.DEVNULL, stdout=output, stderr=log)

    def stop(self, how):
        self.process.send_signal(how)
        self.process.wait()

    def append(self, text):
        with open(self.path("orders.ndjson"), "ab") as file:
            file.write(text)

    def checkpoints(self, place="state"):
        lines = subprocess.run([self.weir, "checkpoint", "list", place, "--json"], cwd=self.folder,
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        return [json.loads(line) for line in lines.splitlines()]

    def epoch(self, place="state"):
        found = self.checkpoints(place)
        return found[-1]["epoch"] if found else 0

    def settle(self, seconds=4, place="state"):
        """Waits until no checkpoint has come for a while; gives the newest one."""
        last, since = self.epoch(place), time.monotonic()
        while time.monotonic() - since < seconds:
            time.sleep(0.2)
            if self.process.poll() is not None:
                sys.exit("scripts/bench: weir has ended; see " + self.path("log.txt"))
            now = self.epoch(place)
            if now != last:
                last, since = now, time.monotonic()
        return self.checkpoints(place)[-1]

    def sizes(self, place="state"):
        return {name: os.path.getsize(self.path(place, name)) for name in
                os.listdir(self.path(place)) if name.endswith((".run", ".manifest"))}

    def written(self):
        with open("/proc/%d/io" % self.process.pid, encoding="ascii") as file:
            return dict(line.split(": ") for line in file.read().splitlines())

    def state_bytes(self):
        """Bytes that flushes and merges of the last run wrote, as it said at its end."""
        with open(self.path("log.txt"), encoding="utf-8") as log:
            found = re.findall(r"^state: flushed (\d+) bytes, merged (\d+)$", log.read(), re.M)
        return tuple(int(number) for number in found[-1])

    def first_row(self, rows):
        """Starts it with new rows to read; gives the seconds until the first comes out."""
        self.append(rows)
        start = time.monotonic()
        self.start(subprocess.PIPE)
        self.process.stdout.read(1)
        seconds = time.monotonic() - start
        # The others are read by somebody else.
        subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)
        self.process.stdout.close()
        self.settle()
        return seconds


def drop_caches():
    """Makes reads go to the device, where that is allowed; says whether it was."""
    subprocess.run(["sync"], check=False)
    try:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as file:
            file.write("3")
        return True
    except OSError:
        return False


def read_all(folder):
    """Reads all files of a folder; gives bytes and seconds."""
    start, count = time.monotonic(), 0
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb", buffering=0) as file:
            while block := file.read(1 << 20):
                count += len(block)
    return count, time.monotonic() - start


def orders(weir, count, row):
    """`count` further orders, the first of which has the number `row`."""
    command = [weir, "generate", "orders", "--rows", str(row + count), "--seed", "7"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    tail = subprocess.run(["tail", "-n", str(count)], stdin=process.stdout, stdout=subprocess.PIPE)
    process.wait()
    return tail.stdout


def main(options, weir, folder):
    """Measures, prints, and gives the figures."""
    weir, count = os.path.abspath(weir), options.state_rows
    folder = os.path.abspath(os.path.join(folder, "recovery"))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(os.path.join(folder, "recovery.yaml"), "w", encoding="utf-8") as file:
        file.write(PIPELINE)
    more = count // 100
    tail = orders(weir, more + 40_000, count)
    lines = tail.splitlines(keepends=True)
    with open(os.path.join(folder, "orders.ndjson"), "wb") as file:
        subprocess.run([weir, "generate", "orders", "--rows", str(count), "--seed", "7"],
                       stdout=file, check=True)
    daemon, figures = Daemon(weir, folder), {"rows": count}
    daemon.start(subprocess.DEVNULL)
    full = daemon.settle(10)
    daemon.settle(4, "second")
    figures["state_bytes"] = full["bytes"]
    print("state: %.2f GB in %d files, %d orders" % (full["bytes"] / 1e9, full["files"], count))

    before, epoch = daemon.sizes(), daemon.epoch()
    daemon.stop(signal.SIGTERM)
    daemon.start(subprocess.DEVNULL)
    daemon.append(b"".join(lines[:more]))
    daemon.settle()
    daemon.stop(signal.SIGTERM)
    manifests = sum(size for name, size in daemon.sizes().items()
                    if name.endswith(".manifest") and name not in before)
    flushed, merged = daemon.state_bytes()
    daemon.start(subprocess.DEVNULL)
    daemon.settle()
    figures["increment_bytes"] = flushed + manifests
    figures["increment_merged_bytes"] = merged
    figures["increment_share"] = figures["increment_bytes"] / full["bytes"]
    print("1 %% more orders: %.1f MB written by %d checkpoints, %.2f %% of the whole; "
          "merges wrote %.1f MB beside" % (
              figures["increment_bytes"] / 1e6, daemon.epoch() - epoch,
              100 * figures["increment_share"], merged / 1e6))

    idle = daemon.written()
    time.sleep(10)
    after = daemon.written()
    figures["idle_bytes"] = int(after["wchar"]) - int(idle["wchar"])
    print("idle for 10 s: %d bytes written" % figures["idle_bytes"])

    times, place = [], more
    for _ in range(options.runs):
        daemon.stop(signal.SIGKILL)
        times.append(daemon.first_row(b"".join(lines[place:place + 1000])))
        place += 1000
    figures["recovery_s"] = times
    print("killed, to the first new row: median %.3f s, worst %.3f s" % (
        statistics.median(times), max(times)))

    restored = []
    for _ in range(min(options.runs, 3)):
        daemon.settle(4, "second")
        daemon.stop(signal.SIGKILL)
        is_cold = drop_caches()
        count, seconds = read_all(daemon.path("second"))
        drop_caches()
        shutil.rmtree(daemon.path("state"))
        took = daemon.first_row(b"".join(lines[place:place + 1000]))
        place += 1000
        restored.append({"bytes": count, "read_s": seconds, "restore_s": took, "cold": is_cold})
        print("from the second place: %.2f s to the first new row, %.2f s to read its %.2f GB "
              "(%s): %.0f %% of the read speed" % (
                  took, seconds, count / 1e9, "from the device" if is_cold else "in memory",
                  100 * seconds / took))
    figures["second_place"] = restored
    daemon.stop(signal.SIGTERM)
    with open(daemon.path("log.txt"), encoding="utf-8") as log:
        told = [line.strip() for line in log if line.startswith("checkpoints")]
    print("\n".join(told[-1:]))
    shutil.rmtree(folder)
    return figures
