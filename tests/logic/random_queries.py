#!/usr/bin/env python3
"""Makes the files random_*.test: queries that chance has made, the same for the same seed, with the rows that DuckDB gives.

  tests/logic/random_queries.py [--seed N] [--count N] [NAME...]

A query is kept if DuckDB and PostgreSQL both run it and agree on its rows; sluice is not asked.  NAME: one of KINDS, all if none is given.
"""

import argparse
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import witness  # noqa: E402

TABLES = """
table t1 (id INT, a INT, b BIGINT, s STRING, x DOUBLE, m DECIMAL(8,2), d DATE, f BOOLEAN)
(1, 1, 10, 'ant', 1.5e0, 12.50, DATE '2024-01-01', TRUE),
(2, 2, 20, 'bee', -2.25e0, 0.75, DATE '2024-01-15', FALSE),
(3, 2, NULL, 'cat', 0e0, -3.10, DATE '2024-02-29', TRUE),
(4, NULL, 40, 'ant', 4e0, NULL, DATE '2023-12-31', NULL),
(5, 3, 10, NULL, NULL, 99.99, NULL, FALSE),
(6, 5, -7, '', 2.5e0, 12.50, DATE '2024-01-15', TRUE),
(7, NULL, NULL, 'Dog', 100e0, 0.00, DATE '2020-02-29', NULL),
(8, 3, 30, 'bee', -0.5e0, 1.01, DATE '2024-03-01', TRUE)

table t2 (id INT, a INT, c INT, s STRING, m DECIMAL(8,2))
(1, 1, 7, 'ant', 1.00),
(2, 2, 7, 'cow', 2.50),
(3, 2, NULL, 'bee', NULL),
(4, 4, 1, NULL, 12.50),
(5, NULL, 3, 'ant', -4.75),
(6, 3, 9, 'eel', 0.10)

table t3 (a INT, g STRING, n INT)
(1, 'p', 5),
(1, 'q', 3),
(2, 'p', NULL),
(3, NULL, 8),
(5, 'q', 2),
(5, 'p', 1),
(NULL, 'r', 4)

table t4 (a INT, s STRING)
"""

COLUMNS = {
    "t1": {"int": ["id", "a", "b"], "text": ["s"], "double": ["x"], "decimal": ["m"], "date": ["d"], "bool": ["f"]},
    "t2": {"int": ["id", "a", "c"], "text": ["s"], "decimal": ["m"]},
    "t3": {"int": ["a", "n"], "text": ["g"]},
    "t4": {"int": ["a"], "text": ["s"]},
}


