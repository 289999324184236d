#!/usr/bin/env python3
"""Joins of every kind and shape beyond memory.limit: the same rows as with memory for all.

Two files of random rows (skewed keys, NULL, -0.0 and NaN, equal values, long text that fills a small limit) are joined in every way: each kind with
each condition, tests and sub-queries that become joins, ASOF with each comparison.  Each query is run with memory for everything, and
with a limit of which each side is more than the whole, on one thread and on three; and EXPLAIN ANALYZE must tell that its join has written.

Alone: tests/spill_test.py PATH_OF_SLUICE [--seed N] [--only TEXT] [--keep DIR]
"""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

ROWS = 500
PAD = 2400			# letters of text: ROWS of them are more than LIMIT
LIMIT = "1M"
DIGEST = ("COUNT(*) AS n, SUM((COALESCE(a.id, -1) * 1009 % 10007) * (COALESCE(b.id, -1) * 31 % 997)) AS h, SUM(LEN(a.pad)) AS p, "
          "SUM(LEN(b.pad)) AS q")
COUNT = "COUNT(*) AS n, SUM(a.id) AS h, SUM(LEN(a.pad)) AS p"
KINDS = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
CONDITIONS = {
    "one key": "a.one = b.one AND a.x < b.x",
    "hot key": "a.k = b.k",
    "hot key, condition": "a.k = b.k AND a.x <= b.x",
    "many keys": "a.n = b.n",
    "many keys, condition": "a.n = b.n AND a.x < b.x",
    "computed keys": "a.n + 1 = b.n + 1 AND a.one = b.one",
    "two keys": "a.k = b.k AND a.s = b.s",
    "text": "a.s = b.s AND a.x < b.x",
    "double": "a.d = b.d",
    "double and key": "a.d = b.d AND a.k = b.k",
    "null-safe": "a.s IS NOT DISTINCT FROM b.s AND a.x > b.x",
    "less": "a.x < b.x",
    "between": "b.x BETWEEN a.x - 5 AND a.x",
    "either": "a.n = b.n OR a.x = b.x + 1",
    "always": "1 = 1",
}


