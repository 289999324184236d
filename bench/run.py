#!/usr/bin/env python3
"""Times sluice on data that it makes itself, and prints medians.  `make bench` calls it; bench/README.md says more.

  bench/run.py --bin build/sluice [--rows 5000000] [--runs 3] [--threads 2] [--dir /tmp/sluice-bench] [NAME ...]
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import time

STATIONS = 413


def make_stations(path, rows):
    """station;temperature lines, as in the one billion row challenge."""
    chance = random.Random(1)
    # Blocks of lines, written over and over in different order: a generator in Python must not take longer than what it measures.
    names = [f"Station {chance.randrange(10 ** 6)}" for _ in range(STATIONS)]
    blocks = ["".join(f"{chance.choice(names)};{chance.gauss(10, 12):.1f}\n" for _ in range(5000)) for _ in range(40)]
    with open(path, "w") as f:
        for _ in range(max(1, rows // 5000)):
            f.write(chance.choice(blocks))


def make_bids(options, path):
    subprocess.run([options.bin, "datagen", "bids", "-n", str(options.rows), "-o", path], check=True)


BID = "auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, dateTime BIGINT, extra STRING"

# name, unit, SQL; {dir} is the folder of the data.
BOUNDED = [
    ("select_1", None, "SELECT 1;"),
    ("csv_group", "stations.txt", "SELECT station, MIN(temp), AVG(temp), MAX(temp) FROM '{dir}/stations.txt' "
     "WITH (format='CSV', header=false, delimiter=';', schema='station STRING, temp DOUBLE') GROUP BY station ORDER BY station;"),
    ("json_count", "bids.jsonl", "SELECT COUNT(*) FROM '{dir}/bids.jsonl';"),
    ("json_group", "bids.jsonl", "SELECT auction, COUNT(*) AS n, MAX(price) AS top FROM '{dir}/bids.jsonl' GROUP BY auction ORDER BY n DESC LIMIT 10;"),
    ("json_filter", "bids.jsonl", "SELECT COUNT(*), AVG(price) FROM '{dir}/bids.jsonl' WHERE channel = 'Google' AND price > 1000;"),
    ("json_tumbling", "bids.jsonl", "SELECT WINDOWSTART, auction, COUNT(*) AS n FROM '{dir}/bids.jsonl' WITH (timestamp='dateTime') "
     "WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY auction ORDER BY n DESC LIMIT 20;"),
]

CONTINUOUS = [
    ("ctas_tumbling", "bids.jsonl", f"CREATE STREAM bids ({BID}) WITH (PATH='{{dir}}/bids.jsonl', FORMAT='JSON', TIMESTAMP='dateTime');\n"
     "CREATE TABLE t AS SELECT auction, COUNT(*) AS n FROM bids WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY auction;"),
    ("ctas_every_change", "bids.jsonl", f"SET 'cache.max.bytes.buffering' = '0';\n"
     f"CREATE STREAM bids ({BID}) WITH (PATH='{{dir}}/bids.jsonl', FORMAT='JSON', TIMESTAMP='dateTime');\n"
     "CREATE TABLE t AS SELECT auction, COUNT(*) AS n FROM bids WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY auction;"),
    ("csas_to_topic", "bids.jsonl", f"CREATE STREAM bids ({BID}) WITH (PATH='{{dir}}/bids.jsonl', FORMAT='JSON', TIMESTAMP='dateTime');\n"
     "CREATE STREAM s WITH (VALUE_FORMAT='JSON') AS SELECT * FROM bids WHERE price > 0;"),
]

# What is measured works on a topic that was filled before, by the first text; the last row of it is waited for.
RECORD = "id BIGINT, user STRING, action STRING, amount DOUBLE, ts BIGINT, country STRING, note STRING"
TOPIC = [
    ("topic_to_topic", "records.jsonl", f"CREATE STREAM f ({RECORD}) WITH (PATH='{{dir}}/records.jsonl', FORMAT='JSON');\n"
     "CREATE STREAM records WITH (VALUE_FORMAT='JSON', PARTITIONS=1) AS SELECT * FROM f;",
     "CREATE STREAM kept WITH (VALUE_FORMAT='JSON') AS SELECT * FROM records WHERE id >= 0;\n"
     "SELECT id FROM kept LIMIT 1;"),
]


def make_records(path, rows):
    """JSON lines of 200 bytes."""
    chance = random.Random(3)
    with open(path, "w") as f:
        for i in range(rows):
            line = (f'{{"id":{i},"user":"user_{chance.randrange(100000):05d}","action":"{chance.choice(("view", "click", "buy"))}",'
                    f'"amount":{chance.randrange(100000) / 100},"ts":{1700000000000 + i},"country":"{chance.choice(("de", "fr", "us"))}","note":"')
            f.write(line + "x" * (198 - len(line)) + '"}\n')


def measure(options, sql, is_continuous, filled_by=None):
    data = os.path.join(options.dir, "data")
    shutil.rmtree(data, ignore_errors=True)
    command = [options.bin, "--output", "csv", "--data", data]
    if filled_by:
        subprocess.run(command + ["-c", filled_by.format(dir=options.dir)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    if not is_continuous:
        command += ["--threads", str(options.threads)]
    began = time.perf_counter()
    process = subprocess.Popen(command + ["-c", sql.format(dir=options.dir)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    cpu = usage.ru_utime + usage.ru_stime
    process.returncode = os.waitstatus_to_exitcode(status)
    errors = process.stderr.read().decode(errors="replace")
    process.stderr.close()
    shutil.rmtree(data, ignore_errors=True)
    if process.returncode:
        return None, None, errors.strip().split("\n")[0], None
    return seconds, usage.ru_maxrss / 1024, None, cpu


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/sluice")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dir", default=os.path.abspath(".bench"))
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    options.bin, options.dir = os.path.abspath(options.bin), os.path.abspath(options.dir)
    os.makedirs(options.dir, exist_ok=True)
    stamp = os.path.join(options.dir, f"made-{options.rows}")
    if not os.path.exists(stamp):
        for name in os.listdir(options.dir):
            if name.startswith("made-"):
                os.remove(os.path.join(options.dir, name))
        print(f"making {options.rows} rows in {options.dir}", flush=True)
        make_stations(os.path.join(options.dir, "stations.txt"), options.rows)
        make_bids(options, os.path.join(options.dir, "bids.jsonl"))
        make_records(os.path.join(options.dir, "records.jsonl"), options.rows)
        open(stamp, "w").close()
    print(f"| {'workload':18} | median s | rows/s | MB/s | CPU s | rows/CPU s | MB resident |\n|---|--:|--:|--:|--:|--:|--:|")
    failed = 0
    workloads = [(*row, False, None) for row in BOUNDED] + [(*row, True, None) for row in CONTINUOUS]
    workloads += [(name, source, sql, True, filled_by) for name, source, filled_by, sql in TOPIC]
    for name, source, sql, is_continuous, filled_by in workloads:
        if options.names and name not in options.names:
            continue
        results = [measure(options, sql, is_continuous, filled_by) for _ in range(options.runs)]
        error = next((r[2] for r in results if r[2]), None)
        if error:
            print(f"| {name:18} | failed: {error} |", flush=True)
            failed = 1
            continue
        seconds = statistics.median(r[0] for r in results)
        size = os.path.getsize(os.path.join(options.dir, source)) / 1e6 if source else 0
        rate = f"{options.rows / seconds / 1e6:.2f} M | {size / seconds:.0f}" if source else " | "
        cpu = statistics.median(r[3] for r in results)
        per_cpu = f"{options.rows / cpu / 1e6:.2f} M" if source else ""
        print(f"| {name:18} | {seconds:.3f} | {rate} | {cpu:.3f} | {per_cpu} | {max(r[1] for r in results):.0f} |", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