class Maker:
    """Random SQL over `sources`: [(alias, table)]."""

    def __init__(self, chance):
        self.r = chance
        self.n = 0

    def pick(self, *of):
        return self.r.choice(of)

    def alias(self):
        self.n += 1
        return f"r{self.n}"

    def column(self, sources, kind):
        found = [f"{alias}.{c}" for alias, table in sources for c in COLUMNS[table].get(kind, [])]
        return self.r.choice(found) if found else None

    # ---- values ----

    def literal(self, kind):
        return {"int": lambda: str(self.r.choice([0, 1, 2, 3, 5, 7, 10, 20, -1, -7])),
                "text": lambda: self.pick("'ant'", "'bee'", "'b'", "''", "'p'", "'Dog'", "'zz'"),
                "double": lambda: self.pick("1.5e0", "-2.5e0", "0.25e0", "10.5e0"),
                "decimal": lambda: self.pick("12.50", "0.5", "-3.1", "100.00"),
                "date": lambda: self.pick("DATE '2024-01-15'", "DATE '2024-02-29'", "DATE '2019-07-04'"),
                "bool": lambda: self.pick("TRUE", "FALSE")}[kind]()

    def value(self, sources, kind, depth=2):
        if depth <= 0 or self.r.random() < 0.35:
            c = self.column(sources, kind)
            return c if c and self.r.random() < 0.8 else self.literal(kind)
        v = lambda k: self.value(sources, k, depth - 1)
        p = lambda: self.predicate(sources, depth - 1)
        forms = {
            "int": [lambda: f"({v('int')} + {v('int')})", lambda: f"({v('int')} - {v('int')})", lambda: f"({v('int')} * {v('int')})",
                    lambda: f"({v('int')} / NULLIF({v('int')}, 0))", lambda: f"({v('int')} % NULLIF({v('int')}, 0))",
                    lambda: f"ABS({v('int')})", lambda: f"COALESCE({v('int')}, {v('int')})", lambda: f"NULLIF({v('int')}, {v('int')})",
                    lambda: f"CASE WHEN {p()} THEN {v('int')} ELSE {v('int')} END", lambda: f"CASE WHEN {p()} THEN {v('int')} END",
                    lambda: f"CASE {v('int')} WHEN {self.literal('int')} THEN {v('int')} WHEN {self.literal('int')} THEN {v('int')} ELSE 0 END",
                    lambda: f"LENGTH({v('text')})", lambda: f"GREATEST({v('int')}, {v('int')})", lambda: f"LEAST({v('int')}, {v('int')})",
                    lambda: f"(-{v('int')})", lambda: f"CAST({v('bool')} AS INT)", lambda: f"EXTRACT(YEAR FROM {v('date')})",
                    lambda: f"EXTRACT(DAY FROM {v('date')})", lambda: f"({v('date')} - {v('date')})",
                    lambda: f"POSITION({v('text')} IN {v('text')})", lambda: f"SIGN({v('int')})", lambda: f"CAST(FLOOR({v('decimal')}) AS INT)"],
            "text": [lambda: f"UPPER({v('text')})", lambda: f"LOWER({v('text')})", lambda: f"({v('text')} || {v('text')})",
                     lambda: f"SUBSTRING({v('text')}, {self.pick(1, 2, 3)}, {self.pick(1, 2)})", lambda: f"COALESCE({v('text')}, {v('text')})",
                     lambda: f"REPLACE({v('text')}, 'e', 'oo')", lambda: f"TRIM({v('text')})", lambda: f"NULLIF({v('text')}, {v('text')})",
                     lambda: f"CAST({v('int')} AS STRING)", lambda: f"REVERSE({v('text')})", lambda: f"LEFT({v('text')}, {self.pick(1, 2)})",
                     lambda: f"RIGHT({v('text')}, {self.pick(1, 2)})", lambda: f"LPAD({v('text')}, {self.pick(2, 4, 6)}, '*')",
                     lambda: f"RPAD({v('text')}, {self.pick(2, 4)}, 'ab')", lambda: f"CASE WHEN {p()} THEN {v('text')} ELSE {v('text')} END",
                     lambda: f"CAST({v('date')} AS STRING)", lambda: f"REPEAT({v('text')}, 2)", 
                     lambda: f"GREATEST({v('text')}, {v('text')})"],
            "double": [lambda: f"({v('double')} + {v('double')})", lambda: f"({v('double')} * {v('double')})", lambda: f"ABS({v('double')})",
                       lambda: f"CAST({v('int')} AS DOUBLE)", lambda: f"({v('double')} / NULLIF({v('double')}, 0))",
                       lambda: f"SQRT(ABS({v('double')}))", lambda: f"COALESCE({v('double')}, {v('double')})",
                       lambda: f"FLOOR({v('double')})", lambda: f"CEIL({v('double')})", lambda: f"({v('double')} - {v('int')})",
                       lambda: f"CASE WHEN {p()} THEN {v('double')} ELSE {v('double')} END"],
            "decimal": [lambda: f"({v('decimal')} + {v('decimal')})", lambda: f"({v('decimal')} - {v('int')})",
                        lambda: f"({self.column(sources, 'decimal') or '1.25'} * {self.literal('decimal')})", lambda: f"ABS({v('decimal')})",
                        lambda: f"COALESCE({v('decimal')}, {v('decimal')})", lambda: f"ROUND({v('decimal')}, 1)",
                        lambda: f"CAST({v('int')} AS DECIMAL(12,2))", lambda: f"CASE WHEN {p()} THEN {v('decimal')} ELSE {v('decimal')} END",
                        lambda: f"NULLIF({v('decimal')}, {v('decimal')})", lambda: f"(-{v('decimal')})"],
            "date": [lambda: f"COALESCE({v('date')}, {v('date')})", lambda: f"({v('date')} + {self.pick(1, 30, 365)})",
                     lambda: f"({v('date')} - {self.pick(1, 60)})", lambda: f"CAST({v('date')} + INTERVAL '{self.pick(1, 2, 13)}' MONTH AS DATE)",
                     lambda: f"CAST(DATE_TRUNC('{self.pick('month', 'year', 'week')}', {v('date')}) AS DATE)", lambda: f"LEAST({v('date')}, {v('date')})",
                     lambda: f"CASE WHEN {p()} THEN {v('date')} ELSE {v('date')} END"],
            "bool": [p, p, lambda: f"COALESCE({p()}, {v('bool')})"],
        }
        return self.r.choice(forms[kind])()

    # ---- conditions ----

    def predicate(self, sources, depth=2):
        kinds = [k for k in ("int", "int", "int", "text", "decimal", "date", "double") if self.column(sources, k)]
        k = self.r.choice(kinds or ["int"])
        v = lambda: self.value(sources, k, depth - 1)
        if depth <= 0:
            return f"{v()} {self.pick('=', '<', '>', '<=', '>=', '<>')} {v()}"
        p = lambda: self.predicate(sources, depth - 1)
        return self.r.choice([
            lambda: f"{v()} {self.pick('=', '<', '>', '<=', '>=', '<>')} {v()}",
            lambda: f"{v()} {self.pick('=', '<', '>', '<=', '>=', '<>')} {v()}",
            lambda: f"({p()} AND {p()})", lambda: f"({p()} OR {p()})", lambda: f"NOT ({p()})",
            lambda: f"{v()} IS {self.pick('', 'NOT ')}NULL", lambda: f"{v()} {self.pick('', 'NOT ')}BETWEEN {v()} AND {v()}",
            lambda: f"{v()} {self.pick('', 'NOT ')}IN ({v()}, {v()}, {self.literal(k)})",
            lambda: f"{v()} {self.pick('', 'NOT ')}IN ({self.literal(k)}, NULL)",
            lambda: f"{v()} IS {self.pick('', 'NOT ')}DISTINCT FROM {v()}",
            lambda: f"{self.value(sources, 'text', 1)} {self.pick('', 'NOT ')}LIKE {self.pick(chr(39) + '%e%' + chr(39), chr(39) + '_e_' + chr(39), chr(39) + 'a%' + chr(39))}",
            lambda: f"{self.value(sources, 'text', 1)} ILIKE '%{self.pick('D', 'A', 't')}%'",
            lambda: f"({p()}) IS {self.pick('', 'NOT ')}{self.pick('TRUE', 'FALSE')}",
            lambda: f"({v()}, {self.value(sources, 'int', 1)}) {self.pick('=', '<>', '<', '>=')} ({v()}, {self.value(sources, 'int', 1)})",
        ])()

    # ---- FROM ----

    def join_on(self, left, right):
        equal = f"{self.r.choice(left)[0]}.a = {right[0]}.a"
        return self.r.choice([lambda: equal, lambda: equal, lambda: f"{equal} AND {self.predicate(left + [right], 1)}",
                              lambda: self.predicate([self.r.choice(left), right], 1),
                              lambda: f"{equal} AND {self.column([self.r.choice(left)], 'text')} = {self.column([right], 'text')}"])()

    def source(self, n=None):
        """(text, sources)"""
        n = n or self.r.choice([1, 2, 2, 2, 3])
        alias, table = self.alias(), self.pick("t1", "t2", "t3", "t1")
        text, sources = f"{table} {alias}", [(alias, table)]
        for _ in range(n - 1):
            alias, table = self.alias(), self.pick("t1", "t2", "t3", "t3", "t4")
            kind = self.pick("JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN")
            right = (alias, table)
            if kind == "CROSS JOIN":
                text += f" CROSS JOIN {table} {alias}"
            else:
                # PostgreSQL takes FULL joins on equalities only
                on = f"{sources[-1][0]}.a = {alias}.a" if kind == "FULL JOIN" else self.join_on(sources, right)
                text += f" {kind} {table} {alias} ON {on}"
            sources.append(right)
        return text, sources

    def items(self, sources, n=None):
        return [self.value(sources, self.pick("int", "int", "text", "decimal", "date", "double", "bool"), 2) for _ in range(n or self.r.randint(1, 3))]


