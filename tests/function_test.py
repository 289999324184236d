"""The examples of all functions, as DESCRIBE FUNCTION prints them, run as SQL: each gives what stands beside it."""

import csv
import io
import os
import subprocess
import tempfile

AT_ONCE = 200


def rows_of(options, sql, *more):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([os.path.join(options.bin, "sluice"), "--output", "csv", *more, "-c", sql], cwd=folder, capture_output=True,
                              text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=300, env=dict(os.environ, HOME=folder, TZ="UTC"))
    return done


def examples_of(text):
    """The rows of the tables with the columns Expression and Result."""
    is_in = False
    for row in csv.reader(io.StringIO(text)):
        if row == ["Expression", "Result"]:
            is_in = True
        elif len(row) != 2:
            is_in = False
        elif is_in:
            yield row


def run_all(options):
    listed = rows_of(options, "SHOW FUNCTIONS;")
    names = [r[0] for r in csv.reader(io.StringIO(listed.stdout)) if len(r) == 3 and r[1] == "SCALAR" and options.only in r[0]]
    if not names:
        yield "SHOW FUNCTIONS", "no scalar function: " + listed.stderr
        return
    described = rows_of(options, " ".join(f"DESCRIBE FUNCTION `{name}`;" for name in names), "--keep-going")
    if described.returncode:
        yield "DESCRIBE FUNCTION", described.stderr
    examples = list(examples_of(described.stdout))
    for at in range(0, len(examples), AT_ONCE):
        some = examples[at:at + AT_ONCE]
        done = rows_of(options, "\n".join(f"SELECT '{at + i}' AS n, {e} AS r;" for i, (e, _) in enumerate(some)), "--keep-going", "--no-header")
        given = {r[0]: r[1] for r in csv.reader(io.StringIO(done.stdout)) if len(r) == 2}
        for i, (expression, result) in enumerate(some):
            actual = given.get(str(at + i))
            wanted = next(csv.reader([result]))[0] if result.startswith('"') else result
            # No result beside it: it differs from call to call, and need only succeed.
            if actual == wanted or (result == "" and actual is not None):
                yield expression, None
            else:
                again = rows_of(options, f"SELECT {expression} AS r;", "--no-header")
                yield expression, f"SELECT {expression}\nexpected {result}\nactual   {actual}\n{again.stderr}"
