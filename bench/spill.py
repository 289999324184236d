#!/usr/bin/env python3
"""Bounded queries of far more state than memory.limit: time, processor time, memory resident, and whether the rows are right.

  bench/spill.py [--bin build/sluice] [--rows 50000000] [--limit 500M] [--threads 2] [--folder .bench] [group | sort]...

Needs a C compiler and, at 50 million rows, 20 GB of disk: 5 GB of CSV, made once and removed at the end (--keep: it stays), and the temporary files
of the query.  Fails if an answer is wrong, or if more than 1.4 times the limit is resident.
"""

import argparse
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def bytes_of(text):
    number, unit = re.fullmatch(r"(\d+)([KMG]?)", text).groups()
    return int(number) * UNITS[unit]


def measure(command, **arguments):
    """Runs a program to its end: its status and what it took."""
    began = time.monotonic()
    process = subprocess.Popen(command, **arguments)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss >> 10


def group(command, path, data, rows):
    """As many groups as rows; an outer query counts them and adds up what they have."""
    sql = f"SELECT COUNT(*), MIN(n), MAX(n), SUM(s) FROM (SELECT k, COUNT(*) AS n, SUM(v) AS s FROM '{path}' GROUP BY k) g"
    reading, writing = os.pipe()
    taken = measure(command + ["-c", sql], stdout=writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = pipe.read().strip()
    wanted = f"{rows},1,1,{sum(range(1000)) * (rows // 1000) + sum(range(rows % 1000))}"
    return taken, None if found == wanted else f"{found} instead of {wanted}"


def sort(command, path, data, rows):
    """All rows, in another order, each compared."""
    check = subprocess.Popen([data, "check", str(rows)], stdin=subprocess.PIPE)
    taken = measure(command + ["-c", f"SELECT * FROM '{path}' ORDER BY k"], stdout=check.stdin)
    check.stdin.close()
    return taken, None if check.wait() == 0 else "the rows are not those of the file in order"


WORKLOADS = {"group": group, "sort": sort}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(HERE, "..", "build", "sluice"))
    parser.add_argument("--rows", type=int, default=50_000_000)
    parser.add_argument("--limit", default="500M")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", default=".bench")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("workloads", nargs="*", choices=[[], *WORKLOADS])
    options = parser.parse_args()
    folder = os.path.abspath(options.folder)
    os.makedirs(folder, exist_ok=True)
    data = os.path.join(folder, "spill_data")
    path = os.path.join(folder, f"spill_{options.rows}.csv")
    subprocess.run(["cc", "-O2", "-o", data, os.path.join(HERE, "spill_data.c")], check=True)
    if not os.path.exists(path):
        with open(path + ".part", "wb") as out:
            subprocess.run([data, "write", str(options.rows)], stdout=out, check=True)
        os.rename(path + ".part", path)
    command = [os.path.abspath(options.bin), "--threads", str(options.threads), "--no-header", "--output", "csv",
               "--set", f"memory.limit={options.limit}", "--set", f"temp.directory={folder}"]
    failed = 0
    for name in options.workloads or WORKLOADS:
        (status, seconds, processor, resident), wrong = WORKLOADS[name](command, path, data, options.rows)
        if status != 0:
            wrong = f"status {status}"
        elif wrong is None and resident << 20 > 1.4 * bytes_of(options.limit):
            wrong = "too much memory"
        failed += wrong is not None
        print(f"{name:8} {seconds:7.1f} s {processor:7.1f} s of processor {resident:6} MB resident  {wrong or 'right'}", flush=True)
    if not options.keep:
        os.remove(path)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
