"""SQL in, rows out: runs tests/sql/*.test.  tests/README.md describes the format."""

import concurrent.futures
import csv
import glob
import io
import os
import re
import signal
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ("file", "ok", "error", "query", "note", "shell", "law", "dialect")
TIMEOUT = 60  # seconds
SANITIZER_TIMEOUT = 300  # a variant is some ten times slower


class Block:
    """One test of a file: `head` is its first line, `body` what follows, `expected` a list of (words, lines)."""

    def __init__(self, line, head):
        self.line, self.head = line, head
        self.kind, _, self.rest = head.partition(" ")
        self.body, self.expected = [], []


def parse(path):
    blocks, block, part = [], None, None
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    for number, line in enumerate(lines, 1):
        is_file = block is not None and block.kind == "file"
        if is_file:
            if line == "----":
                block = None
            else:
                block.body.append(line)
        elif block is None or (line == "" and part is not None):
            if line.startswith("#") or line.strip() == "":
                block = part = None
                continue
            if line.split(" ")[0] not in KINDS:
                raise ValueError(f"{path}:{number}: unknown kind of block: {line}")
            block, part = Block(number, line), None
            blocks.append(block)
        elif re.match(r"----( |$)", line):
            part = (line[5:].strip(), [])
            block.expected.append(part)
        elif part is not None:
            part[1].append(line)
        elif line == "":
            block = None
        else:
            block.body.append(line)
    return blocks


class Runner:
    def __init__(self, options, folder):
        self.sluice = os.path.join(options.bin, "sluice")
        self.folder = folder
        self.timeout = SANITIZER_TIMEOUT if options.name else TIMEOUT
        self.dialect = "standard"
        self.n_laws = 0

    def environment(self):
        return dict(os.environ, SLUICE=self.sluice, HOME=self.folder, TZ="UTC")

    def run(self, command, **more):
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True, **more)
        try:
            out, err = process.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return "", f"no answer in {self.timeout} s", -1
        return out, err, process.returncode

    def sql(self, text, dialect=None, *options):
        return self.run([self.sluice, "--output", "csv", "--dialect", dialect or self.dialect, *options, "-c", text])

    # Each returns None or what went wrong.

    def do_ok(self, block):
        out, err, status = self.sql("\n".join(block.body))
        return None if status == 0 else f"exit status {status}\n{err}"

    def do_error(self, block):
        out, err, status = self.sql("\n".join(block.body))
        if status != 1:
            return f"exit status {status}, but 1 was expected\n{out}{err}"
        if squeeze(block.rest) not in squeeze(err):
            return f"the message should say: {block.rest}\nit says: {err}"
        return None

    def do_query(self, block):
        words = block.rest.split()
        failures = []
        for dialect, expected in block.expected:
            out, err, status = self.sql("\n".join(block.body), dialect or None)
            if status != 0:
                failures.append(f"{dialect} exit status {status}\n{out}{err}")
                continue
            failure = compare(expected, out, "unordered" in words)
            if failure:
                failures.append((dialect + ":\n" if dialect else "") + failure)
        if not block.expected:
            failures.append("nothing is expected: ---- and rows are missing")
        return "\n".join(failures) or None

    def do_note(self, block):
        """The statement succeeds and says something on standard error or in its output."""
        out, err, status = self.sql("\n".join(block.body))
        if status != 0:
            return f"exit status {status}\n{err}"
        return None if squeeze(block.rest) in squeeze(out + err) else f"it should say: {block.rest}\nit says: {out}{err}"

    def do_shell(self, block):
        out, err, status = self.run(["sh", "-c", "\n".join(block.body)])
        if block.expected:
            return compare(block.expected[0][1], out, "unordered" in block.rest.split()) or \
                (f"exit status {status}\n{err}" if status else None)
        return f"exit status {status}\n{err}{out}" if status else None

    def do_law(self, block):
        """Bounded and continuous queries over the same input have the same final rows."""
        sql = "\n".join(block.body).rstrip().rstrip(";")
        self.n_laws += 1
        name = f"law_{self.n_laws}"
        bounded, err, status = self.sql(sql + ";")
        if status != 0:
            return f"bounded: exit status {status}\n{err}"
        words = block.rest.split()
        if block.expected:
            failure = compare(block.expected[0][1], bounded, True)
            if failure:
                return "bounded:\n" + failure
        failures = []
        for caching in ("10000000", "0"):
            kind = "STREAM" if "stream" in words else "TABLE"
            emit = "EMIT FINAL" if "final" in words else "" if " LIMIT " in sql else "EMIT CHANGES"	# EMIT stands before LIMIT
            script = (f"SET 'cache.max.bytes.buffering' = '{caching}';\nCREATE {kind} {name}_{caching} AS {sql} {emit};\n"
                      f"SELECT * FROM {name}_{caching};")
            continuous, err, status = self.sql(script)
            if status != 0:
                failures.append(f"continuous (cache {caching}): exit status {status}\n{err}")
                continue
            failure = compare_by_name(bounded, continuous)
            if failure:
                failures.append(f"continuous (cache {caching}):\n{failure}")
        return "\n".join(failures) or None


