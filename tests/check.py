#!/usr/bin/env python3
"""Runs the test suites and counts: the last line is "N passed, N failed".  `make check` calls it.

  tests/check.py --bin build [--suites layers,headers,unit,sql,logic,functions,cli,laws,property,crash,conformance] [--only TEXT] [--verbose]

A suite is a function here or a module beside this file; it yields (name, failure), where failure is None for a test that
passed.  Only the Python standard library is used.
"""

import argparse
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)

# A folder may include its own headers and those of:
MAY_INCLUDE = {
    "common": "",
    "data": "common",
    "parser": "common",
    "store": "common data",
    "catalog": "common data store",
    "io": "common data store",
    "exec": "common data store io",
    "planner": "common data parser catalog io exec",
    "engine": "common data parser store catalog io exec planner",
    "server": "common data engine",
    "shell": "common data engine server parser",
}

# Libraries that one folder alone knows.
ONLY_IN = {
    "sqlite3.h": "store/", "readline/readline.h": "shell/", "readline/history.h": "shell/", "simdjson.h": "io/format/json/",
    "crypt.h": "server/", "openssl/ssl.h": "server/",
    "librdkafka/rdkafka.h": "io/connector/kafka/", "curl/curl.h": ("io/", "server/"), "pcre2.h": "common/",
}

# Paths that come from statements are opened by common/file_access.c, which knows what they may touch.  Here they would get past it.
NO_OPENS = ("io/", "planner/", "exec/", "engine/")
MAY_OPEN = re.compile(r"engine/test_\w+\.c$")        # sluice test reads the files of its command line
OPENS = re.compile(r"(?<![\w.>])(?:open|openat|open64|creat|fopen|freopen|opendir)\s*\(")

# Included several times under different macros: such a header is not compiled alone.
TEMPLATES = {"io/connector/file/csv_scan_kernel.h"}


class Skipped(Exception):
    """Why a whole suite cannot run here."""


def sources(*endings):
    for folder in MAY_INCLUDE:
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(where, name), ROOT)


def suite_layers(options):
    for path in sources(".c", ".h", ".cpp"):
        folder = path.split("/")[0]
        allowed = MAY_INCLUDE[folder].split() + [folder]
        wrong = []
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                m = re.match(r'\s*#\s*include\s+"([^"/]+)/', line)
                if m and m.group(1) not in allowed:
                    wrong.append(f"{path}:{number}: {folder}/ may not include {m.group(1)}/")
                m = re.match(r'\s*#\s*include\s+<([^>]+)>', line)
                if m and m.group(1) in ONLY_IN and not path.startswith(ONLY_IN[m.group(1)]):
                    wrong.append(f"{path}:{number}: only {ONLY_IN[m.group(1)]} may include <{m.group(1)}>")
        if path.startswith(NO_OPENS) and not MAY_OPEN.match(path):
            with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                for number, line in enumerate(f, 1):
                    if OPENS.search(re.sub(r'"[^"]*"|//.*|/\*.*?\*/|^\s*/?\*.*', "", line)):
                        wrong.append(f"{path}:{number}: files are opened by common/file_access")
        yield path, "\n".join(wrong) or None


