#!/usr/bin/env python3
"""Times questions over files, beside DuckDB if asked, and prints Markdown.  Data, questions and peer are its own: bench/README.md, Analytics.

  bench/analytics.py [--bin build/sluice] [--scale 1] [--runs 3] [--threads 2] [--peer duckdb | libduckdb.so] [--smoke] [GROUP | GROUP/QUESTION ...]

A run is a whole process, from its start to its exit: elapsed time, processor time (user and system) and the most memory resident, from wait4.  A first
run of each is not measured: its answers are compared, cell by cell (numbers to 1e-9 of their size), with the peer's and with those of the same question over
another format.  Engines take turns.  The exit status is 1 if an answer differs or a run fails.
"""

import argparse
import collections
import csv
import hashlib
import io
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT_SECONDS = 900

# Rows at scale 1; TPC-H has its own meaning of it.
H2O_ROWS, NEXMARK_EVENTS, STATION_ROWS = 10_000_000, 10_000_000, 50_000_000

# Group: (questions, format of the files, data sets)
Group = collections.namedtuple("Group", "questions format sets")
GROUPS = {
    "tpch_csv": Group("tpch", "csv", ["tpch"]),
    "tpch_parquet": Group("tpch", "parquet", ["tpch"]),
    "h2o_csv": Group("h2o", "csv", ["h2o"]),
    "h2o_parquet": Group("h2o", "parquet", ["h2o"]),
    "h2o_join": Group("h2o_join", "csv", ["h2o"]),
    "h2o_join_parquet": Group("h2o_join", "parquet", ["h2o"]),
    "nexmark": Group("nexmark", "jsonl", ["nexmark"]),
    "brc": Group("brc", "csv", ["brc", "tpch"]),
}

# Types of what is written as Parquet; of CSV, each engine finds them itself.
MONEY = "DECIMAL(15,2)"
SCHEMAS = {
    "tpch": {
        "region": "r_regionkey INT, r_name STRING, r_comment STRING",
        "nation": "n_nationkey INT, n_name STRING, n_regionkey INT, n_comment STRING",
        "supplier": f"s_suppkey BIGINT, s_name STRING, s_address STRING, s_nationkey INT, s_phone STRING, s_acctbal {MONEY}, s_comment STRING",
        "part": "p_partkey BIGINT, p_name STRING, p_mfgr STRING, p_brand STRING, p_type STRING, p_size INT, p_container STRING, "
                f"p_retailprice {MONEY}, p_comment STRING",
        "partsupp": f"ps_partkey BIGINT, ps_suppkey BIGINT, ps_availqty BIGINT, ps_supplycost {MONEY}, ps_comment STRING",
        "customer": "c_custkey BIGINT, c_name STRING, c_address STRING, c_nationkey INT, c_phone STRING, "
                    f"c_acctbal {MONEY}, c_mktsegment STRING, c_comment STRING",
        "orders": f"o_orderkey BIGINT, o_custkey BIGINT, o_orderstatus STRING, o_totalprice {MONEY}, o_orderdate DATE, o_orderpriority STRING, "
                  "o_clerk STRING, o_shippriority INT, o_comment STRING",
        "lineitem": f"l_orderkey BIGINT, l_partkey BIGINT, l_suppkey BIGINT, l_linenumber BIGINT, l_quantity {MONEY}, l_extendedprice {MONEY}, "
                    f"l_discount {MONEY}, l_tax {MONEY}, l_returnflag STRING, l_linestatus STRING, l_shipdate DATE, l_commitdate DATE, "
                    "l_receiptdate DATE, l_shipinstruct STRING, l_shipmode STRING, l_comment STRING",
    },
    "h2o": {
        "G1": "id1 STRING, id2 STRING, id3 STRING, id4 BIGINT, id5 BIGINT, id6 BIGINT, v1 BIGINT, v2 BIGINT, v3 DOUBLE",
        "x": "id1 BIGINT, id2 BIGINT, id3 BIGINT, id4 STRING, id5 STRING, id6 STRING, v1 DOUBLE",
        "small": "id1 BIGINT, id4 STRING, v2 DOUBLE",
        "medium": "id1 BIGINT, id2 BIGINT, id4 STRING, id5 STRING, v2 DOUBLE",
        "big": "id1 BIGINT, id2 BIGINT, id3 BIGINT, id4 STRING, id5 STRING, id6 STRING, v2 DOUBLE",
    },
}

