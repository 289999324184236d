#!/usr/bin/env python3
"""Laws of queries over random data: what a continuous query ends with, whatever happens to it on the way.

Each world is a data directory with random streams and tables (several partitions, NULLs, rows that change and go, equal times),
and random queries over it: aggregates, joins of every kind, UNION, DISTINCT, first rows, IN and EXISTS, sub-queries.  Each
query is a case, and each case is held to these laws:

  modes    the rows of the bounded query = the final rows of the continuous one (changes merged or not, small and large batches)
  batches  with batches of one row every record of the output topic is the same as with large batches
  restart  stopped or killed after some epochs and started again, as often as it takes: every record as if nothing had happened

Records are compared with their times, in the order of each key: between partitions there is no order.  Inputs avoid what is known to break the first law: late rows, tables that change after the stream that they are joined with has begun, and
tables with a NULL key, which a query that reads their topic skips.

Alone: tests/property_test.py PATH_OF_SLUICE [--cases N] [--seed N] [--world N] [--verbose]
A failure names the world; `--seed S --world W` repeats it alone, `--keep DIR` leaves its files there.
"""
import argparse
import concurrent.futures
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

QUERIES = 6			# of a world
SLUICE = "build/sluice"
START = 1_700_000_000_000


class Failed(Exception):
    """What went wrong, to be shown."""


class Query:
    """`names` of the result's columns, the SELECT as it is run continuously, and bounded where that is written in another way.

    A chain has a first query, whose result is `MID` in the second.  Between them rows come as they are made, so that only the
    final rows are determined, not the order of records.
    """

    def __init__(self, kind, names, sql, bounded=None, last="", first=None):
        self.kind, self.names, self.sql, self.bounded, self.last, self.first = kind, names, sql, bounded or sql, last, first

    def create(self, name):
        first = f"CREATE {self.first[0]} {name}_mid AS {self.first[1]};\n" if self.first else ""
        return f"{first}CREATE {self.kind} {name} AS {self.sql.replace('MID', name + '_mid')}{self.last};\n"

    def read(self, name):
        return f"SELECT {', '.join(self.names)} FROM {name};\n"