def suite_headers(options):
    def compile_alone(path):
        command = options.cc.split() + ["-std=c17", "-D_GNU_SOURCE", "-DPCRE2_CODE_UNIT_WIDTH=8", "-I.", "-I" + options.build + "/gen",
                                        "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-fsyntax-only", "-x", "c", "-include", path, "/dev/null"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        return path, done.stderr if done.returncode else None
    with concurrent.futures.ThreadPoolExecutor() as pool:
        yield from pool.map(compile_alone, [h for h in sources(".h") if h not in TEMPLATES])


def suite_unit(options):
    """Each program of tests/unit; libcheck counts its checks."""
    def run(path):
        name = os.path.basename(path)[:-2]
        program = os.path.abspath(os.path.join(options.bin, "tests", name))
        with tempfile.TemporaryDirectory() as folder:
            # libcheck gives a test 4 seconds, which a busy machine or a sanitizer may need.
            environment = dict(os.environ, TMPDIR=folder, CK_TIMEOUT_MULTIPLIER="30")
            try:
                done = subprocess.run([program], cwd=ROOT, env=environment, capture_output=True, text=True, errors="replace", timeout=900)
            except (OSError, subprocess.TimeoutExpired) as e:
                return [(name, str(e))]
        text = done.stdout + done.stderr
        counts = re.findall(r"Checks: (\d+), Failures: (\d+), Errors: (\d+)", text)
        checks = sum(int(c[0]) for c in counts)
        bad = sum(int(c[1]) + int(c[2]) for c in counts)
        if done.returncode != 0 and bad == 0:
            bad = 1
        lines = [l for l in text.splitlines() if not re.search(r":[PS]:", l)]
        return [(name, None)] * max(checks - bad, 0 if bad else 1) + [(name, "\n".join(lines[-40:]) if i == 0 else "see above") for i in range(bad)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for results in pool.map(run, sorted(glob.glob(os.path.join(HERE, "unit", "*.c")))):
            yield from results


def suite_sql(options):
    import sql_test
    yield from sql_test.run_all(options)


def suite_functions(options):
    import function_cases
    import function_test
    yield from function_test.run_all(options)
    yield from function_cases.run_all(options)


def suite_logic(options):
    """Statements with the rows that other databases give for them."""
    import logic_test
    yield from logic_test.run_all(options)


def suite_cli(options):
    import cli_test
    yield from cli_test.run_all(options)


def suite_memory(options):
    import memory_test
    yield from memory_test.run_all(options)


def suite_progress(options):
    import progress_test
    yield from progress_test.run_all(options)


def suite_native(options):
    import native_test
    yield from native_test.run_all(options)


def suite_remote(options):
    import remote_test
    yield from remote_test.run_all(options)


def suite_parquet(options):
    import parquet_test
    yield from parquet_test.run_all(options, Skipped)


def suite_engine(options):
    import engine_test
    yield from engine_test.run_all(options)


def suite_server(options):
    import server_test
    yield from server_test.run_all(options)


def suite_security(options):
    import security_test
    yield from security_test.run_all(options)


def suite_deploy(options):
    """The Dockerfile and the systemd unit against the program."""
    import deploy_test
    yield from deploy_test.run_all(options)


def suite_rest(options):
    """Recorded REST cases through a server: of the same corpus as `conformance`."""
    folder = os.environ.get("SLUICE_CONFORMANCE", os.path.join(ROOT, "..", "shared", "conformance"))
    if not os.path.exists(os.path.join(folder, "rest")) or not os.path.exists(os.path.join(folder, "run.py")):
        raise Skipped("the corpus is not there (SLUICE_CONFORMANCE names its folder)")
    import rest_test
    yield from rest_test.run_all(options, folder)


def suite_laws(options):
    """Bounded = continuous, batches = single rows, threads = one thread."""
    import laws_test
    yield from laws_test.run_all(options)


def suite_spill(options):
    """Joins of every kind and shape beyond memory.limit."""
    import spill_test
    yield from spill_test.run_all(options)


def suite_fuzz(options):
    """What fuzzers have found or reached, once each: tests/fuzz/corpus/NAME.  A crash names the input last told."""
    for folder in sorted(glob.glob(os.path.join(HERE, "fuzz", "corpus", "*"))):
        name = os.path.basename(folder)
        program = os.path.abspath(os.path.join(options.bin, "replay", name))
        inputs = len(os.listdir(folder))
        try:
            done = subprocess.run([program, folder], cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=600)
        except (OSError, subprocess.TimeoutExpired) as e:
            yield name, str(e)
            continue
        good = done.returncode == 0 and f"{inputs} files" in done.stdout and inputs > 0
        yield name, None if good else f"{inputs} inputs, status {done.returncode}\n{done.stdout[-300:]}\n{done.stderr[-3000:]}"


def suite_property(options):
    """The same laws, and restarts, for random queries over random data."""
    import property_test
    yield from property_test.run_all(options)


def suite_crash(options):
    import crash_test
    yield from crash_test.run_all(options)


def suite_kafka(options):
    """A real broker: not part of `make check`, which needs nothing that must be fetched."""
    sys.modules["check"] = sys.modules[__name__]       # whose Skipped it raises
    import kafka_test
    yield from kafka_test.run_all(options)


def suite_kafka_long(options):
    """Exactly-once under fire, at size: minutes."""
    import kafka_long_test
    yield from kafka_long_test.run_all(options)


# Least share of cases in per cent that must agree, by the tags that select them.
CONFORMANCE = [
    ("all that must give output", ["--not-tag", "expects-error"], 99),
    ("of these, basic formats", ["--not-tag", "expects-error", "--tag", "basic-formats"], 99),
    ("refusals", ["--tag", "expects-error"], 99),
]


def suite_conformance(options):
    """Recorded cases of ksqlDB's behaviour, which are not part of this repository: SLUICE_CONFORMANCE names their folder."""
    folder = os.environ.get("SLUICE_CONFORMANCE", os.path.join(ROOT, "..", "shared", "conformance"))
    runner = os.path.join(folder, "run.py")
    if not os.path.exists(runner):
        raise Skipped("the corpus is not there (SLUICE_CONFORMANCE names its folder)")
    for name, arguments, least in CONFORMANCE:
        done = subprocess.run([sys.executable, runner, "--bin", os.path.abspath(options.bin + "/sluice"), "--quiet"] + arguments,
                              capture_output=True, text=True, errors="replace")
        lines = [l.strip() for l in done.stdout.splitlines() if l.strip()]
        total = next((l for l in reversed(lines) if "passed (" in l), "")
        share = re.search(r"(\d+(?:\.\d+)?) ?%", total)
        bad = sum(int(n) for n in re.findall(r"(?:error|timeout) +(\d+)", done.stdout))
        texts = [(int(a), int(b)) for a, b in re.findall(r"message text (\d+)/(\d+)", done.stdout)]
        agree = f"; message text {sum(a for a, _ in texts)}/{sum(b for _, b in texts)}" if any(b for _, b in texts) else ""
        print(f"conformance: {name}: {' '.join(total.split()[1:])}{agree} (at least {least} % wanted)")
        if share is None:
            yield name, done.stdout + done.stderr
        elif float(share.group(1)) < least:
            yield name, f"{share.group(1)} % pass, at least {least} % must"
        elif bad > 0:
            yield name, f"{bad} crashes or timeouts\n{done.stdout}"
        else:
            yield name, None


SUITES = {name[6:]: function for name, function in list(globals().items()) if name.startswith("suite_")}


def run_suite(name, options):
    passed = failed = 0
    began = time.time()
    try:
        for test, failure in SUITES[name](options):
            if failure is None:
                passed += 1
                if options.verbose:
                    print(f"ok   {name}: {test}")
            else:
                failed += 1
                print(f"FAIL {name}: {test}\n" + "\n".join("     " + l for l in failure.splitlines()), flush=True)
    except Skipped as why:
        print(f"{name}: skipped: {why}")
        return 0, 0
    label = f"{options.name} {name}" if options.name else name
    print(f"{label}: {passed} passed, {failed} failed ({time.time() - began:.1f} s)", flush=True)
    return passed, failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build", help="folder of the program and tests/")
    parser.add_argument("--build", default="build", help="folder of gen/")
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--suites", default="layers,headers,unit,sql,logic,functions,cli,laws")
    parser.add_argument("--only", default="", help="tests whose name has this in it (sql, logic, functions, cli)")
    parser.add_argument("--name", default="", help="a word before the name of each suite")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--cases", type=int, default=200, help="queries of the property suite")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--rewrite", action="store_true", help="write what came out into the .test files (review the diff)")
    options = parser.parse_args()
    options.bin = os.path.abspath(options.bin)
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")
    os.environ["TZ"] = "UTC"
    passed = failed = 0
    for name in options.suites.split(","):
        p, f = run_suite(name, options)
        passed += p
        failed += f
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