# Run by the Python of the peer's environment: SQL to rows of CSV.
DUCKDB_SCRIPT = """
import csv, sys
try:
    import _duckdb as duckdb    # without what the package adds to it, which takes twice as long to load
except ImportError:
    import duckdb
if sys.argv[1] == "version":
    print(duckdb.__version__)
else:
    answer = duckdb.connect(config={"threads": sys.argv[1]}).execute(sys.argv[2])
    write = csv.writer(sys.stdout)
    while rows := answer.fetchmany(10000):
        write.writerows(rows)
"""


class Sluice:
    name = "sluice"

    def __init__(self, options):
        self.binary, self.threads = options.bin, str(options.threads)

    def version(self):
        return subprocess.run([self.binary, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]

    def command(self, sql):
        return [self.binary, "--threads", self.threads, "--output", "csv", "--no-header", "-c", sql]

    def table(self, path, alias, properties):
        if path.endswith(".txt"):
            properties = ["FORMAT='CSV'", "HEADER=false", "DELIMITER=';'", "SCHEMA='station STRING, temperature DOUBLE'"]
        return f"'{path}' " + (f"WITH ({', '.join(properties)}) " if properties else "") + alias


class Duckdb:
    """The program of that name if it is on the PATH, else the Python package, installed under the folder of the data."""

    name = "duckdb"

    def __init__(self, options):
        self.threads, self.program = options.threads, shutil.which("duckdb")
        if self.program:
            return
        environment = os.path.join(options.dir, "venv")
        self.python = os.path.join(environment, "bin", "python")
        if subprocess.run([self.python, "-c", "import duckdb"], capture_output=True).returncode if os.path.exists(self.python) else True:
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
            subprocess.run([self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "duckdb"], check=True)

    def version(self):
        command = [self.program, "--version"] if self.program else [self.python, "-I", "-c", DUCKDB_SCRIPT, "version"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        return f"DuckDB {said}" + ("" if self.program else " (Python package)")

    def command(self, sql):
        if self.program:
            return [self.program, "-csv", "-noheader", "-cmd", f"SET threads = {self.threads}", "-c", sql]
        return [self.python, "-I", "-c", DUCKDB_SCRIPT, str(self.threads), sql]

    def table(self, path, alias, properties):
        if path.endswith(".txt"):
            return (f"read_csv('{path}', delim=';', header=false, auto_detect=false, "
                    f"columns={{'station': 'VARCHAR', 'temperature': 'DOUBLE'}}) {alias}")
        return f"'{path}' {alias}"


class DuckdbLibrary(Duckdb):
    """A libduckdb.so, run by duckdb_run.c."""

    def __init__(self, options):
        self.threads, self.library = options.threads, os.path.abspath(options.peer)
        self.runner = compiled("duckdb_run.c", options.dir)[0]

    def version(self):
        return "DuckDB " + subprocess.run([self.runner, self.library, "version"], capture_output=True, text=True, check=True).stdout.strip() + " (library)"

    def command(self, sql):
        return [self.runner, self.library, str(self.threads), sql]


def peer_of(options):
    return Duckdb(options) if options.peer == "duckdb" else DuckdbLibrary(options)


def questions_of(name, engine):
    """Question to SQL, in the order of the file: the text under `-- name: q` or, for this engine, `-- name: q, engine`."""
    with open(os.path.join(HERE, "sql", name + ".sql"), encoding="utf-8") as f:
        parts = re.split(r"^-- name: (.+)$", f.read(), flags=re.M)
    found = {}
    for heading, sql in zip(parts[1::2], parts[2::2]):
        question, _, only = heading.partition(", ")
        if only in ("", engine):
            found[question] = sql.strip()
    return found


def set_of(table):
    if table in ("bids", "events"):
        return "nexmark"
    if table == "stations":
        return "brc"
    return next(name for name, tables in SCHEMAS.items() if table in tables)


def fill(sql, engine, group, folder):
    """{table}, {table alias} and {table property=column} to what the engine calls the file."""
    def one(match):
        table, *more = match[1].split()
        properties = [f"{p.split('=')[0].upper()}='{p.split('=')[1]}'" for p in more if "=" in p]
        aliases = [word for word in more if "=" not in word]
        ending = "txt" if table == "stations" else group.format
        return engine.table(os.path.join(folder, set_of(table), f"{table}.{ending}"), aliases[0] if aliases else table, properties)
    return re.sub(r"\{([^}]+)\}", one, sql)


# ---- data

def say(text):
    print(text, file=sys.stderr, flush=True)


def compiled(name, folder):
    """A program of this folder, compiled, and what tells one version of it from another."""
    source = os.path.join(HERE, name)
    with open(source, "rb") as f:
        version = hashlib.sha256(f.read()).hexdigest()[:16]
    program = os.path.join(folder, f"{name[:-2]}-{version}")
    if not os.path.exists(program):
        subprocess.run([os.environ.get("CC", "cc"), "-O2", "-std=c17", "-D_GNU_SOURCE", "-o", program + ".new", source, "-lm", "-ldl"], check=True)
        os.rename(program + ".new", program)
    return program, version


def make_set(name, options, folder):
    rows = lambda n: str(max(1000, round(n * options.scale)))
    program, version = compiled("analytics_data.c", options.dir)
    stamp = os.path.join(folder, "made-" + version)
    if not os.path.exists(stamp):
        say(f"making {name} at scale {options.scale:g} in {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        if name == "tpch":
            subprocess.run([program, "tpch", str(options.scale), folder], check=True)
        elif name == "h2o":
            subprocess.run([program, "h2o", rows(H2O_ROWS), folder], check=True)
        elif name == "brc":
            subprocess.run([program, "stations", rows(STATION_ROWS), folder], check=True)
        else:
            for table, what, n in (("events", "nexmark", NEXMARK_EVENTS), ("bids", "bids", NEXMARK_EVENTS * 46 // 50)):
                subprocess.run([options.bin, "datagen", what, "-n", rows(n), "-o", os.path.join(folder, table + ".jsonl")], check=True)
        open(stamp, "w").close()


def make_parquet(name, options, folder):
    for table, schema in SCHEMAS[name].items():
        path = os.path.join(folder, table)
        if not os.path.exists(path + ".parquet"):
            say(f"making {table}.parquet")
            sql = f"COPY (SELECT * FROM '{path}.csv' WITH (FORMAT='CSV', HEADER=true, SCHEMA='{schema}')) TO '{path}.parquet'"
            subprocess.run([options.bin, "-c", sql], check=True, stdout=subprocess.DEVNULL)


def make_data(groups, options):
    folder = os.path.join(options.dir, f"analytics-{options.scale:g}")
    os.makedirs(folder, exist_ok=True)
    for name in dict.fromkeys(name for group in groups for name in GROUPS[group].sets):
        make_set(name, options, os.path.join(folder, name))
    for group in groups:
        if GROUPS[group].format == "parquet":
            make_parquet(GROUPS[group].sets[0], options, os.path.join(folder, GROUPS[group].sets[0]))
    return folder


# ---- runs

Run = collections.namedtuple("Run", "seconds cpu megabytes")


class Failure(Exception):
    pass


def run(command, folder):
    """The rows that the command answers and what it took."""
    # Files instead of pipes: nobody need read them while the command runs, which would take from its processors.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder)
        timer = threading.Timer(TIMEOUT_SECONDS, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            lines = err.read().decode(errors="replace").strip().split("\n")
            raise Failure(f"exit status {process.returncode} after {seconds:.1f} s: {' '.join(lines)[:300]}")
        rows = list(csv.reader(io.TextIOWrapper(out, encoding="utf-8", newline="")))
    return rows, Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def cells_equal(a, b):
    if a == b:
        return True
    try:
        return math.isclose(float(a), float(b), rel_tol=1e-9)
    except ValueError:
        return False


def difference(a, b):
    """The first place in which two answers differ, or None."""
    if len(a) != len(b):
        return f"{len(a)} rows and {len(b)}"
    for number, (left, right) in enumerate(zip(a, b), 1):
        if len(left) != len(right) or not all(map(cells_equal, left, right)):
            return f"row {number}: {','.join(left)} and {','.join(right)}"
    return None


def measure(engines, commands, options, folder, others):
    """Medians by engine; others holds the answer of the same question over another format, if it was asked."""
    answers = []
    for engine, command in zip(engines, commands):
        try:
            answers.append(run(command, folder)[0])
        except Failure as e:
            raise Failure(f"{engine.name}: {e}") from None
    for engine, answer in zip(engines[1:], answers[1:]):
        if what := difference(answers[0], answer):
            raise Failure(f"{engines[0].name} and {engine.name} answer differently: {what}")
    if others and (what := difference(answers[0], others[0])):
        raise Failure(f"the answer differs from that over the other format: {what}")
    others.append(answers[0])
    runs = [[] for _ in engines]
    for _ in range(options.runs):
        for taken, command in zip(runs, commands):
            taken.append(run(command, folder)[1])
    return [Run(*(statistics.median(values) for values in zip(*taken))) for taken in runs]


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def ratios(medians):
    return [mine / max(theirs, 1e-6) for mine, theirs in zip(*medians[:2])]


def print_group(name, engines, options, folder, answers):
    """The table of a group; its ratios (of time, processor, memory, by question) and the number of questions that failed."""
    group, found, failed = GROUPS[name], {}, 0
    asked = [questions_of(group.questions, engine.name) for engine in engines]
    print(f"\n### {name}\n\n| question |" + "".join(f" {e.name} s | CPU s | MB |" for e in engines) + (" time | CPU | memory |" if len(engines) > 1 else ""))
    print("|---|" + "--:|--:|--:|" * (len(engines) + (len(engines) > 1)))
    for question in asked[0]:
        if not any(pattern in (name, f"{name}/{question}") for pattern in options.groups):
            continue
        commands = [engine.command(fill(texts[question], engine, group, folder)) for engine, texts in zip(engines, asked)]
        try:
            medians = measure(engines, commands, options, folder, answers.setdefault((group.questions, question), []))
        except Failure as e:
            print(f"| {question} | failed: {e} |", flush=True)
            failed += 1
            continue
        row = "".join(f" {m.seconds:.3f} | {m.cpu:.3f} | {m.megabytes:.0f} |" for m in medians)
        if len(engines) > 1:
            found[question] = ratios(medians)
            row += "".join(f" {ratio:.2f} |" for ratio in found[question])
        print(f"| {question} |{row}", flush=True)
    return found, failed


def print_summary(results, peer):
    print(f"\n### Beside {peer}: under 1 is less time or memory than it takes\n")
    print("| group | questions | time, geometric mean | worst | CPU, geometric mean | memory, median |\n|---|--:|--:|---|--:|--:|")
    for name, found in results.items():
        if found:
            seconds, cpu, memory = zip(*found.values())
            worst = max(found, key=lambda question: found[question][0])
            print(f"| {name} | {len(found)} | {geometric_mean(seconds):.2f} | {worst}: {found[worst][0]:.2f} | {geometric_mean(cpu):.2f} "
                  f"| {statistics.median(memory):.2f} |")
    every = [ratio for found in results.values() for ratio in found.values()]
    if every:
        print(f"| all | {len(every)} | {geometric_mean([r[0] for r in every]):.2f} | | {geometric_mean([r[1] for r in every]):.2f} "
              f"| {statistics.median(r[2] for r in every):.2f} |")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(HERE, "..", "build", "sluice"))
    parser.add_argument("--scale", type=float, default=1.0, help="1: TPC-H at scale 1, 10 M rows of h2o and Nexmark, 50 M of stations (9 GB in all)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer", help="what to compare with: duckdb (the program, else the Python package, which is installed), or a path of libduckdb.so")
    parser.add_argument("--smoke", action="store_true", help="scale 0.01 and one run")
    parser.add_argument("--dir", default=os.path.join(HERE, "..", ".bench"), help="where the data goes, kept for the next time")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"GROUP or GROUP/QUESTION, all if none is named; groups: {', '.join(GROUPS)}")
    options = parser.parse_args()
    options.groups = options.groups or list(GROUPS)
    if unknown := [name for name in options.groups if name.partition("/")[0] not in GROUPS]:
        parser.error(f"there is no group {unknown[0]}: {', '.join(GROUPS)}")
    if options.runs < 1 or options.threads < 1 or not options.scale > 0:
        parser.error("--scale, --runs and --threads are above 0")
    if options.peer not in (None, "duckdb") and not os.path.isfile(options.peer):
        parser.error(f"--peer is duckdb or the path of a libduckdb.so; there is no file {options.peer}")
    if options.smoke:
        options.scale, options.runs = 0.01, 1
    options.bin, options.dir = os.path.abspath(options.bin), os.path.abspath(options.dir)
    os.makedirs(options.dir, exist_ok=True)
    return options


def main():
    options = parse_arguments()
    engines = [Sluice(options)] + ([peer_of(options)] if options.peer else [])
    names = [name for name in GROUPS if any(pattern.partition("/")[0] == name for pattern in options.groups)]
    folder = make_data(names, options)
    print(f"{' beside '.join(engine.version() for engine in engines)}: scale {options.scale:g}, {options.threads} threads, "
          f"medians of {options.runs} {'run' if options.runs == 1 else 'runs'}, {os.cpu_count()} processors")
    for engine in engines:
        starts = [run(engine.command("SELECT 1"), folder)[1] for _ in range(5)]
        print(f"{'' if engine is engines[0] else ', '}{engine.name} takes {statistics.median(r.seconds for r in starts):.3f} s for SELECT 1", end="")
    print(" (in every time below).")
    results, failed, answers = {}, 0, {}
    for name in names:
        results[name], n = print_group(name, engines, options, folder, answers)
        failed += n
    if options.peer:
        print_summary(results, engines[1].version())
    if failed:
        print(f"\n{failed} {'question' if failed == 1 else 'questions'} failed.")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
