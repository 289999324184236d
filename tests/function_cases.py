"""Functions by example: tests/functions/*.test, and that no function of the registry is without its tests.

A line is a call and what comes of it, in the dialect that the last `dialect` line named; rows are joined by ` ; `:

    LPAD('7', 3, '0') --> "007"              the value, as JSON
    RANDOM() ~~> 0\\..*                       a value that matches
    ABS('x') !!> does not accept             the statement fails and says so
    FROM_DAYS(NULL) ??> argument 1 is NULL   the row fails (NULL) and the reason is told

Every function must have a value, a call with NULL (unless it takes no arguments), and a call that is refused or fails.
"""

import concurrent.futures
import csv
import glob
import io
import os
import re
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
AT_ONCE = 200
LINE = re.compile(r"^(.*?) (-->|~~>|!!>|\?\?>) (.*)$")


class Case:
    def __init__(self, place, dialect, call, mark, wanted):
        self.place, self.dialect, self.call, self.mark, self.wanted = place, dialect, call, mark, wanted

    def names(self):
        return {n.upper() for n in re.findall(r"([A-Za-z_][A-Za-z_0-9]*)\s*\(", re.sub(r"'(?:[^']|'')*'", "''", self.call))}

    def kinds(self):
        kinds = {"refused"} if self.mark in ("!!>", "??>") else {"value"}
        return kinds | {"null"} if self.mark != "!!>" and re.search(r"\bNULL\b", self.call) else kinds


def read_cases():
    for path in sorted(glob.glob(os.path.join(HERE, "functions", "*.test"))):
        dialect = "standard"
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                line = line.rstrip("\n")
                place = f"functions/{os.path.basename(path)}:{number}"
                if line.startswith("dialect "):
                    dialect = line.split()[1]
                elif line.strip() and not line.startswith("#"):
                    m = LINE.match(line)
                    yield Case(place, dialect, *(m.groups() if m else (line, None, None)))


def run(options, dialect, sql, *more):
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run([os.path.join(options.bin, "sluice"), "--dialect", dialect, "--output", "json", *more, "-c", sql], cwd=folder,
                              capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=300,
                              env=dict(os.environ, HOME=folder, TZ="UTC"))


def select(case, number=None):
    mark = "" if number is None else f"'{number}' AS n, "
    call, rows = (case.call.split(" FROM ", 1) + [None])[:2] if re.search(r"\) FROM \(VALUES ", case.call) else (case.call, None)
    return f"SELECT {mark}{call} AS r{' FROM ' + rows if rows else ''};"


def value_of(line):
    return line[line.index('"r":') + 4:-1].strip()


def judge(case, values):
    given = " ; ".join(values) if values else "no row"
    good = re.fullmatch(case.wanted, given) if case.mark == "~~>" else given == case.wanted
    return None if good else f"SELECT {case.call}\nexpected {case.wanted}\nactual   {given}"


def run_values(options, cases):
    """Many at a time, numbered; what is missing from the answer is run alone, for its error."""
    for dialect in ("standard", "ksqldb"):
        some = [c for c in cases if c.dialect == dialect]
        for at in range(0, len(some), AT_ONCE):
            part = some[at:at + AT_ONCE]
            done = run(options, dialect, "\n".join(select(c, i) for i, c in enumerate(part)), "--keep-going")
            given = {}
            for line in done.stdout.splitlines():
                m = re.match(r'\{"n":"(\d+)","r":', line, re.I)
                if m:
                    given.setdefault(int(m.group(1)), []).append(value_of('"r":' + line[m.end():]))
            for i, case in enumerate(part):
                failure = judge(case, given.get(i, []))
                if failure:
                    failure += "\n" + run(options, dialect, select(case)).stderr
                yield case, failure


def run_refused(options, case):
    done = run(options, case.dialect, select(case))
    if case.mark == "!!>":
        good = done.returncode == 1 and case.wanted in done.stderr
    else:
        good = done.returncode == 0 and case.wanted in done.stderr and '"r":null' in done.stdout.replace('"R"', '"r"')
    return None if good else f"SELECT {case.call}\nexpected {case.mark} {case.wanted}\nactual   {done.stdout}{done.stderr}"


def functions_of(options):
    """Names in either dialect, and those that take no arguments."""
    names, empty = set(), set()
    for dialect in ("standard", "ksqldb"):
        done = subprocess.run([os.path.join(options.bin, "sluice"), "--dialect", dialect, "--output", "csv", "--no-header", "-c", "SHOW FUNCTIONS;"],
                              cwd="/", capture_output=True, text=True, stdin=subprocess.DEVNULL)
        names |= {r[0] for r in csv.reader(io.StringIO(done.stdout)) if len(r) >= 2}
    for name in names:
        done = subprocess.run([os.path.join(options.bin, "sluice"), "--output", "csv", "-c", f"DESCRIBE FUNCTION `{name}`;"], cwd="/",
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        signatures = re.findall(rf'"?{re.escape(name)}\(([^)]*)\)', done.stdout.split("Examples")[0])
        if signatures and not any(signatures):
            empty.add(name)
    return names, empty


def run_all(options):
    cases = [c for c in read_cases() if options.only in c.call]
    for case in cases:
        if case.mark is None:
            yield case.place, f"no -->, ~~>, !!> or ??> in: {case.call}"
    cases = [c for c in cases if c.mark is not None]
    for case, failure in run_values(options, [c for c in cases if c.mark in ("-->", "~~>")]):
        yield case.place, failure
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        some = [c for c in cases if c.mark in ("!!>", "??>")]
        for case, failure in zip(some, pool.map(lambda c: run_refused(options, c), some)):
            yield case.place, failure
    if options.only:
        return
    names, empty = functions_of(options)
    have = {"value": set(), "null": set(), "refused": set()}
    for case in cases:
        for kind in case.kinds():
            have[kind] |= case.names()
    for name in sorted(names):
        missing = [kind for kind in have if name not in have[kind] and not (kind == "null" and name in empty)]
        yield f"tests of {name}", f"tests/functions has no {' and no '.join(missing)} test of {name}" if missing else None