def make_file(path, chance):
    """NaN and -0.0 are written as CSV has them."""
    doubles = ["0.0", "-0.0", "NaN", "1.5", "-2.25", "1e300", ""]
    with open(path, "w") as f:
        f.write("id,one,k,d,s,n,x,pad\n")
        keys = list(range(ROWS * 2))
        chance.shuffle(keys)
        for i in range(ROWS):
            k = "" if chance.random() < 0.05 else "7" if chance.random() < 0.8 else str(chance.randrange(40))
            s = "" if chance.random() < 0.05 else chance.choice(["a", "b", "a text of more than twelve", "another of more than twelve"])
            n = "" if chance.random() < 0.04 else str(keys[i])
            x = "" if chance.random() < 0.03 else str(chance.randrange(300))
            pad = "" if chance.random() < 0.02 else "%06d" % chance.randrange(10 ** 6) * (PAD // 6 - chance.randrange(3))
            f.write(f"{i},1,{k},{chance.choice(doubles)},{s},{n},{x},{pad}\n")


def queries():
    """Names and texts; none has an order."""
    for kind in KINDS:
        for name, condition in CONDITIONS.items():
            yield f"{kind.lower()}, {name}", f"SELECT {DIGEST} FROM a {kind} b ON {condition}"
    yield "cross join", f"SELECT {DIGEST} FROM a CROSS JOIN b"
    for name, condition in CONDITIONS.items():
        # Without `always` each is true of some rows only.
        narrow = condition + " AND a.id % 3 <> b.id % 7"
        test = f"EXISTS (SELECT * FROM b WHERE {narrow} AND a.pad <> b.pad)"
        yield f"exists, {name}", f"SELECT a.id, LEN(a.pad) AS p FROM a WHERE {test}"
        yield f"not exists, {name}", f"SELECT a.id, LEN(a.pad) AS p FROM a WHERE NOT {test}"
        yield f"mark, {name}", f"SELECT a.id, LEN(a.pad) AS p, {test} AS e FROM a"
        yield f"semi, {name}", f"SELECT a.id, LEN(a.pad) AS p FROM a SEMI JOIN b ON {narrow} AND LEN(b.pad) > 0"
        yield f"anti, {name}", f"SELECT {COUNT} FROM a ANTI JOIN b ON {narrow} AND LEN(b.pad) > 0"
    for item in ("pad", "n, pad", "s, pad", "pad, d", "k, s, pad"):
        row = f"({item})" if "," in item else item
        columns = ", ".join(f"b.{c}" for c in item.split(", "))
        known = " AND ".join(f"b.{c} IS NOT NULL" for c in item.split(", "))
        yield f"in, {item}", f"SELECT a.id, LEN(a.pad) AS p FROM a WHERE {row} IN (SELECT {columns} FROM b UNION ALL SELECT {item} FROM a WHERE id % 3 = 0)"
        yield f"not in, {item}", f"SELECT {COUNT} FROM a WHERE {row} NOT IN (SELECT {columns} FROM b)"
        yield f"not in, known, {item}", f"SELECT {COUNT} FROM a WHERE {row} NOT IN (SELECT {columns} FROM b WHERE {known})"
    yield "not in, of the same group", "SELECT a.id, LEN(a.pad) AS p FROM a WHERE a.pad NOT IN (SELECT b.pad FROM b WHERE b.s = a.s AND b.pad IS NOT NULL)"
    yield "not in, below", "SELECT a.id, LEN(a.pad) AS p FROM a WHERE (a.n, a.pad) NOT IN (SELECT b.n, b.pad FROM b WHERE b.x > a.x)"
    yield "any", "SELECT a.id, LEN(a.pad) AS p FROM a WHERE a.pad = ANY (SELECT b.pad FROM b UNION ALL SELECT pad FROM a WHERE id % 3 = 0)"
    yield "all different", "SELECT a.id, LEN(a.pad) AS p FROM a WHERE a.pad <> ALL (SELECT b.pad FROM b WHERE b.pad IS NOT NULL)"
    yield "any of the group", "SELECT a.id, LEN(a.pad) AS p FROM a WHERE a.x > ANY (SELECT b.x FROM b WHERE b.pad > a.pad AND b.k = a.k AND b.id % 20 = 1)"
    yield "all of the group", "SELECT a.id, LEN(a.pad) AS p FROM a WHERE a.x > ALL (SELECT b.x FROM b WHERE b.pad > a.pad AND b.k = a.k AND b.id % 20 = 1)"
    yield "scalar", "SELECT a.id, (SELECT b.pad || '' FROM b WHERE b.id = a.id) AS m FROM a"
    yield "scalar aggregate", "SELECT a.id, (SELECT MAX(b.pad) FROM b WHERE b.n % 500 = a.id % 500) AS m FROM a"
    yield "scalar aggregate, below", "SELECT a.id, LEN(a.pad) AS p, (SELECT COUNT(*) FROM b WHERE b.x < a.x AND b.pad < a.pad) AS m FROM a"
    yield "lateral", f"SELECT {DIGEST} FROM a JOIN LATERAL (SELECT * FROM b WHERE b.k = a.k AND b.x < a.x) b ON TRUE"
    yield "left lateral", f"SELECT {DIGEST} FROM a LEFT JOIN LATERAL (SELECT * FROM b WHERE b.x < a.x AND b.pad > a.pad) b ON TRUE"
    for kind in ("JOIN", "LEFT JOIN"):
        for op in (">=", ">", "<=", "<"):
            for equal in ("", "a.one = b.one AND ", "a.k = b.k AND ", "a.n % 50 = b.n % 50 AND ", "a.s = b.s AND a.k = b.k AND ", "a.d = b.d AND "):
                name = equal.replace(" AND ", ", ") or "no key, "
                yield f"asof {kind.lower()}, {name}{op}", f"SELECT a.id AS i, b.id AS j, LEN(a.pad) AS p, LEN(b.pad) AS q FROM a ASOF {kind} b ON {equal}a.x {op} b.x"
            yield f"asof {kind.lower()}, text, {op}", f"SELECT a.id AS i, b.id AS j, LEN(a.pad) AS p, LEN(b.pad) AS q FROM a ASOF {kind} b ON a.s = b.s AND a.pad {op} b.pad"


# What is kept is little whatever the limit: a sub-query is grouped before it is joined, or its rows are few.
NEEDS_LITTLE = re.compile(r"scalar aggregate$|any of the group|all of the group|not in, of the same group|(exists|mark|semi|anti), ")


def run(sluice, directory, chosen, *options, explain=False):
    """What came out by name of the query, and the errors."""
    text = "".join(f"SELECT '@@{i}' AS mark;\n{'EXPLAIN ANALYZE ' if explain else ''}{sql};\n" for i, (_, sql) in enumerate(chosen))
    done = subprocess.run([sluice, "--no-header", "--keep-going", *options], input=text, cwd=directory, capture_output=True, text=True,
                          errors="replace", timeout=1200)
    parts = re.split(r"^@@(\d+)\n", done.stdout, flags=re.M)
    return {int(parts[i]): parts[i + 1] for i in range(1, len(parts) - 1, 2)}, done.stderr


def difference(wanted, found):
    if sorted(wanted.splitlines()) == sorted(found.splitlines()):
        return None
    missing = set(wanted.splitlines()) - set(found.splitlines())
    more = set(found.splitlines()) - set(wanted.splitlines())
    return f"missing: {sorted(missing)[:3]}\nmore: {sorted(more)[:3]}"[:1500]


def with_files(sql):
    return re.sub(r"(?<!DISTINCT )\b(FROM|JOIN) ([ab])\b", r"\1 '\2.csv' \2", sql)


def run_chosen(sluice, seed, only, keep=None, threads_of_runs=("1", "3"), looks_at_plans=True):
    chosen = [(name, with_files(sql)) for name, sql in queries() if only in name]
    with tempfile.TemporaryDirectory(prefix="spill-") as made:
        directory = keep or made
        chance = random.Random(seed)
        for table in "ab":
            make_file(os.path.join(directory, table + ".csv"), chance)
        wanted, errors = run(sluice, directory, chosen, "--threads", "1", "--set", "memory.limit=1G")
        for threads in threads_of_runs:
            found, more_errors = run(sluice, directory, chosen, "--threads", threads, "--set", "memory.limit=" + LIMIT)
            for i, (name, sql) in enumerate(chosen):
                failure = difference(wanted.get(i, ""), found.get(i, ""))
                if wanted.get(i, "") == "":
                    failure = "no rows\n" + errors[:2000]
                elif failure is not None:
                    failure += "\n" + more_errors[:1000]
                yield f"{name}, {threads} threads", failure and f"{sql}\nseed {seed}\n{failure}"
        if not looks_at_plans:
            return
        plans, _ = run(sluice, directory, chosen, "--threads", "1", "--set", "memory.limit=" + LIMIT, explain=True)
        for i, (name, sql) in enumerate(chosen):
            if not NEEDS_LITTLE.match(name):
                written = re.search(r"(Hash|Asof)Join.*spilled", plans.get(i, ""))
                yield f"{name}, written", None if written else f"{sql}\nThe join has written nothing:\n{plans.get(i, '')}"


def run_all(options):
    """A sanitizer (which gives suites its name) looks for other faults than rows that are missing: one run shows them."""
    sluice = os.path.abspath(os.path.join(options.bin, "sluice"))
    if options.name:
        yield from run_chosen(sluice, 1, "", threads_of_runs=("3",), looks_at_plans=False)
    else:
        yield from run_chosen(sluice, 1, "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("sluice", nargs="?", default="build/sluice")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep")
    options = parser.parse_args()
    results = list(run_chosen(os.path.abspath(options.sluice), options.seed, options.only, options.keep))
    failed = [r for r in results if r[1] is not None]
    for name, failure in failed:
        print("FAILED %s\n   %s" % (name, failure.replace("\n", "\n   ")))
    print("%d passed, %d failed" % (len(results) - len(failed), len(failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
