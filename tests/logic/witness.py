#!/usr/bin/env python3
"""Asks other databases what the rows of the logic suite should be.

  tests/logic/witness.py [--fill] [--with duckdb,postgres,sqlite] FILE...

Runs the statements of each file on its witnesses and compares the rows with those that stand in the file; --fill writes rows (and the
letters of types) where a query has none yet, as its first witness gives them.  What the suite expects comes from here, never
from sluice.  Not part of `make check`: it needs duckdb and psycopg2 from PyPI, and PostgreSQL's programs (Debian: postgresql).

Comments directly above a block, or at the head of the file for all that follow:

  # witness: duckdb postgres     which of them run it (at least one, unless a reason stands behind `none`)
  # duckdb: SQL                  what that witness runs instead of the block's SQL; goes on in further lines that begin the same way
"""

import argparse
import datetime
import decimal
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile

NAMES = ("duckdb", "postgres", "sqlite")


class Block:
    def __init__(self, kind, head, line):
        self.kind, self.head, self.line = kind, head, line
        self.sql, self.expected, self.instead, self.witnesses = [], None, {}, None
        self.lines = []                  # of the file as it was, comments not included

    @property
    def text(self):
        return "\n".join(self.sql).strip().rstrip(";")

    @property
    def sort(self):
        return next((w for w in self.head.split() if w in ("rowsort", "valuesort")), "nosort")

    @property
    def types(self):
        return self.head.split()[1] if len(self.head.split()) > 1 else "?"


def read_file(path):
    """A list of blocks and of the texts between them, in order."""
    parts, comments, witnesses = [], [], []
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    i = 0
    while i < len(lines):
        line = lines[i]
        if line == "" or line.startswith("#"):
            if line == "":
                for c in comments:
                    m = re.match(r"# witness: (.*)", c)
                    if m:
                        witnesses = m.group(1).split()
                comments = []
            else:
                comments.append(line)
            parts.append(line)
            i += 1
            continue
        block = Block(line.split()[0] if not line.startswith("statement") else " ".join(line.split()[:2]), line, i + 1)
        block.witnesses = witnesses
        for c in comments:
            m = re.match(r"# (\w+): ?(.*)", c)
            if m and m.group(1) == "witness":
                block.witnesses = m.group(2).split()
            elif m and m.group(1) in NAMES:
                block.instead.setdefault(m.group(1), []).append(m.group(2))
        comments = []
        i += 1
        while i < len(lines) and lines[i] != "":
            if lines[i] == "----" and block.expected is None:
                block.expected = []
            elif block.expected is not None:
                block.expected.append(lines[i])
            else:
                block.sql.append(lines[i])
            i += 1
        parts.append(block)
    return parts


def write_file(path, parts):
    out = []
    for p in parts:
        if isinstance(p, str):
            out.append(p)
        else:
            out.append(p.head)
            out += p.sql
            if p.expected is not None:
                out.append("----")
                out += p.expected
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out))


# ---- values as the suite writes them ----

def plain(v):
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    if isinstance(v, dict):
        return {str(k): plain(x) for k, x in v.items()}
    if isinstance(v, decimal.Decimal):
        return v
    if v is None or isinstance(v, (bool, int, float, str)):
        return v
    return show(v)


class Exact(json.JSONEncoder):
    def iterencode(self, o, _one_shot=False):
        yield from self.nested(o)

    def nested(self, o):
        if isinstance(o, list):
            yield "["
            for i, x in enumerate(o):
                yield "," if i else ""
                yield from self.nested(x)
            yield "]"
        elif isinstance(o, dict):
            yield "{"
            for i, (k, x) in enumerate(o.items()):
                yield ("," if i else "") + json.dumps(k, ensure_ascii=False) + ":"
                yield from self.nested(x)
            yield "}"
        elif isinstance(o, decimal.Decimal):
            yield format(o, "f")
        else:
            yield json.dumps(o, ensure_ascii=False)


