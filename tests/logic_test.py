"""The logic suite: files of statements with the rows that other databases give for them (logic/*.test), run by `sluice test --logic`.

Each file runs over tables in CSV, JSON and Parquet files and in embedded topics: the same queries over the same rows give the same answers.
"""

import concurrent.futures
import glob
import os
import re
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = ("csv", "json", "parquet", "topic")


def run_file(program, path, tables):
    name = f"{os.path.basename(path)[:-5]} ({tables})"
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run([program, "test", "--logic", "--tables", tables, path], env=dict(os.environ, TMPDIR=folder),
                                  capture_output=True, text=True, errors="replace", timeout=900)
        except (OSError, subprocess.TimeoutExpired) as e:
            return [(name, str(e))]
        left = os.listdir(folder)
    counts = re.search(r"logic: (\d+) passed, (\d+) failed", done.stdout)
    if counts is None or (done.returncode == 0) != (counts.group(2) == "0"):
        return [(name, f"status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")]
    failures = re.split(r"(?m)^(?=FAIL )", done.stdout)[1:]
    results = [(name, None)] * int(counts.group(1)) + [(name, f) for f in failures]
    return results + ([(name, f"left in the folder for temporary files: {left}")] if left else [])


def run_all(options):
    program = os.path.abspath(options.bin + "/sluice")
    jobs = [(path, tables) for path in sorted(glob.glob(os.path.join(HERE, "logic", "*.test"))) for tables in TABLES
            if not options.only or options.only in os.path.basename(path)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for results in pool.map(lambda job: run_file(program, *job), jobs):
            yield from results