def ordered(maker, sql, n):
    """Rows in a full order, so that LIMIT is decided."""
    keys = [f"{i + 1}{maker.pick('', '', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST', ' ASC NULLS LAST')}" for i in range(n)]
    maker.r.shuffle(keys)
    tail = maker.pick("", "", f" LIMIT {maker.pick(0, 1, 3, 5)}", f" LIMIT {maker.pick(2, 4)} OFFSET {maker.pick(1, 3)}", f" OFFSET {maker.pick(1, 4)}")
    return f"{sql} ORDER BY {', '.join(keys)}{tail}"


def named(items):
    return ", ".join(f"{e} AS c{i}" for i, e in enumerate(items))


def make_expressions(m):
    table = m.pick("t1", "t1", "t2")
    items = m.items([(table, table)], m.r.randint(1, 3))
    return f"SELECT {table}.id, {', '.join(items)} FROM {table}", "rowsort"


def make_select(m):
    text, sources = m.source()
    items = m.items(sources)
    where = f" WHERE {m.predicate(sources)}" if m.r.random() < 0.7 else ""
    distinct = m.pick("", "", "DISTINCT ")
    sql = f"SELECT {distinct}{named(items)} FROM {text}{where}"
    return (ordered(m, sql, len(items)), "nosort") if m.r.random() < 0.4 else (sql, "rowsort")


