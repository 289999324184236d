"""Functions in C: the example library is compiled and used; libraries that are missing, wrong or of another interface."""

import os
import subprocess
import tempfile

from cli_test import Place, contains, equal

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CASES = []
GEO = """CREATE FUNCTION distance_km(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE) RETURNS DOUBLE LANGUAGE C AS './geo.so';
CREATE FUNCTION initials(name STRING) RETURNS STRING LANGUAGE C AS './geo.so', 'initials';
CREATE FUNCTION weighted_mean(value DOUBLE, weight DOUBLE) RETURNS DOUBLE LANGUAGE C AS './geo.so';
"""
# One file with everything that a library may do wrong, and every type.
OTHER = r"""
#include <sluice_function.h>
#include <string.h>
static int same(const SluiceCall *call, const SluiceColumn *a, int n_args, int32_t n, SluiceResult *out)
{
	size_t width = out->kind == SLUICE_BOOLEAN ? 1 : out->kind == SLUICE_STRING || out->kind == SLUICE_BYTES ? sizeof(SluiceText)
		: out->kind == SLUICE_BIGINT || out->kind == SLUICE_DOUBLE || out->kind == SLUICE_TIMESTAMP ? 8 : 4;
	(void)call; (void)n_args;
	if (a->kind != out->kind) return 1;
	for (int32_t i = 0; i < n; i++)
		if (sluice_is_null(a, i)) sluice_set_null(out, i);
		else memcpy((char *)out->data + i * width, (const char *)a->data + (size_t)i * a->step * width, width);
	return 0;
}
#define SAME(t) const SluiceFunction same_##t = {SLUICE_FUNCTION_HEAD, NULL, NULL, 0, same, NULL};
SAME(boolean) SAME(integer) SAME(bigint) SAME(double) SAME(string) SAME(bytes) SAME(date) SAME(time) SAME(timestamp)
static int bad_text(const SluiceCall *call, const SluiceColumn *a, int n_args, int32_t n, SluiceResult *out)
{
	(void)call; (void)a; (void)n_args;
	for (int32_t i = 0; i < n; i++) ((SluiceText *)out->data)[i] = (SluiceText){"\xff\xfe", 2};
	return 0;
}
static int fails(const SluiceCall *call, const SluiceColumn *a, int n_args, int32_t n, SluiceResult *out)
{
	(void)a; (void)n_args; (void)n; (void)out;
	call->fail(call, "no luck today");
	return 1;
}
const SluiceFunction not_text = {SLUICE_FUNCTION_HEAD, "( bigint )->string", NULL, 0, bad_text, NULL};
const SluiceFunction unlucky = {SLUICE_FUNCTION_HEAD, "(BIGINT) -> BIGINT", NULL, 0, fails, NULL};
const SluiceFunction future = {99, sizeof(SluiceFunction), NULL, NULL, 0, fails, NULL};
const SluiceFunction nothing = {SLUICE_FUNCTION_HEAD, NULL, NULL, 0, NULL, NULL};
typedef struct Longest { uint32_t length; char text[60]; } Longest;
static int longest_step(const SluiceCall *call, void *const *states, const SluiceColumn *a, int n_args, int32_t first, int32_t n)
{
	(void)call; (void)n_args;
	for (int32_t i = 0; i < n; i++) {
		Longest *s = states[i];
		SluiceText t;
		if (sluice_is_null(a, first + i)) continue;
		t = sluice_text(a, first + i);
		if (t.length > s->length && t.length <= sizeof s->text) { s->length = (uint32_t)t.length; memcpy(s->text, t.data, t.length); }
	}
	return 0;
}
static void longest_merge(void *into, const void *from)
{
	if (((const Longest *)from)->length > ((Longest *)into)->length) memcpy(into, from, sizeof(Longest));
}
static void longest_result(const SluiceCall *call, const void *state, SluiceResult *out, int32_t row)
{
	const Longest *s = state;
	(void)call;
	if (s->length == 0) sluice_set_null(out, row);
	else ((SluiceText *)out->data)[row] = (SluiceText){s->text, s->length};
}
static const SluiceAggregate longest_aggregate = {sizeof(SluiceAggregate), sizeof(Longest), NULL, longest_step, NULL, longest_merge, longest_result};
const SluiceFunction longest = {SLUICE_FUNCTION_HEAD, "(STRING) -> STRING", "The longest text.", SLUICE_ORDERED, NULL, &longest_aggregate};
"""


def case(function):
    CASES.append(function)
    return function