def fraction(micros):
    if micros == 0:
        return ""
    return ".%03d" % (micros // 1000) if micros % 1000 == 0 else ".%06d" % micros


def show(v):
    if v is None:
        return "NULL"
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, decimal.Decimal):
        return format(v, "f")
    if isinstance(v, float):
        return "NaN" if math.isnan(v) else repr(v)
    if isinstance(v, datetime.datetime):
        return v.strftime("%Y-%m-%d %H:%M:%S") + fraction(v.microsecond)
    if isinstance(v, datetime.date):
        return v.isoformat()
    if isinstance(v, datetime.time):
        return v.strftime("%H:%M:%S") + fraction(v.microsecond)
    if isinstance(v, (list, tuple, dict)):
        return "".join(Exact().iterencode(plain(v)))
    if isinstance(v, (bytes, memoryview)):
        import base64
        return base64.b64encode(bytes(v)).decode()
    text = str(v)
    if text == "":
        return "(empty)"
    return text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def letter(values):
    for v in values:
        if v is None:
            continue
        if isinstance(v, bool):
            return "B"
        if isinstance(v, int):
            return "I"
        if isinstance(v, (float, decimal.Decimal)):
            return "I" if isinstance(v, decimal.Decimal) and v.as_tuple().exponent == 0 else "R"
        return "T"
    return "?"


# ---- witnesses ----

def types_for(sql, text, double):
    """Names of types and the like that the witness has other words for."""
    sql = re.sub(r"\bSTRING\b(?!\s*\()", text, sql)
    sql = re.sub(r"\bARRAY\s*<\s*(\w+)\s*>", r"\1[]", sql)
    return re.sub(r"\bDOUBLE\b(?! PRECISION)", double, sql)


class Duck:
    def __init__(self):
        import duckdb
        self.db = duckdb.connect()
        self.db.execute("SET integer_division=true; SET ieee_floating_point_ops=false; SET default_null_order='nulls_last'; SET TimeZone='UTC'")
        self.db.execute("SET default_null_order='nulls_last_on_asc_first_on_desc'")

    def run(self, sql):
        sql = re.sub(r"\bBYTES\b", "BLOB", types_for(sql, "VARCHAR", "DOUBLE"))
        cursor = self.db.execute(sql)
        if cursor.description is None:
            return [], []
        kinds = [str(d[1]) for d in cursor.description]
        if any("INTERVAL" in k for k in kinds):
            names = ", ".join(f"CAST(c{i} AS VARCHAR)" if "INTERVAL" in k else f"c{i}" for i, k in enumerate(kinds))
            aliases = ", ".join(f"c{i}" for i in range(len(kinds)))
            cursor = self.db.execute(f"SELECT {names} FROM ({sql}) t({aliases})")
        return kinds, cursor.fetchall()

    def close(self):
        self.db.close()


