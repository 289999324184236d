#!/usr/bin/env python3
"""The laws that make bounded and continuous queries, and batches of any size, one system.

  modes    a continuous query that consumed a bounded input to its end has the same final rows as the bounded query
  batches  a batch of n rows means exactly what n batches of one row mean: every change is compared, in order
  threads  a bounded query gives the same rows on one thread and on several
  memory   a bounded query gives the same rows if what it keeps does not fit into memory

Alone: tests/laws_test.py PATH_OF_SLUICE [-v] [NAME ...]      (beginnings of names of cases; default all)
"""
import json
import os
import random
import subprocess
import sys
import tempfile

ROWS = 700
SLUICE = "build/sluice"

DECLARE = """
CREATE STREAM ev (k STRING, g BIGINT, v BIGINT, d DOUBLE, m DECIMAL(9,2), s STRING, b BOOLEAN, ts BIGINT)
	WITH (PATH='ev.jsonl', TIMESTAMP='ts');
CREATE STREAM eo (k STRING, v BIGINT, ts BIGINT) WITH (PATH='eo.jsonl', TIMESTAMP='ts');
CREATE STREAM ro (k STRING, n STRING, ts BIGINT) WITH (PATH='ro.jsonl', TIMESTAMP='ts');
CREATE STREAM ri (k STRING, w BIGINT, n STRING, ts BIGINT) WITH (PATH='ri.jsonl', TIMESTAMP='ts');
"""

AGGREGATES = [
	"COUNT(*) AS c", "COUNT(v) AS cv", "SUM(v) AS sv", "SUM(d) AS sd", "SUM(m) AS sm", "MIN(v) AS mn", "MAX(v) AS mx",
	"MIN(s) AS mns", "MAX(s) AS mxs", "MIN(m) AS mnm", "AVG(v) AS av", "AVG(d) AS ad",
	"SUM(v) FILTER (WHERE b) AS sf", "EARLIEST_BY_OFFSET(v) AS eb", "LATEST_BY_OFFSET(v) AS lb",
	"EARLIEST_BY_OFFSET(s, 3) AS eb3", "LATEST_BY_OFFSET(s, 3) AS lb3", "COLLECT_LIST(v) AS cl", "COLLECT_SET(s) AS cs",
	"TOPK(v, 3) AS tk", "TOPKDISTINCT(v, 3) AS td", "HISTOGRAM(s) AS hi", "COUNT_DISTINCT(s) AS cds",
	"STDDEV_SAMP(v) AS ss", "MEDIAN(v) AS md", "BOOL_OR(b) AS bo", "BOOL_AND(b) AS ba", "STRING_AGG(s, '-') AS sa",
	"CORR(v, d) AS co", "MIN(ts) AS t0", "MAX(ts) AS t1", "ANY_VALUE(g) IS NOT NULL AS an", "ARG_MAX(s, v) AS am", "ARG_MIN(s, v) AS ai",
]
LITTLE_MEMORY = "bounded, little memory"
SPILLED = ("none_", "tumbling_", "hopping_")	# what can be written to temporary files; a part of the cases of each is
WINDOWS = {
	"none": "",
	"tumbling": "WINDOW TUMBLING (SIZE 10 SECONDS)",
	"tumbling_grace": "WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 1 MINUTE)",
	"hopping": "WINDOW HOPPING (SIZE 20 SECONDS, ADVANCE BY 5 SECONDS)",
	"hopping_gaps": "WINDOW HOPPING (SIZE 20 SECONDS, ADVANCE BY 20 SECONDS)",
	"session": "WINDOW SESSION (4 SECONDS)",
	"session_grace": "WINDOW SESSION (2 SECONDS, GRACE PERIOD 1 MINUTE)",
}