def aggregate(m, sources):
    k = m.pick("int", "int", "decimal", "text", "date", "double")
    v = m.value(sources, k, 1)
    filter_ = f" FILTER (WHERE {m.predicate(sources, 1)})" if m.r.random() < 0.25 else ""
    number = k in ("int", "decimal", "double")
    call = m.r.choice([lambda: "COUNT(*)", lambda: f"COUNT({v})", lambda: f"COUNT(DISTINCT {v})", lambda: f"MIN({v})", lambda: f"MAX({v})",
                       lambda: f"SUM({v})" if number else f"MAX({v})", lambda: f"AVG({v})" if number else f"MIN({v})",
                       lambda: f"SUM(DISTINCT {v})" if number else f"COUNT({v})",
                       lambda: "STRING_AGG({0}, ',' ORDER BY {0}{1})".format(m.column(sources, "text") or "'k'", m.pick("", " DESC")),
                       lambda: f"BOOL_AND({m.predicate(sources, 1)})", lambda: f"BOOL_OR({m.predicate(sources, 1)})"])()
    return call + filter_


def make_aggregate(m):
    text, sources = m.source(m.pick(1, 1, 2, 3))
    keys = [m.value(sources, m.pick("int", "text", "bool"), m.pick(0, 0, 1)) for _ in range(m.r.choice([0, 1, 1, 2, 2]))]
    keys = [k for k in keys if "." in k]
    calls = [aggregate(m, sources) for _ in range(m.r.randint(1, 3))]
    where = f" WHERE {m.predicate(sources)}" if m.r.random() < 0.4 else ""
    having = f" HAVING {m.pick('COUNT(*) > 1', 'COUNT(*) < 4', aggregate(m, sources) + ' IS NOT NULL', 'MAX(' + m.column(sources, 'int') + ') > 2')}" \
        if m.r.random() < 0.3 else ""
    group = ""
    if keys:
        group = " GROUP BY " + m.pick(", ".join(keys), ", ".join(keys), f"ROLLUP ({', '.join(keys)})", f"CUBE ({', '.join(keys)})",
                                      f"GROUPING SETS (({', '.join(keys)}), ({keys[0]}), ())")
    return f"SELECT {named(keys + calls)} FROM {text}{where}{group}{having}", "rowsort"


def sub_source(m):
    alias, table = m.alias(), m.pick("t2", "t3", "t3", "t1", "t4")
    return f"{table} {alias}", [(alias, table)]