class Cluster:
    """A PostgreSQL server of our own in a temporary folder, reached through its socket."""

    def __init__(self):
        programs = sorted(p for p in (f"/usr/lib/postgresql/{v}/bin" for v in range(12, 30)) if os.path.exists(p))
        self.bin = programs[-1] + "/" if programs else ""
        self.folder = tempfile.mkdtemp(prefix="witness-pg-")
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self.as_user:
            shutil.chown(self.folder, "postgres")
        self.call("initdb", "-D", self.folder + "/data", "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-E", "UTF8")
        self.call("pg_ctl", "-D", self.folder + "/data", "-w", "-l", self.folder + "/log", "-o",
                  f"-c listen_addresses= -c fsync=off -k {self.folder}", "start")

    def call(self, program, *arguments):
        subprocess.run(self.as_user + [self.bin + program, *arguments], check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.call("pg_ctl", "-D", self.folder + "/data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


class Postgres:
    cluster = None

    def __init__(self):
        import psycopg2
        import psycopg2.extensions as e
        if Postgres.cluster is None:
            Postgres.cluster = Cluster()
        self.db = psycopg2.connect(host=Postgres.cluster.folder, user="postgres", dbname="postgres")
        self.db.autocommit = True
        e.register_type(e.new_type((1186,), "INTERVAL", lambda v, c: v), self.db)
        cursor = self.db.cursor()
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; SET TimeZone='UTC'")

    def run(self, sql):
        sql = re.sub(r"\bBYTES\b", "BYTEA", types_for(sql, "TEXT", "DOUBLE PRECISION"))
        cursor = self.db.cursor()
        cursor.execute(sql)
        if cursor.description is None:
            return [], []
        rows = cursor.fetchall()
        kinds = [d.type_code for d in cursor.description]
        if 1186 in kinds:
            words = lambda v: v if v is None else re.sub(r"\bmon(s?)\b", r"month\1", v)
            rows = [tuple(words(v) if k == 1186 else v for k, v in zip(kinds, r)) for r in rows]
        return kinds, rows

    def close(self):
        self.db.close()


class Lite:
    def __init__(self):
        import sqlite3
        self.db = sqlite3.connect(":memory:")

    def run(self, sql):
        cursor = self.db.execute(types_for(sql, "TEXT", "REAL"))
        return [], cursor.fetchall()

    def close(self):
        self.db.close()


MAKE = {"duckdb": Duck, "postgres": Postgres, "sqlite": Lite}


# ---- comparing ----

def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def value_same(kind, a, b):
    if a == b:
        return True
    if kind == "B":
        return {"1": "true", "0": "false"}.get(b, b) == a
    x, y = (number(a), number(b)) if kind in "RI?" else (None, None)
    return x is not None and y is not None and abs(x - y) <= 1e-9 * max(abs(x), abs(y))


def same(block, expected, rows):
    if len(expected) != len(rows):
        return False
    types = block.types
    for e, a in zip(expected, rows):
        x, y = e.split("\t"), a.split("\t")
        if len(x) != len(y):
            return False
        for i, (p, q) in enumerate(zip(x, y)):
            if not value_same(types[0 if block.sort == "valuesort" or i >= len(types) else i], p, q):
                return False
    return True


def lines_of(block, rows):
    if block.sort == "valuesort":
        lines = [show(v) for r in rows for v in r]
    else:
        lines = ["\t".join(show(v) for v in r) for r in rows]
    return sorted(lines, key=lambda l: l.encode()) if block.sort != "nosort" else lines


def create_table(block):
    m = re.match(r"table (\S+) \((.*)\)$", block.head)
    sql = f"CREATE TABLE {m.group(1)} ({m.group(2)})"
    return sql, f"INSERT INTO {m.group(1)} VALUES {block.text}" if block.text else None


def tell(path, block, name, text):
    print(f"{path}:{block.line}: {name}: {text}")
    print("  " + block.text.replace("\n", "\n  "))


def run_block(path, block, name, witness, fill):
    """0 or 1 disagreements."""
    sql = "\n".join(block.instead[name]) if name in block.instead else block.text
    try:
        if block.kind == "table":
            for s in create_table(block):
                if s is not None:
                    witness.run(s)
            return 0
        kinds, rows = witness.run(sql)
    except Exception as e:
        if block.kind == "statement error":
            return 0
        tell(path, block, name, str(e).strip().split("\n")[0])
        return 1
    if block.kind == "statement error":
        tell(path, block, name, "does not fail")
        return 1
    if block.kind != "query":
        return 0
    lines = lines_of(block, rows)
    if block.expected is None and fill:
        block.expected = lines
        if "?" in block.types and rows:
            letters = "".join(letter([r[i] for r in rows]) for i in range(len(rows[0])))
            words = block.head.split()
            words[1] = letters
            block.head = " ".join(words)
        return 0
    if block.expected is None:
        tell(path, block, name, "there are no rows to compare with; --fill writes them")
        return 1
    expected = sorted(block.expected, key=lambda l: l.encode()) if block.sort != "nosort" else block.expected
    if same(block, expected, lines):
        return 0
    tell(path, block, name, "other rows")
    print("  expected: " + " | ".join(expected[:12]))
    print("  witness:  " + " | ".join(lines[:12]))
    return 1


def run_file(path, names, fill):
    parts = read_file(path)
    blocks = [p for p in parts if isinstance(p, Block)]
    bad = counted = 0
    wanted = [n for n in NAMES if n in names and any(n in b.witnesses for b in blocks)]
    witnesses = {n: MAKE[n]() for n in wanted}
    for block in blocks:
        order = [n for n in block.witnesses if n in witnesses]
        if not block.witnesses:
            tell(path, block, "none", "no witness is named")
            bad += 1
        for n in order:
            bad += run_block(path, block, n, witnesses[n], fill)
            counted += block.kind != "table"
    for w in witnesses.values():
        w.close()
    if fill:
        write_file(path, parts)
    print(f"{path}: {len([b for b in blocks if b.kind != 'table'])} statements, {counted} asked of {', '.join(wanted)}, {bad} disagreements")
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--fill", action="store_true")
    parser.add_argument("--with", dest="names", default=",".join(NAMES))
    options = parser.parse_args()
    try:
        bad = sum(run_file(f, options.names.split(","), options.fill) for f in options.files)
    finally:
        if Postgres.cluster is not None:
            Postgres.cluster.stop()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