class Case:
	"""A query; `select` with aliases on every column, so that the table's columns can be read back by name."""

	def __init__(self, name, columns, rest, kind="TABLE", final=False, modes=True):
		self.name = name
		self.columns = columns
		self.rest = rest
		self.kind = kind
		self.final = final
		self.modes = modes

	def select(self):
		return "SELECT %s %s" % (", ".join(self.columns), self.rest)

	def create(self, name):
		return "CREATE %s %s AS %s%s;" % (self.kind, name, self.select(), " EMIT FINAL" if self.final else "")

	def aliases(self):
		return [c.rsplit(" AS ", 1)[1] if " AS " in c else c for c in self.columns]


def cases():
	found = []
	for wname, window in WINDOWS.items():
		bounds = ["WINDOWSTART AS ws", "WINDOWEND AS we"] if window else []
		for i in range(0, len(AGGREGATES), 5):
			found.append(Case("%s_%d" % (wname, i), ["k"] + bounds + AGGREGATES[i:i + 5], "FROM ev %s GROUP BY k" % window))
		found.append(Case("%s_two_keys" % wname, ["k", "g"] + bounds + ["COUNT(*) AS c", "SUM(v) AS sv"],
						  "FROM ev %s GROUP BY k, g" % window))
		found.append(Case("%s_expression" % wname, ["g % 2 AS p"] + bounds + ["COUNT(*) AS c", "MAX(d) AS sv"],
						  "FROM ev %s WHERE v IS NOT NULL AND v > 20 GROUP BY g %% 2" % window))
		found.append(Case("%s_having" % wname, ["k"] + bounds + ["COUNT(*) AS c", "SUM(v) AS sv"],
						  "FROM ev %s GROUP BY k HAVING COUNT(*) > 3" % window))
		found.append(Case("%s_having_sum" % wname, ["k"] + bounds + ["COUNT(*) AS c", "SUM(v) AS sv"],
						  "FROM ev %s GROUP BY k HAVING SUM(v) %% 2 = 0" % window))
		found.append(Case("%s_computed" % wname, ["k"] + bounds + ["COUNT(*) * 2 + 1 AS c", "UCASE(MAX(s)) AS u",
						  "CASE WHEN SUM(v) > 100 THEN 'many' ELSE 'few' END AS f"], "FROM ev %s GROUP BY k" % window))
		if "GRACE" in window:	# without it EMIT FINAL has no grace, and there are late rows
			found.append(Case("%s_final" % wname, ["k"] + bounds + ["COUNT(*) AS c", "SUM(v) AS sv", "LATEST_BY_OFFSET(s) AS l"],
							  "FROM ev %s GROUP BY k" % window, final=True))
			found.append(Case("%s_final_having" % wname, ["g"] + bounds + ["COUNT(*) AS c", "MAX(v) AS sv"],
							  "FROM ev %s GROUP BY g HAVING COUNT(*) > 1" % window, final=True))
	found.append(Case("filter", ["k", "v", "d * 2 AS d2"], "FROM ev WHERE v > 50", kind="STREAM"))
	found.append(Case("project", ["k", "CONCAT(k, s) AS x", "CAST(v AS STRING) AS vs"], "FROM ev", kind="STREAM"))
	found.append(Case("partition", ["g", "k", "v"], "FROM ev PARTITION BY g", kind="STREAM"))
	found.append(Case("explode", ["k", "EXPLODE(ARRAY[v, g]) AS e"], "FROM ev", kind="STREAM"))
	found.append(Case("union_all", ["k", "v", "s"], "FROM ev UNION ALL SELECT k, w, n FROM ri", kind="STREAM"))
	found.append(Case("union", ["k", "g"], "FROM ev WHERE v > 30 UNION SELECT k, w % 5 FROM ri", kind="STREAM"))
	found.append(Case("distinct", ["DISTINCT k AS k", "g", "b AS b"], "FROM ev", kind="STREAM"))
	found.append(Case("distinct_windows", ["DISTINCT k AS k", "s", "WINDOWSTART AS ws"], "FROM ev WINDOW TUMBLING (SIZE 10 SECONDS)"))
	found.append(Case("distinct_aggregates", ["k", "COUNT(DISTINCT s) AS c", "SUM(DISTINCT v) AS sv", "COUNT(DISTINCT v) FILTER (WHERE b) AS cf"],
					  "FROM ev GROUP BY k"))
	found.append(Case("sub_query", ["n", "COUNT(*) AS c", "SUM(total) AS total"],
					  "FROM (SELECT k, g, COUNT(*) AS n, SUM(v) AS total FROM ev GROUP BY k, g) GROUP BY n"))
	found.append(Case("self_join", ["a.k AS k", "a.g AS g", "a.v AS v", "b.v AS w"],
					  "FROM ev a JOIN ev b WITHIN 1 SECONDS ON a.k = b.k AND a.v < b.v AND a.g = b.g", kind="STREAM"))
	for how in ("JOIN", "LEFT JOIN", "FULL JOIN", "RIGHT JOIN"):
		name = "join_" + how.lower().replace(" ", "_")
		# Outer joins without grace emit padded rows at once, as ksqlDB: more rows than the bounded join has.
		found.append(Case(name, ["ev.k AS k" if how != "FULL JOIN" else "ROWKEY AS k", "ev.v AS v", "ri.w AS w"],
						  "FROM ev %s ri WITHIN 3 SECONDS ON ev.k = ri.k" % how, kind="STREAM", modes=how == "JOIN"))
		# With grace a row whose window is over when it comes is padded at once, as ksqlDB: these inputs are in order of time.
		found.append(Case(name + "_grace", ["%s.k AS k" % ("ro" if how == "RIGHT JOIN" else "eo") if how != "FULL JOIN" else "ROWKEY AS k", "eo.v AS v", "ro.n AS n"],
						  "FROM eo %s ro WITHIN (2 SECONDS, 1 SECONDS) GRACE PERIOD 1 MINUTE ON eo.k = ro.k" % how, kind="STREAM", modes=how != "FULL JOIN"))
	return found


