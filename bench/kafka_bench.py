#!/usr/bin/env python3
"""Figures of topics on Kafka: sluice against librdkafka alone, memory, and the time from a record to its result.

  bench/kafka_bench.py [throughput|tables|memory|latency ...] [--records 1000000] [--runs 5] [--bin build/sluice]

The broker is that of the tests (tests/kafka/README.md), new for each call; it has the same processors, so that elapsed time needs a machine with
nothing else running.  CPU time is the process's own, user and system, from its start to its end.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "kafka"))
from broker import Broker  # noqa: E402

STREAM = "VALUE_FORMAT='JSON', PARTITIONS=4"
COLUMNS = "k STRING KEY, id BIGINT, user STRING, country STRING, amount DOUBLE, quantity BIGINT, ok BOOLEAN, page STRING, note STRING"
PASS = 0.9      # of the filter
FILTER = "SELECT k, id, country, amount, quantity FROM a WHERE quantity > 0"


def cpu_of(command, folder):
    """CPU seconds, elapsed seconds and largest resident size (MB) of a command that must succeed."""
    began = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder, text=True)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} failed: {errors}")
    return usage.ru_utime + usage.ru_stime, time.time() - began, usage.ru_maxrss / 1024


class Bench:
    """A broker with a topic of records, and runs of one query each."""

    def __init__(self, options):
        self.program = os.path.abspath(options.bin)
        self.records = options.records
        self.build = os.path.join(ROOT, "build")
        self.load = os.path.join(self.build, "kafka_load")
        self.made = 0
        self.last_topic = self.last_kind = None

    def __enter__(self):
        subprocess.run(["cc", "-O2", os.path.join(ROOT, "bench", "kafka_load.c"), "-lrdkafka", "-lpthread", "-o", self.load], check=True)
        self.broker = Broker.find(self.build, "bench")
        self.folder = tempfile.TemporaryDirectory()
        return self

    def __exit__(self, *_):
        self.broker.close()
        self.folder.cleanup()

    def command(self, *arguments):
        return [self.program, "--bootstrap-servers", self.broker.bootstrap, "--data", os.path.join(self.folder.name, "data"),
                "--set", "ksql.service.id=bench_", *arguments]

    def sql(self, text, *arguments):
        done = subprocess.run(self.command(*arguments, "--no-header", "-c", text), capture_output=True, text=True, cwd=self.folder.name)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        return done.stdout

    def tool(self, *arguments):
        return subprocess.run([self.load, self.broker.bootstrap, *map(str, arguments)], check=True, capture_output=True, text=True).stdout.strip()

    def fill(self, keys=1000):
        self.sql(f"CREATE STREAM a ({COLUMNS}) WITH (KAFKA_TOPIC='bench-a', {STREAM});")
        self.tool("fill", "bench-a", self.records, keys)

    def watched(self, topic, call):
        """What `call` gives, and the rate at which committed records came into the topic meanwhile (the first that were seen don't count)."""
        watcher = subprocess.Popen([self.load, self.broker.bootstrap, "watch", topic, "4"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        given = call()
        time.sleep(0.2)
        words = watcher.communicate()[0].split()
        return given, int(words[0]) / max(float(words[4]), 1e-6)

    def query(self, kind, sql, guarantee, *arguments):
        """Runs one persistent query over what is there.  (CPU seconds, elapsed, MB)."""
        self.made += 1
        self.last_topic, self.last_kind = f"bench-made-{self.made}", kind
        text = f"CREATE {kind} made{self.made} WITH (KAFKA_TOPIC='{self.last_topic}') AS {sql}; SELECT * FROM made{self.made} LIMIT 1;"
        return cpu_of(self.command("--set", f"processing.guarantee={guarantee}", *arguments, "-c", text), self.folder.name)

    def drop_last(self):
        self.sql(f"DROP {self.last_kind} made{self.made} DELETE TOPIC;")

    def read(self, topic):
        """Keys and values as kcat, an independent reader, sees them; with their lengths, as keys with windows have any bytes."""
        out = subprocess.run(["kcat", "-b", self.broker.bootstrap, "-C", "-e", "-q", "-t", topic, "-o", "beginning", "-X", "isolation.level=read_committed",
                              "-f", "%K %S \n%k%s\n"], check=True, capture_output=True).stdout
        rows, at = [], 0
        while at < len(out):
            end = out.index(b"\n", at)
            key, value = (max(int(n), 0) for n in out[at:end].split())
            rows.append((out[end + 1:end + 1 + key], out[end + 1 + key:end + 1 + key + value]))
            at = end + 2 + key + value
        return rows

    def same_rows(self, one, other, kind):
        """The same records in any order; of tables the same last ones."""
        sums = []
        for topic in (one, other):
            rows = self.read(topic)
            if kind == "TABLE":
                rows = list(dict((k, v) for k, v in rows).items())
            sums.append((len(rows), sum(zlib.crc32(k + json.dumps(json.loads(v), sort_keys=True).encode()) for k, v in rows)))
        if sums[0] != sums[1]:
            raise SystemExit(f"{one} and {other} differ: {sums}")


# ---- topic to topic ----

def copy(bench, *more):
    """(CPU us a record, records a second) of librdkafka alone."""
    bench.sql(f"CREATE STREAM copied (k STRING KEY) WITH (KAFKA_TOPIC='bench-copy', {STREAM});")
    (used, _, _), rate = bench.watched("bench-copy", lambda: cpu_of([bench.load, bench.broker.bootstrap, "copy", "bench-a", "bench-copy", str(bench.records), *more],
                                                                      bench.folder.name))
    bench.sql("DROP STREAM copied DELETE TOPIC;")
    return used / bench.records * 1e6, rate


def filtered(bench, guarantee):
    (used, _, _), rate = bench.watched(f"bench-made-{bench.made + 1}", lambda: bench.query("STREAM", FILTER, guarantee))
    bench.drop_last()
    return used / bench.records * 1e6, rate / PASS


def throughput(bench):
    """In turn, so that what else happens on the machine meets all alike; a run's rate is set beside that of the copy before it."""
    bench.fill()
    pairs = {"at_least_once": [], "exactly_once_v2": [], "copy in transactions": []}
    copies = []
    for _ in range(bench.runs):
        for what, measured in pairs.items():
            copies.append(copy(bench))
            ours = copy(bench, "once") if what.startswith("copy") else filtered(bench, what)
            measured.append((ours, copies[-1]))
    median = statistics.median
    print(f"{bench.records} records of 200 bytes, 4 partitions; filter (9 of 10 pass) and projection of 5 of 9 columns; medians of {bench.runs} runs in turn")
    print(f"{'':34}{'records/s':>12}{'CPU us/record':>15}{'of the copy: rate':>20}{'CPU':>7}")
    print(f"{'librdkafka alone, copy':34}{median(c[1] for c in copies):12.0f}{median(c[0] for c in copies):15.2f}")
    for what, measured in pairs.items():
        print(f"{what:34}{median(m[0][1] for m in measured):12.0f}{median(m[0][0] for m in measured):15.2f}"
              f"{median(m[0][1] / m[1][1] for m in measured) * 100:19.0f}%{median(m[0][0] / m[1][0] for m in measured) * 100:6.0f}%", flush=True)


# ---- tables and bounded queries ----

def tables(bench):
    bench.fill()
    queries = [("CTAS, COUNT and SUM by key (1,000)", "SELECT k, COUNT(*) AS n, SUM(amount) AS s FROM a GROUP BY k"),
               ("CTAS, COUNT in windows of 10 s by key", "SELECT k, COUNT(*) AS n FROM a WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k"),
               ("CTAS, COUNT by another column (repartition)", "SELECT page, COUNT(*) AS n FROM a GROUP BY page")]
    print(f"{bench.records} records of 200 bytes, 4 partitions, exactly once; medians of {bench.runs} runs")
    runs = [cpu_of(bench.command("-c", "SELECT COUNT(*), SUM(amount) FROM a;"), bench.folder.name) for _ in range(bench.runs)]
    print_cpu(bench, "bounded COUNT(*), SUM(amount)", runs)
    for name, sql in queries:
        runs = []
        for _ in range(bench.runs):
            runs.append(bench.query("TABLE", sql, "exactly_once_v2"))
            bench.drop_last()
        print_cpu(bench, name, runs)


def print_cpu(bench, name, runs):
    used, took, size = (statistics.median(r[i] for r in runs) for i in range(3))
    print(f"{name:46}{took:7.2f} s {used:7.2f} s CPU {used / bench.records * 1e6:6.2f} us/record {size:6.0f} MB", flush=True)


# ---- memory ----

def memory(bench):
    """Every record has a key of its own (1,000,000 of them by default): the state of a count, its changelog and its local copy."""
    bench.fill(keys=bench.records)
    print(f"COUNT by key, {bench.records} distinct keys, 4 partitions, exactly once: largest resident size of the process")
    runs = []
    for _ in range(min(bench.runs, 3)):
        runs.append(bench.query("TABLE", "SELECT k, COUNT(*) AS n FROM a GROUP BY k", "exactly_once_v2"))
        n = len(dict(bench.read(bench.last_topic)))
        if n != bench.records:
            raise SystemExit(f"{n} groups instead of {bench.records}")
        bench.drop_last()
    print_cpu(bench, "CTAS, COUNT by key", runs)


# ---- latency ----

def with_node(bench, guarantee, n_partitions, call):
    """Another process runs the query as long as `call` takes."""
    bench.sql(f"CREATE STREAM l (k STRING KEY, v BIGINT, i BIGINT) WITH (KAFKA_TOPIC='bench-l', VALUE_FORMAT='JSON', PARTITIONS={n_partitions});"
              "CREATE STREAM lo WITH (KAFKA_TOPIC='bench-lo') AS SELECT k, v, i FROM l WHERE v > 0; INSERT INTO l (k, v, i) VALUES ('first', 1, 1);",
              "--set", f"processing.guarantee={guarantee}")
    node = subprocess.Popen(bench.command("--set", f"processing.guarantee={guarantee}", "--set", "queries.run=always",
                                          "-c", "PRINT '_confluent-ksql-bench__command_topic'"),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=bench.folder.name)
    try:
        time.sleep(3)       # it joins
        return call()
    finally:
        node.kill()
        node.wait()
        bench.sql("DROP STREAM lo DELETE TOPIC; DROP STREAM l DELETE TOPIC;")


def latency(bench):
    print("from a record's producing to its result at a consumer; the producer waits 2 ms for others, the consumer's broker 5 ms")
    for _ in range(bench.runs):
        print("a filter at 10,000 records/s, 10 s, at least once: " + with_node(bench, "at_least_once", 4, lambda: bench.tool("paced", "bench-l", "bench-lo", 100000, 10000)), flush=True)
    for _ in range(min(bench.runs, 3)):
        print("the same, exactly once: " + with_node(bench, "exactly_once_v2", 4, lambda: bench.tool("paced", "bench-l", "bench-lo", 100000, 10000)), flush=True)
    print("one record at a time, exactly once: " + with_node(bench, "exactly_once_v2", 1, lambda: bench.tool("latency", "bench-l", "bench-lo", 200)), flush=True)


FIGURES = {"throughput": throughput, "tables": tables, "memory": memory, "latency": latency}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help="some of: " + ", ".join(FIGURES))
    parser.add_argument("--records", type=int, default=1000000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "sluice"))
    options = parser.parse_args()
    for name in options.figures or FIGURES:
        with Bench(options) as bench:
            bench.runs = options.runs
            FIGURES[name](bench)


if __name__ == "__main__":
    main()