def correlated(m, outer, inner):
    """A condition that relates a sub-query to the query around it, or does not."""
    equal = f"{inner[0][0]}.a = {m.column(outer, 'int')}"
    return m.r.choice([lambda: equal, lambda: equal, lambda: f"{equal} AND {m.predicate(inner, 1)}",
                       lambda: f"{m.column(inner, 'int')} {m.pick('<', '>', '<=', '<>')} {m.column(outer, 'int')}",
                       lambda: f"{equal} AND {m.predicate(inner + outer, 1)}", lambda: m.predicate(inner, 1),
                       lambda: f"({equal} OR {m.predicate(inner, 1)})", lambda: m.predicate(inner + outer, 1)])()


def scalar(m, outer):
    text, inner = sub_source(m)
    where = f" WHERE {correlated(m, outer, inner)}" if m.r.random() < 0.85 else ""
    c = m.column(inner, "int")
    what = m.pick(f"MAX({c})", f"MIN({c})", f"SUM({c})", "COUNT(*)", f"COUNT({c})", f"MAX({c} + {m.column(outer, 'int')})",
                  f"COALESCE(SUM({c}), -1)", f"COUNT(*) + 1")
    if m.r.random() < 0.12:
        return f"(SELECT {c} FROM {text}{where} ORDER BY 1 LIMIT 1)"
    return f"(SELECT {what} FROM {text}{where})"


def condition(m, outer):
    text, inner = sub_source(m)
    where = f" WHERE {correlated(m, outer, inner)}" if m.r.random() < 0.85 else ""
    v, c = m.value(outer, "int", 1), m.column(inner, "int")
    return m.r.choice([lambda: f"{m.pick('', 'NOT ')}EXISTS (SELECT 1 FROM {text}{where})",
                       lambda: f"{v} {m.pick('', 'NOT ')}IN (SELECT {c} FROM {text}{where})",
                       lambda: f"{v} {m.pick('=', '<', '>', '<=', '>=', '<>')} {m.pick('ANY', 'ALL')} (SELECT {c} FROM {text}{where})",
                       lambda: f"{v} {m.pick('=', '<', '>', '<=', '>=', '<>')} {scalar(m, outer)}",
                       lambda: f"({m.predicate(outer, 1)} OR EXISTS (SELECT 1 FROM {text}{where}))",
                       lambda: f"({v} IN (SELECT {c} FROM {text}{where})) IS {m.pick('TRUE', 'NOT TRUE', 'FALSE', 'NULL')}"])()


def make_subquery(m):
    text, sources = m.source(m.pick(1, 1, 2))
    form = m.r.randint(0, 9)
    if form < 4:
        items = [m.column(sources, "int"), m.column(sources, "text")]
        return f"SELECT {named(items)} FROM {text} WHERE {condition(m, sources)}" + (f" AND {m.predicate(sources, 1)}" if m.r.random() < 0.3 else ""), "rowsort"
    if form < 7:
        items = [m.column(sources, "int"), m.pick(scalar(m, sources), scalar(m, sources), f"CASE WHEN {condition(m, sources)} THEN 1 ELSE 0 END",
                                                  f"{scalar(m, sources)} + {m.column(sources, 'int')}")]
        return f"SELECT {named(items)} FROM {text}", "rowsort"
    if form == 7:
        key = m.column(sources, "int")
        return f"SELECT {key} AS k, COUNT(*) AS n FROM {text} GROUP BY {key} HAVING COUNT(*) >= (SELECT COUNT(*) FROM t3 WHERE t3.a = {key})", "rowsort"
    if form == 8:
        return f"SELECT SUM({scalar(m, sources)}) AS total, COUNT(*) AS n FROM {text}", "rowsort"
    alias = m.alias()
    c = m.column(sources, "int")
    inner, isources = sub_source(m)
    return (f"SELECT {c} AS k, {alias}.v FROM {text} {m.pick('CROSS JOIN', 'LEFT JOIN')} LATERAL (SELECT {m.column(isources, 'int')} AS v FROM {inner} "
            f"WHERE {correlated(m, sources, isources)}) {alias}").replace("LEFT JOIN LATERAL", "LEFT JOIN LATERAL") + \
        "", "lateral"


