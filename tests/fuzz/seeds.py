#!/usr/bin/env python3
"""Seeds for the fuzzers of SQL, from tests/sql and the examples of functions: tests/fuzz/seeds.py SLUICE FUZZER FOLDER."""
import glob
import hashlib
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORDS = """
----
{"inputs": [
 {"topic": "s", "timestamp": 0, "key": "a", "value": {"V": 1, "v": 1}},
 {"topic": "s", "timestamp": 9000, "key": "b", "value": {"V": 2, "v": 2}},
 {"topic": "t", "timestamp": 5000, "key": "a", "value": {"V": 3, "v": 3}},
 {"topic": "s", "timestamp": 100, "key": "a", "value": null},
 {"topic": "s", "timestamp": 99000, "key": null, "value": {"V": 4, "v": null}}
]}
"""
DECLARE = """CREATE STREAM s (k STRING KEY, v INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');
CREATE TABLE t (k STRING PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON');
"""
QUERIES = """CREATE TABLE o AS SELECT k, COUNT(*) AS c, SUM(v) AS x FROM s GROUP BY k;
CREATE TABLE o AS SELECT k, COUNT(*) AS c FROM s WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 1 SECOND) GROUP BY k EMIT FINAL;
CREATE TABLE o AS SELECT k, COLLECT_LIST(v) AS c FROM s WINDOW SESSION (5 SECONDS) GROUP BY k;
CREATE TABLE o AS SELECT k, TOPK(v, 2) AS c FROM s WINDOW HOPPING (SIZE 20 SECONDS, ADVANCE BY 5 SECONDS, RETENTION 1 DAY) GROUP BY k HAVING COUNT(*) > 1;
CREATE STREAM o AS SELECT s.k AS k, s.v AS a, t.v AS b FROM s LEFT JOIN t ON s.k = t.k;
CREATE STREAM o AS SELECT l.k AS k, l.v AS a, r.v AS b FROM s l FULL OUTER JOIN s r WITHIN 10 SECONDS GRACE PERIOD 1 SECOND ON l.k = r.k;
CREATE TABLE o AS SELECT v, COUNT(*) AS n, HISTOGRAM(k) AS h FROM t GROUP BY v;
CREATE TABLE o WITH (TTL='10 SECONDS') AS SELECT k, COUNT(*) AS c FROM s GROUP BY k;
CREATE STREAM o AS SELECT k, EXPLODE(ARRAY[v, v + 1]) AS e FROM s WHERE v > 0 PARTITION BY v;
CREATE TABLE o AS SELECT k, v FROM t WHERE v BETWEEN 1 AND 3;"""


def sql_blocks():
    for path in glob.glob(os.path.join(ROOT, "tests", "sql", "**", "*.test"), recursive=True):
        with open(path, encoding="utf-8") as f:
            for block in re.split(r"\n\s*\n", f.read()):
                lines = [line for line in block.split("\n") if line and not line.startswith("#")]
                if lines and re.match(r"(ok|error|note|query|law)\b", lines[0]):
                    text = "\n".join(lines[1:]).split("\n----")[0]
                    yield text if text.rstrip().endswith(";") else text + ";"


def examples(sluice):
    text = subprocess.run([sluice, "--no-header", "-c", "SHOW FUNCTIONS;"], capture_output=True, text=True, cwd="/").stdout
    names = [line.split(",")[0] for line in text.splitlines()]
    text = subprocess.run([sluice, "-c", " ".join(f"DESCRIBE FUNCTION `{n}`;" for n in names)], capture_output=True, text=True, cwd="/").stdout
    for line in text.splitlines():
        m = re.match(r'("(?:[^"]|"")*"|[A-Z_0-9]+\([^"]*\)),', line)
        if m:
            yield "SELECT " + m.group(1).strip('"').replace('""', '"') + ";"


def main():
    sluice, fuzzer, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    seeds = list(sql_blocks()) + list(examples(os.path.abspath(sluice)))
    if fuzzer == "fuzz_parser":
        seeds = ["\n".join(seeds[i:i + 4]) for i in range(0, len(seeds), 4)]
    else:
        seeds = [s + RECORDS for s in seeds[:400]] + [DECLARE + q + RECORDS for q in QUERIES.splitlines()]
    for seed in seeds:
        data = seed.encode()
        with open(os.path.join(folder, hashlib.sha1(data).hexdigest()[:16]), "wb") as f:
            f.write(data)


if __name__ == "__main__":
    main()