def make_inputs(directory):
	rng = random.Random(20)

	def write(name, rows):
		with open(os.path.join(directory, name), "w") as out:
			for row in rows:
				out.write(json.dumps(row) + "\n")

	def times(n):
		t = 1_700_000_000_000
		for _ in range(n):
			t += rng.choice([0, 1, 40, 300, 700, 1500]) if rng.random() > 0.01 else 12_000
			yield max(1_700_000_000_000, t - (rng.choice([1, 900, 7000, 20000]) if rng.random() < 0.3 else 0))

	def maybe(value, p=0.1):
		return None if rng.random() < p else value

	write("ev.jsonl", ({"k": rng.choice("abcdefg"), "g": rng.randrange(5), "v": maybe(rng.randrange(100)),
						"d": maybe(rng.randrange(4000) / 8), "m": maybe(rng.randrange(100000) / 100, 0.05),
						"s": maybe(rng.choice(["red", "green", "blue", "grey", ""])), "b": maybe(rng.random() < 0.8), "ts": t}
					   for t in times(ROWS)))
	write("ri.jsonl", ({"k": rng.choice("abcdxyz"), "w": rng.randrange(1000), "n": maybe(rng.choice("pqrst")), "ts": t}
					   for t in times(ROWS // 3)))


	for name, ordered in (("ev", "eo"), ("ri", "ro")):
		with open(os.path.join(directory, name + ".jsonl")) as rows:
			write(ordered + ".jsonl", sorted(map(json.loads, rows), key=lambda row: row["ts"]))


def run(directory, script, *options):
	path = os.path.join(directory, "script.sql")
	with open(path, "w") as out:
		out.write(script)
	with tempfile.TemporaryDirectory(prefix="laws-") as data:
		done = subprocess.run([SLUICE, "--data", data, "--output", "json", "--keep-going", *options, "-f", path], cwd=directory,
							  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300)
	return done


def split_cases(done):
	"""Rows by case: a marker SELECT precedes each."""
	parts, current = {}, None
	for line in done.stdout.splitlines():
		if '"case_marker"' in line:
			current = json.loads(line)["case_marker"]
			parts[current] = []
		elif current is not None:
			parts[current].append(line)
	if done.returncode < 0:
		parts["crash"] = ["signal %d" % -done.returncode]
	return parts


def marker(name):
	return "SELECT '%s' AS \"case_marker\";\n" % name


def compare(left, right, errors):
	"""None if equal, else the first differences."""
	if left == right and left:
		return None
	lines = ["%d and %d rows" % (len(left), len(right))]
	for a, b in zip(left + ["-"] * len(right), right + ["-"] * len(left)):
		if a != b and len(lines) < 10:
			lines += ["1: " + a, "2: " + b]
	if not left or not right:
		lines += errors.splitlines()[-6:]
	return "\n".join(lines)


def rounded(row):
	"""Floating sums of parts may differ in their last digits."""
	def walk(value):
		if isinstance(value, float):
			return float("%.12g" % value)
		if isinstance(value, list):
			return [walk(v) for v in value]
		return {k: walk(v) for k, v in value.items()} if isinstance(value, dict) else value
	return json.dumps(walk(json.loads(row)))


def run_chosen(chosen):
	"""Yields the name of each check and its failure."""
	with tempfile.TemporaryDirectory(prefix="laws-") as directory:
		make_inputs(directory)
		selects = DECLARE + "".join(marker(c.name) + c.select() + ";\n" for c in chosen)
		creates = "".join(marker(c.name) + c.create("x_" + c.name) + "\nSELECT %s FROM x_%s;\n" % (", ".join(c.aliases()), c.name)
						  for c in chosen)
		pushes = "".join(marker(c.name) + c.select() + (" EMIT FINAL;\n" if c.final else " EMIT CHANGES;\n") for c in chosen)
		bounded = run(directory, selects, "--threads", "1")
		modes = [
			("continuous, every change", run(directory, DECLARE + "SET 'cache.max.bytes.buffering'='0';\n" + creates)),
			("continuous, small batches", run(directory, DECLARE + "SET 'batch.rows'='3';\n" + creates)),
			("continuous, changes merged", run(directory, DECLARE + creates)),
			("bounded, threads", run(directory, selects, "--threads", "4")),
			(LITTLE_MEMORY, run(directory, selects, "--threads", "1", "--set", "batch.rows=40", "--set", "memory.limit=64K")),
			("bounded, single rows", run(directory, selects, "--threads", "1", "--set", "batch.rows=1")),
		]
		single = run(directory, DECLARE + "SET 'batch.rows'='1';\n" + pushes)
		batches = [("batches of %s, changes" % rows, run(directory, DECLARE + "SET 'batch.rows'='%s';\n" % rows + pushes))
				   for rows in ("7", "2048")]
	parts = {id(done): split_cases(done) for done in [bounded, single] + [m[1] for m in modes] + [b[1] for b in batches]}
	for c in chosen:
		for law, done in modes:
			if c.modes and (law != LITTLE_MEMORY or c.name.startswith(SPILLED)):
				left, right = parts[id(bounded)].get(c.name, []), parts[id(done)].get(c.name, [])
				if law == LITTLE_MEMORY:
					left, right = map(rounded, left), map(rounded, right)
				yield "laws %s: %s" % (c.name, law), compare(sorted(left), sorted(right), bounded.stderr + done.stderr)
		for law, done in batches:
			yield "laws %s: %s" % (c.name, law), compare(parts[id(single)].get(c.name, []), parts[id(done)].get(c.name, []), done.stderr)


def run_all(options):
	global SLUICE
	SLUICE = os.path.abspath(os.path.join(options.bin, "sluice"))
	yield from run_chosen(cases())


def main(arguments):
	global SLUICE
	names = [a for a in arguments if not a.startswith("-")]
	SLUICE = os.path.abspath(names[0] if names else SLUICE)
	chosen = [c for c in cases() if not names[1:] or any(c.name.startswith(w) for w in names[1:])]
	results = list(run_chosen(chosen))
	failed = [r for r in results if r[1] is not None]
	for name, failure in failed:
		print("FAILED %s\n   %s" % (name, failure.replace("\n", "\n   ")))
	print("%d passed, %d failed" % (len(results) - len(failed), len(failed)))
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main(sys.argv[1:]))