def frame(m):
    bound = lambda start: m.pick("UNBOUNDED PRECEDING" if start else "UNBOUNDED FOLLOWING", "CURRENT ROW", "1 PRECEDING", "2 FOLLOWING", "3 PRECEDING", "1 FOLLOWING")
    return f" {m.pick('ROWS', 'ROWS', 'RANGE', 'GROUPS')} BETWEEN {bound(True)} AND {bound(False)}" + \
        m.pick("", "", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES", " EXCLUDE NO OTHERS")


def window_call(m, table):
    partition = m.pick("", f"PARTITION BY {m.column([(table, table)], m.pick('int', 'text'))} ")
    key = m.column([(table, table)], "int")
    full = f"ORDER BY {key}{m.pick('', ' DESC', ' NULLS FIRST')}"
    total = full + (f", {table}.id" if table != "t3" else f", {table}.a, {table}.g, {table}.n")
    v = m.column([(table, table)], m.pick("int", "decimal", "int") if table != "t3" else "int")
    return m.r.choice([
        lambda: f"ROW_NUMBER() OVER ({partition}{total})", lambda: f"RANK() OVER ({partition}{full})", lambda: f"DENSE_RANK() OVER ({partition}{full})",
        lambda: f"PERCENT_RANK() OVER ({partition}{full})", lambda: f"CUME_DIST() OVER ({partition}{full})", lambda: f"NTILE({m.pick(1, 2, 3)}) OVER ({partition}{total})",
        lambda: f"LAG({v}) OVER ({partition}{total})", lambda: f"LEAD({v}, {m.pick(1, 2)}) OVER ({partition}{total})", lambda: f"LAG({v}, 1, 0) OVER ({partition}{total})",
        lambda: f"FIRST_VALUE({v}) OVER ({partition}{total})", lambda: f"LAST_VALUE({v}) OVER ({partition}{total}{frame(m)})",
        lambda: f"NTH_VALUE({v}, 2) OVER ({partition}{total}{frame(m)})", lambda: f"SUM({v}) OVER ({partition}{full})", lambda: f"SUM({v}) OVER ({partition}{full}{frame(m)})",
        lambda: f"COUNT(*) OVER ({partition}{full}{frame(m)})", lambda: f"COUNT({v}) OVER ({partition}{total}{frame(m)})", lambda: f"MIN({v}) OVER ({partition}{full}{frame(m)})",
        lambda: f"MAX({v}) OVER ({partition}{full}{frame(m)})", lambda: f"AVG({v}) OVER ({partition})", lambda: f"SUM({v}) FILTER (WHERE {table}.a > 1) OVER ({partition}{full})",
        lambda: f"COUNT(*) OVER ()"])()


def make_window(m):
    table = m.pick("t1", "t1", "t2", "t3")
    key = f"{table}.id" if table != "t3" else "t3.a, t3.g, t3.n"
    calls = [window_call(m, table) for _ in range(m.r.randint(1, 3))]
    sql = f"SELECT {key}, {named(calls)} FROM {table}"
    if m.r.random() < 0.3:
        sql += f" WHERE {m.predicate([(table, table)], 1)}"
    return sql, "rowsort"


def make_sets(m):
    n = m.r.randint(1, 2)
    kinds = [m.pick("int", "int", "text") for _ in range(n)]

    def part():
        text, sources = m.source(m.pick(1, 1, 2))
        where = f" WHERE {m.predicate(sources, 1)}" if m.r.random() < 0.5 else ""
        return f"SELECT {named([m.value(sources, k, m.pick(0, 0, 1)) for k in kinds])} FROM {text}{where}"
    sql = part()
    for _ in range(m.r.randint(1, 3)):
        operator = f"{m.pick('UNION', 'EXCEPT', 'INTERSECT')}{m.pick('', ' ALL')}"
        sql = f"({sql}) {operator} ({part()})" if m.r.random() < 0.7 else f"{sql} {operator} {part()}"
    return (ordered(m, f"SELECT * FROM ({sql}) u", n), "nosort") if m.r.random() < 0.4 else (sql, "rowsort")


def make_with(m):
    """Queries around queries: derived tables, WITH, several levels."""
    text, sources = m.source(m.pick(1, 2))
    items = m.items(sources, 2)
    inner = f"SELECT {m.column(sources, 'int')} AS a, {named(items)} FROM {text}" + (f" WHERE {m.predicate(sources, 1)}" if m.r.random() < 0.5 else "")
    grouped = f"SELECT {m.column(sources, 'int')} AS a, COUNT(*) AS c0, MAX({m.column(sources, 'int')}) AS c1 FROM {text} GROUP BY 1"
    base = m.pick(inner, grouped)
    form = m.r.randint(0, 4)
    if form == 0:
        return f"WITH w AS ({base}) SELECT w.a, w.c0, t3.g FROM w {m.pick('JOIN', 'LEFT JOIN', 'RIGHT JOIN')} t3 ON w.a = t3.a", "rowsort"
    if form == 1:
        return f"WITH w AS ({base}), v AS (SELECT a, COUNT(*) AS n FROM w GROUP BY a) SELECT v.a, v.n, (SELECT COUNT(*) FROM w WHERE w.a = v.a) AS again FROM v", "rowsort"
    if form == 2:
        return f"SELECT q.a, COUNT(q.c1) AS n FROM ({base}) q WHERE q.a IN (SELECT a FROM t2) GROUP BY q.a", "rowsort"
    if form == 3:
        return f"SELECT q.a, q.c0 FROM ({base}) q WHERE q.a > (SELECT AVG(z.a) FROM ({base}) z)", "rowsort"
    return f"SELECT * FROM (SELECT a, c0, ROW_NUMBER() OVER (PARTITION BY a ORDER BY c0, c1) AS n FROM ({base}) q) z WHERE n <= 2", "rowsort"


KINDS = {"expressions": make_expressions, "select": make_select, "aggregate": make_aggregate, "subquery": make_subquery, "window": make_window,
         "sets": make_sets, "with": make_with}
MOST_ROWS = 24


def fix_lateral(sql):
    return sql + " ON TRUE" if "LEFT JOIN LATERAL" in sql and not sql.endswith("ON TRUE") else sql


def agreed(witnesses, block):
    """The rows that both give, or None."""
    kept = []
    for w in witnesses:
        try:
            _, rows = w.run(block.text)
        except Exception:
            return None
        if len(rows) > MOST_ROWS:
            return None
        if "?" in block.types and rows:
            block.head = f"query {''.join(witness.letter([r[i] for r in rows]) for i in range(len(rows[0])))} {block.sort}".replace(" nosort", "")
        kept.append(witness.lines_of(block, rows))
    return kept[0] if kept[0] and witness.same(block, kept[0], kept[1]) else None


def make_file(name, seed, count):
    path = os.path.join(HERE, f"random_{name}.test")
    tables = TABLES.strip("\n").split("\n\n")
    witnesses = [witness.Duck(), witness.Postgres()]
    for t in tables:
        lines = t.split("\n")
        block = witness.Block("table", lines[0], 0)
        block.sql = lines[1:]
        for w in witnesses:
            for sql in witness.create_table(block):
                if sql is not None:
                    w.run(sql)
    chance = random.Random(f"{name} {seed}")
    maker = Maker(chance)
    out, seen, tried, quiet = [], set(), 0, 0
    while len(out) < count and tried < 40 * count:
        tried += 1
        maker.n = 0
        sql, sort = KINDS[name](maker)
        sql = fix_lateral(sql)
        if sql in seen:
            continue
        seen.add(sql)
        block = witness.Block("query", f"query ? {'rowsort' if sort == 'lateral' else sort}".replace(" nosort", ""), 0)
        block.sql = [sql]
        rows = agreed(witnesses, block)
        # A result of NULLs only says little: a few are enough.
        if rows is None or "?" in block.types and (quiet := quiet + 1) > count // 20:
            continue
        out.append("\n".join([block.head, sql, "----"] + rows))
    for w in witnesses:
        w.close()
    head = f"# Made by random_queries.py --seed {seed}: {len(out)} queries on whose rows the witnesses agree.\n# witness: duckdb postgres"
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n\n".join([head] + tables + out) + "\n")
    print(f"{path}: {len(out)} queries of {tried}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=list(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=400)
    options = parser.parse_args()
    try:
        for name in options.names or KINDS:
            make_file(name, options.seed, options.count)
    finally:
        if witness.Postgres.cluster is not None:
            witness.Postgres.cluster.stop()


if __name__ == "__main__":
    main()