class Maker:
    """Random data and queries, all from one seed."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.partitions = self.r.choice((1, 1, 2, 3, 4))
        n = self.r.choice((2, 5, 12))
        self.key_type = self.r.choice(("STRING", "STRING", "BIGINT"))
        self.keys = [f"k{i}" if self.key_type == "STRING" else i * 7 - 3 for i in range(n)]
        self.groups = self.r.choice((2, 4))

    # ---- data ----

    def value(self, of, null=0.12):
        return None if self.r.random() < null else of()

    def columns(self):
        r = self.r
        return {"g": self.value(lambda: r.randrange(self.groups)), "v": self.value(lambda: r.randrange(-5, 20)),
                "d": self.value(lambda: r.randrange(40) / 2), "s": self.value(lambda: r.choice(("", "red", "green", "Blue", "gr\u00fcn"))),
                "f": self.value(lambda: r.choice(self.keys))}

    def times(self, n, start, steps):
        t = start
        for _ in range(n):
            t += self.r.choice(steps)
            yield t

    def stream_rows(self, n):
        steps = self.r.choice(((0, 100, 400, 1500), (0, 0, 10), (1000, 3000, 12000)))
        return [dict(self.columns(), k=self.value(lambda: self.r.choice(self.keys), 0.04), t=t) for t in self.times(n, START, steps)]

    def table_rows(self, n):
        """Changes of a table, all before the streams begin."""
        return [dict(self.columns(), k=self.r.choice(self.keys), alive=self.r.random() < 0.75, t=t)
                for t in self.times(n, START - 1_000_000, (0, 50, 700))]

    def world(self, folder):
        """The script that makes it."""
        r, script = self.r, []
        key, columns = self.key_type, f"g BIGINT, v BIGINT, d DOUBLE, s STRING, f {self.key_type}"

        def properties(topic):
            partitions = self.partitions if self.partitions == 1 or r.random() < 0.7 else r.randrange(1, 5)
            return f"KAFKA_TOPIC='{topic}', KEY_FORMAT='{r.choice(('KAFKA', 'KAFKA', 'JSON'))}', VALUE_FORMAT='JSON', PARTITIONS={partitions}"

        for name in ("s1", "s2"):
            rows = self.stream_rows(r.choice((3, 20, 60)))
            script.append(f"CREATE STREAM {name} (k {key} KEY, {columns}) WITH ({properties(name)});\n")
            script.append(insert(name, rows, ("k", "g", "v", "d", "s", "f")))
            with open(os.path.join(folder, name + ".jsonl"), "w", encoding="utf-8") as out:
                for row in rows:
                    out.write(json.dumps(dict(row, ts=row["t"])) + "\n")
            script.append(f"CREATE STREAM {name.replace('s', 'f')} (k {key}, {columns}, ts BIGINT) WITH (PATH='{folder}/{name}.jsonl', TIMESTAMP='ts');\n")
        for name in ("1", "2"):
            rows = self.table_rows(r.choice((3, 25, 60)))
            script.append(f"CREATE TABLE b{name} (k {key} PRIMARY KEY, {columns}, alive BOOLEAN) WITH ({properties('b' + name)});\n")
            script.append(insert("b" + name, rows, ("k", "g", "v", "d", "s", "f", "alive")))
            # Rows that are not alive (any more) become tombstones of t1 and t2.
            script.append("SET 'cache.max.bytes.buffering' = '0';\n"
                          f"CREATE TABLE t{name} WITH (KAFKA_TOPIC='t{name}') AS SELECT k, g, v, d, s, f FROM b{name} WHERE alive;\n"
                          f"SELECT COUNT(*) AS n FROM t{name};\n")
        return "".join(script)

    # ---- pieces of queries ----

    def condition(self, a=""):
        r, a = self.r, a and a + "."
        return r.choice((f"{a}v > {r.randrange(-5, 15)}", f"{a}g = {r.randrange(self.groups)}", f"{a}s LIKE '%r%'", f"{a}v IS NOT NULL",
                         f"({a}d < 12.5 OR {a}g IS NULL)", f"NOT ({a}v % 2 = 0)", f"{a}s IN ('red', '', 'gr\u00fcn')", f"{a}v BETWEEN 0 AND 12"))

    def where(self, a="", chance=0.35):
        return f" WHERE {self.condition(a)}" if self.r.random() < chance else ""

    def aggregates(self, of_table, a=""):
        r, a = self.r, a and a + "."
        choices = ["COUNT(*)", f"COUNT({a}v)", f"SUM({a}v)", f"SUM({a}d)", f"AVG({a}v)", f"COUNT(DISTINCT {a}v)", f"COUNT(DISTINCT {a}s)",
                   f"SUM(DISTINCT {a}v)", f"SUM({a}v) FILTER (WHERE {self.condition(a[:-1])})", f"COUNT(DISTINCT {a}s) FILTER (WHERE {a}v > 3)",
                   f"SUM({a}v) * 2 + COUNT(*)", f"AVG(DISTINCT {a}d)", f"ARRAY_SORT(COLLECT_LIST({a}v))", f"HISTOGRAM({a}s)"]
        choices += [f"MIN({a}v)", f"MAX({a}s)", f"MAX({a}d)", f"MIN({a}s) FILTER (WHERE {a}v > 2)", f"MAX({a}v) - MIN({a}v)"]
        if not of_table:
            choices += [ f"ARRAY_SORT(COLLECT_SET({a}s))", f"TOPK({a}v, 2)"]
        return [f"{text} AS a{i}" for i, text in enumerate(r.sample(choices, r.randrange(1, 4)))]

    def group(self):
        return self.r.choice((["k"], ["g"], ["g", "s"], ["k", "g"], ["v % 3"], ["COALESCE(s, '-')"]))

    def having(self):
        return self.r.choice(("", "", "", " HAVING COUNT(*) > 1", " HAVING SUM(v) > 10", " HAVING COUNT(*) % 2 = 1"))

    # ---- queries ----

    def grouped(self, source, of_table, window="", last="", bounds=False):
        keys = self.group()
        named = [f"{key} AS g{i}" for i, key in enumerate(keys)]
        items = named + (["WINDOWSTART AS ws", "WINDOWEND AS we"] if bounds else []) + self.aggregates(of_table)
        sql = f"SELECT {', '.join(items)} FROM {source}{window}{self.where()} GROUP BY {', '.join(keys)}{self.having()}"
        return Query("TABLE", aliases(items), sql, last=last)

    def stream_aggregate(self):
        return self.grouped(self.r.choice(("s1", "s2")), False)

    def window_aggregate(self):
        r = self.r
        window = r.choice(("TUMBLING (SIZE 2 SECONDS)", "HOPPING (SIZE 4 SECONDS, ADVANCE BY 1 SECONDS)", "SESSION (1 SECONDS)", "SESSION (5 SECONDS)"))
        return self.grouped("s1", False, f" WINDOW {window}", bounds=True)

    def final_aggregate(self):
        return self.grouped("f1", False, " WINDOW " + self.r.choice(("TUMBLING (SIZE 2 SECONDS)", "SESSION (3 SECONDS)")), " EMIT FINAL", True)

    def table_aggregate(self):
        return self.grouped(self.r.choice(("t1", "t2", "b1")), True)

    def table_filter(self):
        items = ["k", "g AS g", "v * 2 AS w", "CASE WHEN v > 5 THEN s ELSE 'few' END AS c"]
        return Query("TABLE", aliases(items), f"SELECT {', '.join(items)} FROM {self.r.choice(('t1', 'b2'))}{self.where(chance=0.8)}")

    def stream_filter(self):
        items = ["k", "UCASE(s) AS u", "v + g AS w"]
        return Query("STREAM", aliases(items), f"SELECT {', '.join(items)} FROM s1{self.where(chance=0.8)}")

    def on(self, more):
        """The join condition on keys, and perhaps more of it."""
        extra = self.r.choice(("", "", " AND a.v < b.v", " AND b.v > 3", " AND a.g = 1", " AND a.g < b.v AND b.s <> 'red'")) if more else ""
        return extra

    def stream_join(self):
        r = self.r
        how = r.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN"))
        grace = "" if how == "JOIN" else " GRACE PERIOD 1 HOUR"
        key = r.choice(("k", "g"))
        sources = ("s1", "s2") if how == "JOIN" else ("f1", "f2")
        if how == "JOIN" and r.random() < 0.3:
            sources = ("s1", "s1")
        extra = self.on(True)
        side = "b" if how == "RIGHT JOIN" else "a"
        items = [f"{side}.{key} AS k", "a.v AS v", "b.v AS w", "b.s AS s"]
        within = r.choice(("2 SECONDS", "(1 SECONDS, 3 SECONDS)", "500 MILLISECONDS"))
        return Query("STREAM", aliases(items), f"SELECT {', '.join(items)} FROM {sources[0]} a {how} {sources[1]} b WITHIN {within}{grace} "
                     f"ON a.{key} = b.{key}{extra}{self.where('a', 0.2) if how == 'JOIN' else ''}")

    def stream_table_join(self):
        how = self.r.choice(("JOIN", "LEFT JOIN"))
        key = self.r.choice(("k", "f"))
        items = [f"a.{key} AS k", "a.v AS v", "b.v AS w", "b.s AS s"]
        return Query("STREAM", aliases(items), f"SELECT {', '.join(items)} FROM s1 a {how} t1 b ON a.{key} = b.k{self.on(True)}")

    def table_table_join(self):
        how = self.r.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
        rest = f"FROM t1 a {how} {self.r.choice(('t2', 't2', 't1', 'b2'))} b ON a.k = b.k"
        extra = self.on(True) if how == "JOIN" else self.on(True) if how == "LEFT JOIN" else ""
        items = ["a.v AS v", "b.v AS w", "COALESCE(b.s, a.s) AS s"]
        key = {"RIGHT JOIN": "b.k", "FULL JOIN": "ROWKEY"}.get(how, "a.k")
        bounded = {"FULL JOIN": "COALESCE(a.k, b.k)"}.get(how, key)
        where = self.where("a", 0.25)
        return Query("TABLE", ["k"] + aliases(items), f"SELECT {key} AS k, {', '.join(items)} {rest}{extra}{where}",
                     f"SELECT {bounded} AS k, {', '.join(items)} {rest}{extra}{where}")

    def foreign_join(self):
        how = self.r.choice(("JOIN", "LEFT JOIN"))
        items = ["a.k AS k", "a.f AS f", "b.v AS w", "COALESCE(b.s, '-') AS s"]
        return Query("TABLE", aliases(items), f"SELECT {', '.join(items)} FROM t1 a {how} t2 b ON a.f = b.k{self.on(True)}{self.where('a', 0.25)}")

    def keyless(self):
        of_table = self.r.random() < 0.5
        items = self.aggregates(of_table)
        return Query("TABLE", aliases(items), f"SELECT {', '.join(items)} FROM {'b1' if of_table else 's1'}")

    def two_key_join(self):
        how = self.r.choice(("JOIN", "LEFT JOIN"))
        if self.r.random() < 0.5:
            items = ["a.g AS g", "a.s AS s", "a.v AS v", "b.d AS d"]
            return Query("STREAM", aliases(items), f"SELECT {', '.join(items)} FROM s1 a JOIN s2 b WITHIN 2 SECONDS ON a.g = b.g AND a.s = b.s")
        items = ["a.g AS g", "a.s AS s", "a.n AS n", "b.total AS total"]
        return Query("TABLE", aliases(items), f"SELECT {', '.join(items)} FROM (SELECT g, s, COUNT(*) AS n FROM t1 GROUP BY g, s) a {how} "
                     f"(SELECT g, s, SUM(v) AS total FROM t2 GROUP BY g, s) b ON a.g = b.g AND a.s = b.s")

    def full_stream_join(self):
        rest = f"FROM f1 a FULL JOIN f2 b WITHIN 2 SECONDS GRACE PERIOD 1 HOUR ON a.k = b.k{self.on(True)}"
        return Query("STREAM", ["k", "v", "w"], f"SELECT ROWKEY AS k, a.v AS v, b.v AS w {rest}",
                     f"SELECT COALESCE(a.k, b.k) AS k, a.v AS v, b.v AS w {rest}")

    def first_windows(self):
        window = self.r.choice(("TUMBLING (SIZE 3 SECONDS)", "HOPPING (SIZE 4 SECONDS, ADVANCE BY 2 SECONDS)"))
        return Query("TABLE", ["g", "ws", "n"], f"SELECT g, WINDOWSTART AS ws, COUNT(*) AS n FROM s1 WINDOW {window} GROUP BY g "
                     f"ORDER BY n DESC, g, ws LIMIT {self.r.choice((1, 3, 5))}")

    def partition_by(self):
        return Query("STREAM", ["g", "k", "v"], f"SELECT g, k, v FROM s1{self.where()} PARTITION BY g")

    def chain(self):
        r = self.r
        first, source = r.choice(((("STREAM", "SELECT k, g, s, v, d FROM s1 PARTITION BY k"), "s1"), (("TABLE", "SELECT k, g, s, v, d FROM t1 WHERE v > 2"), "t1"),
                                  (("STREAM", "SELECT k, g, s, v, d FROM s1 WHERE v < 9 UNION ALL SELECT k, g, s, v, d FROM s2"), "")))
        source = f"({first[1].replace(' PARTITION BY k', '')})"
        items = ["g AS g"] + self.aggregates(first[0] == "TABLE")
        sql = f"SELECT {', '.join(items)} FROM MID{self.where()} GROUP BY g{self.having()}"
        return Query("TABLE", aliases(items), sql, sql.replace("MID", source), first=first)

    def chain_of_tables(self):
        first = ("TABLE", "SELECT g, COUNT(*) AS n, SUM(v) AS total FROM t1 WHERE g IS NOT NULL GROUP BY g")
        sql = self.r.choice(("SELECT g, n, total FROM MID ORDER BY n DESC, g LIMIT 2", "SELECT g, n, total FROM MID WHERE g IN (SELECT g FROM t2)",
                             "SELECT g, n, total FROM MID WHERE total NOT IN (SELECT v FROM b2 WHERE v IS NOT NULL)",
                             "SELECT m.g AS g, m.n AS n, b.v AS total FROM MID m LEFT JOIN b1 b ON m.n = b.k" if self.key_type == "BIGINT" else
                             "SELECT g, n, total FROM MID WHERE n > 1"))
        return Query("TABLE", ["g", "n", "total"], sql, sql.replace("MID", f"({first[1]})"), first=first)

    def chain_of_windows(self):
        window = self.r.choice(("TUMBLING (SIZE 2 SECONDS)", "SESSION (2 SECONDS)"))
        first = ("TABLE", f"SELECT g, COUNT(*) AS n, SUM(v) AS total FROM s1 WINDOW {window} WHERE g IS NOT NULL GROUP BY g")
        source = first[1].replace("SELECT g,", "SELECT g, WINDOWSTART AS ws,")
        rest = self.r.choice(("FROM MID WHERE n > 1", "FROM MID WHERE n IN (SELECT g FROM t1)", "FROM MID ORDER BY n DESC, g, ws LIMIT 3", "FROM MID"))
        return Query("TABLE", ["g", "ws", "n"], f"SELECT g, WINDOWSTART AS ws, n {rest}", f"SELECT g, ws, n {rest}".replace("MID", f"({source})"),
                     first=first)

    def join_chain(self):
        items = ["a.k AS k", "a.v AS v", "b.v AS w", "c.s AS s"]
        return Query("TABLE", aliases(items), f"SELECT {', '.join(items)} FROM t1 a {self.r.choice(('JOIN', 'LEFT JOIN'))} t2 b ON a.k = b.k "
                     f"{self.r.choice(('JOIN', 'LEFT JOIN'))} b1 c ON a.k = c.k")

    def aggregate_of_join(self):
        how = self.r.choice(("JOIN", "LEFT JOIN"))
        items = ["a.g AS g"] + self.aggregates(True, "b")
        return Query("TABLE", aliases(items), f"SELECT {', '.join(items)} FROM t1 a {how} t2 b ON {self.r.choice(('a.k = b.k', 'a.f = b.k'))} GROUP BY a.g")

    def union_streams(self):
        return Query("STREAM", ["k", "v"], f"SELECT k, v FROM s1{self.where()} UNION ALL SELECT {self.r.choice(('k', 'f'))}, v + 1 FROM s2{self.where()}")

    def union_tables(self):
        third = self.r.choice(("", " UNION ALL SELECT 'three', k, v * 2 FROM t1"))
        if self.r.random() < 0.3:
            return Query("TABLE", ["g", "n"], "SELECT g, COUNT(*) AS n FROM (SELECT g FROM t1 UNION ALL (SELECT g FROM t2 UNION SELECT v FROM t1)) GROUP BY g")
        return Query("TABLE", ["source", "k", "v"], f"SELECT 'one' AS source, k, v FROM t1{self.where()} UNION ALL "
                     f"SELECT 'two', k, v FROM t2{self.where()}{third}")

    def union_distinct(self):
        if self.r.random() < 0.5:
            return Query("STREAM", ["g", "s"], "SELECT g, s FROM s1 UNION SELECT g, s FROM s2")
        return Query("TABLE", ["g", "s"], f"SELECT g, s FROM t1{self.where()} UNION SELECT g, s FROM t2")

    def aggregate_of_union(self):
        a, b = self.r.choice((("t1", "t2"), ("s1", "s2"), ("t1", "t1")))
        items = ["g AS g"] + self.aggregates(a[0] == "t")
        return Query("TABLE", aliases(items), f"SELECT {', '.join(items)} FROM (SELECT g, v, s, d FROM {a}{self.where()} UNION ALL "
                     f"SELECT g, v - 1, s, d FROM {b}) GROUP BY g")

    def distinct(self):
        r = self.r
        columns = r.choice((["g"], ["g", "s"], ["f"], ["v"]))
        if r.random() < 0.5:
            return Query("STREAM", columns, f"SELECT DISTINCT {', '.join(columns)} FROM s1{self.where()}")
        return Query("TABLE", columns, f"SELECT DISTINCT {', '.join(columns)} FROM t1{self.where()}")

    def distinct_window(self):
        return Query("TABLE", ["g", "s", "ws"], f"SELECT DISTINCT g, s, WINDOWSTART AS ws FROM s1 WINDOW TUMBLING (SIZE 3 SECONDS){self.where()}")

    def first_rows(self):
        r = self.r
        order = r.choice(("v DESC, k", "s, v, k", "d DESC NULLS LAST, k DESC", "g NULLS FIRST, s DESC, k", "k"))
        limit = r.choice(("1", "2", "3", "7", "100", "2 OFFSET 1", "3 OFFSET 2"))
        kind = r.random()
        if kind < 0.55:
            return Query("TABLE", ["k", "v", "s"], f"SELECT k, v, s FROM {r.choice(('t1', 'b2'))}{self.where()} ORDER BY {order} LIMIT {limit}")
        if kind < 0.8:
            source = r.choice(("t1", "s1"))
            return Query("TABLE", ["g", "n", "total"], f"SELECT g, COUNT(*) AS n, SUM(v) AS total FROM {source} GROUP BY g "
                         f"ORDER BY {r.choice(('n DESC, g', 'total, g', 'g DESC'))} LIMIT {limit}")
        return Query("TABLE", ["p", "o", "k", "v"], f"SELECT ROWPARTITION AS p, ROWOFFSET AS o, k, v FROM s1{self.where()} "
                     f"ORDER BY v {r.choice(('', 'DESC'))}, p, o LIMIT {limit}")

    def aggregate_of_first_rows(self):
        return Query("TABLE", ["g", "n"], "SELECT g, COUNT(*) AS n FROM (SELECT k, g FROM t1 ORDER BY v DESC, k LIMIT 4) GROUP BY g")

    def test_of_query(self):
        r = self.r
        inner = r.choice(("t2", "s1", "b2"))
        text = r.choice((f"v IN (SELECT v FROM {inner}{self.where()})", f"v NOT IN (SELECT v FROM {inner} WHERE v IS NOT NULL AND {self.condition()})",
                         f"f NOT IN (SELECT k FROM t2{self.where()})", f"f IN (SELECT k FROM {inner}{self.where()})", f"v NOT IN (SELECT v FROM t2{self.where()})",
                         f"EXISTS (SELECT 1 FROM {inner} i WHERE i.g = o.g AND i.s = o.s)", f"NOT EXISTS (SELECT i.v FROM {inner} i WHERE i.v = o.v)",
                         f"NOT EXISTS (SELECT 1 FROM {inner} i WHERE i.f = o.k AND {self.condition('i')})",
                         f"EXISTS (SELECT 1 FROM t2 WHERE {self.condition()})", f"(g, s) IN (SELECT g, s FROM {inner})", f"v + g IN (SELECT v FROM {inner})",
                         f"v IN (SELECT v FROM t2 ORDER BY v DESC, k LIMIT 3)", f"s IN (SELECT DISTINCT s FROM {inner}) AND k NOT IN (SELECT f FROM t2 WHERE f IS NOT NULL)",
                         "v IN (SELECT n FROM (SELECT g, COUNT(*) AS n FROM s1 WINDOW TUMBLING (SIZE 4 SECONDS) GROUP BY g))",
                         f"v IN (SELECT v FROM t1 UNION ALL SELECT v FROM t2 WHERE v > 5)", f"NOT EXISTS (SELECT 1 FROM {inner} WHERE v > 18)",
                         f"g IN (SELECT g FROM {inner} GROUP BY g HAVING COUNT(*) > 2)"))
        more = f" AND {self.condition('o')}" if r.random() < 0.3 else ""
        return Query("TABLE", ["k", "v", "s"], f"SELECT k, v, s FROM t1 o WHERE {text}{more}")

    def stream_test(self):
        word = self.r.choice(("IN", "NOT IN"))
        return Query("STREAM", ["k", "v"], f"SELECT k, v FROM s1 WHERE f {word} (SELECT k FROM t1{self.where()})")

    def aggregate_of_test(self):
        items = ["g AS g"] + self.aggregates(True)
        return Query("TABLE", aliases(items), f"SELECT {', '.join(items)} FROM t1 WHERE f IN (SELECT k FROM t2{self.where()}) GROUP BY g")

    def nested(self):
        items = ["n AS n", "COUNT(*) AS c", "SUM(total) AS total"]
        source, key = self.r.choice((("t1", "g"), ("s1", "k"), ("t2", "s")))
        return Query("TABLE", aliases(items), f"WITH per AS (SELECT {key}, COUNT(*) AS n, SUM(v) AS total FROM {source}{self.where()} GROUP BY {key}) "
                     f"SELECT {', '.join(items)} FROM per WHERE n > 0 GROUP BY n")

    FORMS = ("stream_aggregate", "window_aggregate", "final_aggregate", "table_aggregate", "table_aggregate", "table_filter", "stream_filter",
             "stream_join", "stream_join", "stream_table_join", "table_table_join", "table_table_join", "foreign_join", "join_chain",
             "aggregate_of_join", "union_streams", "union_tables", "union_distinct", "aggregate_of_union", "distinct", "distinct_window",
             "first_rows", "first_rows", "first_rows", "aggregate_of_first_rows", "test_of_query", "test_of_query", "test_of_query", "stream_test",
             "aggregate_of_test", "nested", "keyless", "two_key_join", "two_key_join", "full_stream_join", "first_windows", "partition_by", "chain",
             "chain_of_tables", "chain_of_windows")

    def query(self):
        return getattr(self, self.r.choice(self.FORMS))()


def aliases(items):
    return [item.rsplit(" AS ", 1)[1] if " AS " in item else item for item in items]


def literal(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(value)


def insert(name, rows, columns):
    values = ", ".join("(" + ", ".join([literal(row[c]) for c in columns] + [str(row["t"])]) + ")" for row in rows)
    return f"INSERT INTO {name} ({', '.join(columns)}, ROWTIME) VALUES {values};\n"


# How the continuous forms of a query are run: name, settings.
MODES = (
    ("one", {"cache.max.bytes.buffering": 0, "batch.rows": 1}),
    ("large", {"cache.max.bytes.buffering": 0, "batch.rows": 2048}),
    ("small", {"cache.max.bytes.buffering": 0, "batch.rows": 3, "epoch.rows": 7}),
    ("merged", {"cache.max.bytes.buffering": 10_000_000, "epoch.rows": 11}),
)


def settings(values):
    return "".join(f"SET '{name}' = '{value}';\n" for name, value in values.items())


def log_of(name):
    """Every record of a topic as bytes; a tombstone shows as an offset that is not there."""
    return (f"CREATE STREAM log_{name} (k BYTES KEY, v BYTES) WITH (KAFKA_TOPIC='{name}', KEY_FORMAT='KAFKA', VALUE_FORMAT='KAFKA');\n"
            f"SELECT ROWPARTITION AS p, ROWOFFSET AS o, ROWTIME AS t, k, v FROM log_{name} ORDER BY p, o;\n")


def marker(name):
    return f"SELECT '{name}' AS \"marker\";\n"


class World:
    def __init__(self, folder, seed, verbose=False):
        self.folder, self.maker, self.verbose = folder, Maker(seed), verbose
        self.chance = random.Random(seed + ":restarts")
        self.data = os.path.join(folder, "data")
        self.queries = []

    def run(self, script, data=None, wait=None):
        """Rows by marker, errors by marker; `wait`: killed after so many seconds."""
        path = os.path.join(self.folder, "script.sql")
        with open(path, "a" if data is None else "w", encoding="utf-8") as out:
            out.write(script)
        command = [SLUICE, "--data", data or self.data, "--output", "json", "--keep-going", "-c", script]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        try:
            out, err = process.communicate(timeout=wait or 600)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
            if wait is None:
                raise Failed(f"no answer in 120 s\n{script}")
            return {}, ""
        if process.returncode < 0:
            raise Failed(f"died of signal {-process.returncode}\n{err}\n{script}")
        parts, current = {}, []
        for line in out.splitlines():
            if '"marker"' in line:
                current = parts.setdefault(json.loads(line)["marker"], [])
            else:
                current.append(line)
        return parts, err

    def records(self, lines):
        """By key, those of a key in order; records without a key in any order."""
        rows = [json.loads(line) for line in lines]
        by_key = {}
        for row in rows:
            by_key.setdefault(row["k"] or "", []).append([row["t"], row["v"]])
        keyless = by_key.pop("", [])
        return [json.dumps([key, values]) for key, values in sorted(by_key.items())] + [json.dumps(sorted(map(str, keyless)))]

    def check_case(self, number, query):
        script = marker("bounded") + query.bounded + ";\n"
        for mode, values in MODES:
            script += settings(values) + query.create(f"q{number}_{mode}") + marker(mode) + query.read(f"q{number}_{mode}")
            if mode in ("one", "large", "small"):
                script += marker("log " + mode) + log_of(f"q{number}_{mode}")
        parts, err = self.run(script)
        if err:
            raise Failed(err.strip())
        expected = rows_of(parts["bounded"])
        for mode, _ in MODES:
            differ(f"bounded and continuous ({mode})", expected, rows_of(parts[mode]))
        if query.first:
            return expected, None
        one = self.records(parts["log one"])
        differ("records of batches of one and large ones", one, self.records(parts["log large"]))
        differ("records of batches of one and small epochs", one, self.records(parts["log small"]))
        return expected, one

    def check_restart(self, number, query, fresh, rows, log):
        """The query of the mode `small` again, in a copy of the world from before it, stopped and killed on the way."""
        data = os.path.join(self.folder, f"again{number}")
        name = f"q{number}_small"
        shutil.copytree(fresh, data)
        self.run(settings(dict(MODES[2][1], **{"commit.interval.ms": 1})) + query.create(name), data)
        for _ in range(self.chance.randrange(1, 5)):
            if self.chance.random() < 0.5:
                self.run(f"DESCRIBE {name};", data)
            else:
                self.run("SELECT k FROM s1 WHERE v < -100 EMIT CHANGES;", data, wait=self.chance.uniform(0.004, 0.05))
        parts, err = self.run(marker("rows") + query.read(name) + marker("log") + log_of(name), data)
        if err:
            raise Failed(err.strip())
        differ("rows of an undisturbed run and of one that was stopped", rows, rows_of(parts["rows"]))
        if log is not None:
            differ("records of an undisturbed run and of one that was stopped", log, self.records(parts["log"]))
        shutil.rmtree(data)


def rows_of(lines):
    return sorted(json.dumps(json.loads(line), sort_keys=True) for line in lines)


def differ(what, left, right):
    if left == right:
        return
    lines = [f"{what} differ: {len(left)} and {len(right)} rows"]
    rest = list(right)
    only = [row for row in left if row not in rest or rest.remove(row)]
    lines += ["  only the first:  " + row for row in only[:5]] + ["  only the second: " + row for row in rest[:5]]
    if not only and not rest:
        lines.append("  in another order")
    raise Failed("\n".join(lines))


def run_world(seed, world, keep=None, verbose=False):
    """(name of the case, failure) of each of its queries."""
    label = f"{seed}:{world}"
    folder = keep or tempfile.mkdtemp(prefix="property-")
    os.makedirs(folder, exist_ok=True)
    results = []
    try:
        w = World(folder, label, verbose)
        setup = w.maker.world(folder)
        _, err = w.run(setup)
        if err:
            return [(f"world {world}", f"{err}\n{again(seed, world)}")]
        fresh = os.path.join(folder, "fresh")
        shutil.copytree(w.data, fresh)
        for number in range(QUERIES):
            query = w.maker.query()
            failure = None
            try:
                rows, log = w.check_case(number, query)
                if number % 2 == 0:
                    w.check_restart(number, query, fresh, rows, log)
            except Failed as e:
                failure = f"{e}\n{query.create('q')}{'bounded: ' + query.bounded if query.bounded != query.sql else ''}\n{again(seed, world)}"
            results.append((f"world {world} query {number}", failure))
            if verbose:
                print(f"{label}:{number} {'FAILED' if failure else 'ok'} {query.sql}", flush=True)
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return results


def again(seed, world):
    return f"again: tests/property_test.py {os.path.relpath(SLUICE)} --seed {seed} --world {world}"


def run_worlds(seed, cases, jobs, verbose=False):
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for results in pool.map(lambda world: run_world(seed, world, verbose=verbose), range((cases + QUERIES - 1) // QUERIES)):
            yield from results


def run_all(options):
    global SLUICE
    SLUICE = os.path.abspath(os.path.join(options.bin, "sluice"))
    yield from run_worlds(options.seed if options.seed is not None else 1, options.cases, options.jobs)


def main():
    global SLUICE
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sluice", nargs="?", default=SLUICE)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--world", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--keep", help="leave the files of a world in this folder")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    SLUICE = os.path.abspath(options.sluice)
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")
    began = time.time()
    passed = failed = 0
    results = run_world(options.seed, options.world, options.keep, options.verbose) if options.world is not None else \
        run_worlds(options.seed, options.cases, options.jobs, options.verbose)
    for name, failure in results:
        passed += failure is None
        failed += failure is not None
        if failure is not None:
            print(f"FAIL {name}\n   " + failure.replace("\n", "\n   "), flush=True)
    print(f"seed {options.seed}: {time.time() - began:.1f} s\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