def compile_library(p, source, name, *flags):
    command = [*p.cc, "-std=c17", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-O2", "-I", os.path.join(ROOT, "exec", "func"), *flags,
               "-o", os.path.join(p.folder, name), source, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def compile_geo(p):
    compile_library(p, os.path.join(ROOT, "examples", "functions", "geo.c"), "geo.so")


def compile_other(p):
    p.write("other.c", OTHER)
    compile_library(p, os.path.join(p.folder, "other.c"), "other.so")


def good(p, *arguments):
    status, out, err = p.run("--no-header", *arguments)
    equal(status, 0, err)
    return out.splitlines()


def fails(p, sql, *parts):
    status, _, err = p.run("-c", sql)
    equal(status, 1)
    for part in parts:
        contains(err, part)


@case
def the_example(p):
    compile_geo(p)
    good(p, "-c", GEO)
    equal(good(p, "-c", "SELECT ROUND(distance_km(52.52, 13.405, 48.857, 2.352), 1), initials('Ada Élise  Lovelace'), initials(NULL);"), ["877.5,AÉL,"])
    equal(good(p, "-c", "SELECT distance_km(NULL, 1, 2, 3) IS NULL;"), ["true"])
    equal(good(p, "-c", "SELECT initials(n) FROM (VALUES ('a b'), (NULL), ('a very long name that is not inline')) t(n);"), ["ab", "", "avlntini"])
    equal(good(p, "-c", "SELECT k, weighted_mean(v, w) FROM (VALUES ('a',1.0,1.0),('a',3.0,3.0),('b',5.0,0.0),('c',NULL,1.0)) t(k,v,w) GROUP BY k ORDER BY k;"),
          ["a,2.5", "b,", "c,"])
    equal(good(p, "-c", "SELECT weighted_mean(DISTINCT v, w), weighted_mean(v, w) FILTER (WHERE v < 4) FROM (VALUES (1.0,1.0),(1.0,1.0),(4.0,2.0)) t(v,w);"),
          ["3.0,1.0"])
    out = p.run("-c", "SHOW FUNCTIONS;")[1]
    for line in ("DISTANCE_KM,SCALAR,The distance of two places", "WEIGHTED_MEAN,AGGREGATE,The mean of values"):
        contains(out, line)
    out = p.run("-c", "DESCRIBE FUNCTION weighted_mean;")[1]
    contains(out, "WEIGHTED_MEAN(DOUBLE, DOUBLE) -> DOUBLE")
    contains(p.run("-c", "SELECT distance_kn(1,2,3,4);")[2], "Did you mean DISTANCE_KM?")
    # A row that fails is NULL and counted; an aggregate that fails ends the query.
    status, out, err = p.run("--no-header", "-c", "SELECT distance_km(x, 0, 0, 0) FROM (VALUES (95.0), (0.0)) t(x)")
    equal((status, out), (0, "\n0.0\n"))
    contains(err, "a latitude is between -90 and 90")
    fails(p, "SELECT weighted_mean(1, x) FROM (VALUES (-1.0)) t(x)", "WEIGHTED_MEAN: a weight is not negative")


@case
def many_rows_on_several_threads(p):
    compile_geo(p)
    good(p, "-c", GEO)
    sql = "SELECT COUNT(*), ROUND(SUM(distance_km(0, 0, 0, i % 180)), 3), ROUND(weighted_mean(i, 1), 3) FROM GENERATE_SERIES(0, 99999) g(i)"
    one = good(p, "-c", "SET 'threads'='1'; " + sql)
    equal(good(p, "-c", "SET 'threads'='4'; " + sql), one)
    contains(one[0], "100000,")
    p.write("f.csv", "k,v\n" + "".join(f"k{i % 7},{i}\n" for i in range(200000)))
    sql = "SELECT k, ROUND(weighted_mean(v, v % 10), 6), COUNT(DISTINCT initials(k)) FROM 'f.csv' GROUP BY k ORDER BY k"
    equal(good(p, "-c", "SET 'threads'='4'; " + sql), good(p, "-c", "SET 'threads'='1'; " + sql))


@case
def in_persistent_queries(p):
    compile_geo(p)
    compile_other(p)
    good(p, "-c", GEO + """CREATE FUNCTION longest(t STRING) RETURNS STRING LANGUAGE C AS './other.so';
        CREATE STREAM t (k STRING KEY, v DOUBLE, w DOUBLE) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);
        CREATE TABLE m AS SELECT k, weighted_mean(v, w) AS x, longest(CAST(v AS STRING)) AS l FROM t GROUP BY k;
        CREATE TABLE all_m AS SELECT 'all' AS a, weighted_mean(x, 1) AS y FROM m GROUP BY 'all';
        CREATE TABLE s AS SELECT k, weighted_mean(v, w) AS x FROM t WINDOW SESSION (10 SECONDS) GROUP BY k;
        INSERT INTO t (ROWTIME, k, v, w) VALUES (0,'a',1,1), (20000,'a',3,1), (20000,'b',10,1), (10000,'a',8,2);""")
    equal(good(p, "-c", "SELECT * FROM m ORDER BY k; SELECT y FROM all_m; SELECT x FROM s ORDER BY k;"), ["a,5.0,1.0", "b,10.0,10.0", "7.5", "5.0", "10.0"])
    equal(good(p, "-c", "INSERT INTO t (ROWTIME, k, v, w) VALUES (30000,'a',100.25,0); SELECT * FROM m ORDER BY k; SELECT y FROM all_m;"),
          ["a,5.0,100.25", "b,10.0,10.0", "7.5"])
    fails(p, "CREATE TABLE no AS SELECT 'all' AS a, longest(l) AS y FROM m GROUP BY 'all';", "aggregat")
    fails(p, "DROP FUNCTION weighted_mean;", "the queries [", "TERMINATE them first")
    good(p, "-c", "DROP TABLE all_m; DROP TABLE s; DROP TABLE m; DROP FUNCTION weighted_mean; DROP FUNCTION IF EXISTS weighted_mean;")
    fails(p, "SELECT weighted_mean(1, 2);", "Can't find any functions with the name 'WEIGHTED_MEAN'")
    fails(p, "DROP FUNCTION weighted_mean;", "There is no function weighted_mean")


@case
def a_library_that_is_gone(p):
    compile_geo(p)
    good(p, "-c", GEO + """CREATE STREAM t (k STRING KEY, v DOUBLE) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);
        CREATE TABLE m AS SELECT k, weighted_mean(v, 1) AS x FROM t GROUP BY k;
        CREATE STREAM i AS SELECT k, initials(k) AS c FROM t; CREATE STREAM plain AS SELECT k, v FROM t;
        INSERT INTO t (k, v) VALUES ('a', 1); SELECT * FROM m; SELECT * FROM i;""")
    os.rename(os.path.join(p.folder, "geo.so"), os.path.join(p.folder, "away.so"))
    status, out, err = p.run("-c", "INSERT INTO t (k, v) VALUES ('a', 3); SELECT x FROM m; SELECT k FROM plain; SHOW QUERIES;")
    equal(status, 0)
    contains(out, "x\n1.0\n")
    contains(out, "k\na\na\n")
    contains(out, "ERROR: Function WEIGHTED_MEAN cannot be used: Cannot load the library")
    contains(out, "ERROR: Function INITIALS cannot be used")
    contains(out, "Put the library there and start again.")
    fails(p, "SELECT initials('a');", "Function INITIALS cannot be used: Cannot load the library", "CREATE OR REPLACE FUNCTION")
    contains(p.run("-c", "SHOW FUNCTIONS;")[1], "INITIALS,SCALAR,Cannot load the library")
    # Back again: the queries go on with their state.
    os.rename(os.path.join(p.folder, "away.so"), os.path.join(p.folder, "geo.so"))
    equal(good(p, "-c", "SELECT x FROM m EMIT CHANGES LIMIT 2; SELECT COUNT(*) FROM i;"), ["1.0", "2.0", "2"])
    contains(p.run("-c", "SHOW QUERIES")[1], "RUNNING")


@case
def every_type_goes_in_and_out(p):
    compile_other(p)
    values = {"boolean": ("TRUE", "true"), "integer": ("-7", "-7"), "bigint": ("CAST(9000000000 AS BIGINT)", "9000000000"), "double": ("1.5e0", "1.5"),
              "string": ("'a text that is longer than a view'", "a text that is longer than a view"), "bytes": ("TO_BYTES('abc', 'utf8')", "YWJj"),
              "date": ("DATE '2024-02-29'", "2024-02-29"), "time": ("TIME '10:11:12'", "10:11:12"),
              "timestamp": ("TIMESTAMP '2024-02-29 10:11:12'", "2024-02-29 10:11:12")}
    good(p, "-c", "".join(f"CREATE FUNCTION same_{t}(x {t}) RETURNS {t} LANGUAGE C AS './other.so';" for t in values))
    for t, (sql, text) in values.items():
        plain = good(p, "-c", f"SELECT {sql};")
        equal(good(p, "-c", f"SELECT same_{t}({sql});"), plain)
        contains(plain[0], text)
        equal(good(p, "-c", f"SELECT same_{t}(x) FROM (VALUES ({sql}), (NULL)) t(x);"), plain + [""] if plain[0] else plain)


@case
def what_is_wrong_is_said(p):
    compile_other(p)
    p.write("text.so", "not a library")
    create = "CREATE FUNCTION %s(x BIGINT) RETURNS %s LANGUAGE C AS '%s'"
    fails(p, create % ("f", "BIGINT", "./none.so"), "none.so", "does not exist")
    fails(p, create % ("f", "BIGINT", "./text.so"), "Cannot load the library of function F", "cc -shared")
    fails(p, create % ("f", "BIGINT", "./other.so"), "has no symbol 'f'", "SLUICE_FUNCTION_HEAD")
    fails(p, create % ("future", "BIGINT", "./other.so"), "made for interface 99", "Compile the library again")
    fails(p, create % ("nothing", "BIGINT", "./other.so"), "either a scalar function or an aggregate")
    fails(p, create % ("unlucky", "STRING", "./other.so"), "is a function (BIGINT) -> BIGINT, not (BIGINT) -> STRING")
    fails(p, create % ("f", "DECIMAL(4,2)", "./other.so"), "cannot have the type DECIMAL(4")
    fails(p, create % ("abs", "BIGINT", "./other.so"), "There is a built-in function ABS")
    fails(p, "CREATE FUNCTION f(x) RETURNS BIGINT LANGUAGE C AS 'other.so'", "Parameter x of function f needs a type")
    fails(p, "CREATE FUNCTION f(x BIGINT) LANGUAGE C AS 'other.so'", "needs the type of its result")
    fails(p, "CREATE FUNCTION f(x BIGINT) RETURNS BIGINT LANGUAGE PYTHON AS 'x.py'", "written in C, not in PYTHON")
    fails(p, "CREATE FUNCTION f(x BIGINT) RETURNS BIGINT DIALECT C AS 'x.py'", "LANGUAGE C AS")
    fails(p, "CREATE FUNCTION f(x BIGINT) AS x + 1", "not supported")
    good(p, "-c", create % ("unlucky", "BIGINT", "./other.so") + ";" + create % ("not_text", "STRING", "./other.so"))
    fails(p, create % ("unlucky", "BIGINT", "./other.so"), "exists already", "OR REPLACE")
    contains(p.run("-c", create.replace("FUNCTION", "FUNCTION IF NOT EXISTS") % ("unlucky", "BIGINT", "./other.so"))[2], "exists already")
    good(p, "-c", create.replace("CREATE", "CREATE OR REPLACE") % ("unlucky", "BIGINT", "./other.so"))
    for call, reason in (("unlucky(x)", "no luck today"), ("not_text(x)", "text that is not UTF-8")):
        status, out, err = p.run("--no-header", "-c", f"SELECT {call} FROM (VALUES (1), (2)) t(x)")
        equal((status, out), (0, "\n\n"))
        contains(err, reason)
    equal(p.run("--set", "ksql.udfs.enabled=false", "-c", create.replace("CREATE", "CREATE OR REPLACE") % ("unlucky", "BIGINT", "./other.so"))[0], 1)


@case
def libraries_by_name(p):
    os.mkdir(os.path.join(p.folder, "ext"))
    p.write("other.c", OTHER)
    compile_library(p, os.path.join(p.folder, "other.c"), "ext/other.so")
    good(p, "-c", "CREATE FUNCTION same_bigint(x BIGINT) RETURNS BIGINT LANGUAGE C AS 'other.so'")
    os.mkdir(os.path.join(p.folder, "elsewhere"))
    done = subprocess.run([os.path.abspath(p.sluice), "--data", "../sluice-data", "--no-header", "-c", "SELECT same_bigint(4);"],
                          cwd=os.path.join(p.folder, "elsewhere"), capture_output=True, text=True)
    equal((done.returncode, done.stdout), (0, "4\n"))


def run_all(options):
    for function in CASES:
        name = "native " + function.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory() as folder:
            try:
                place = Place(options, folder)
                place.sluice = os.path.abspath(place.sluice)
                place.cc = options.cc.split()
                function(place)
                yield name, None
            except Exception as e:      # any trouble is a failure of this test
                yield name, f"{type(e).__name__}: {e}"