def squeeze(text):
    return " ".join(text.split())


def compare(expected, out, unordered):
    actual = out.split("\n")
    if actual and actual[-1] == "":
        actual.pop()
    wanted = list(expected)
    if unordered:
        actual, wanted = actual[:1] + sorted(actual[1:]), wanted[:1] + sorted(wanted[1:])
    if actual == wanted:
        return None
    import difflib
    return "\n".join(l for l in difflib.unified_diff(wanted, actual, "expected", "actual", lineterm="", n=2))


def compare_by_name(left, right):
    """Rows as bags, over the columns of the left one, whose names may differ in case."""
    a, b = list(csv.reader(io.StringIO(left))), list(csv.reader(io.StringIO(right)))
    if not a or not b:
        return "no header"
    names = [n.upper() for n in b[0]]
    missing = [n for n in a[0] if n.upper() not in names]
    if missing:
        return f"columns {missing} are not among {b[0]}"
    places = [names.index(n.upper()) for n in a[0]]
    rows = sorted(tuple(number(row[p]) for p in places) for row in b[1:])
    wanted = sorted(tuple(number(x) for x in row) for row in a[1:])
    if rows == wanted:
        return None
    lost, more = [r for r in wanted if r not in rows], [r for r in rows if r not in wanted]
    return f"{len(wanted)} rows bounded, {len(rows)} continuous\nonly bounded: {lost[:5]}\nonly continuous: {more[:5]}"


def number(text):
    """Doubles up to 1e-12, as text."""
    if re.fullmatch(r"-?\d+\.\d+(E-?\d+)?", text):
        return f"{float(text):.12g}"
    return text


def run_file(path, options):
    name = os.path.relpath(path, os.path.join(HERE, "sql"))[:-5]
    results = []
    try:
        blocks = parse(path)
    except ValueError as e:
        return [(name, str(e))]
    with tempfile.TemporaryDirectory(prefix="sluice-test-") as folder:
        runner = Runner(options, folder)
        os.symlink(os.path.join(HERE, "data"), os.path.join(folder, "data"))
        for block in blocks:
            if block.kind == "file":
                place = os.path.join(folder, block.rest)
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, "w", encoding="utf-8", newline="") as f:
                    f.write("\n".join(block.body) + "\n")
            elif block.kind == "dialect":
                runner.dialect = block.rest
            else:
                failure = getattr(runner, "do_" + block.kind)(block)
                if failure:
                    failure = "\n".join(block.body) + "\n" + failure + f"\nagain: tests/check.py --suites sql --only {name}"
                results.append((f"{name}:{block.line}", failure))
    return results


def run_all(options):
    paths = [p for p in sorted(glob.glob(os.path.join(HERE, "sql", "**", "*.test"), recursive=True)) if options.only in p]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for results in pool.map(lambda p: run_file(p, options), paths):
            yield from results
