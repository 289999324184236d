"""The command line: exit codes, options, scripts, standard input, what is left behind."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

CASES = []
LIMIT = 300     # seconds for what takes some milliseconds: another program may have the machine


def case(function):
    CASES.append(function)
    return function


class Place:
    """An empty folder and the program in it."""

    def __init__(self, options, folder):
        self.sluice = os.path.join(options.bin, "sluice")
        self.folder = folder
        self.environment = dict(os.environ, HOME=folder, TZ="UTC")

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)

    def run(self, *arguments, stdin=None):
        done = subprocess.run([self.sluice, *arguments], cwd=self.folder, env=self.environment, input=stdin, capture_output=True,
                              text=True, errors="replace", timeout=LIMIT, **({} if stdin is not None else {"stdin": subprocess.DEVNULL}))
        return done.returncode, done.stdout, done.stderr


def equal(actual, expected, what="output"):
    assert actual == expected, f"{what}: expected {expected!r}, got {actual!r}"


def contains(text, part):
    assert part in text, f"expected {part!r} in {text!r}"


@case
def success_is_0(p):
    equal(p.run("-c", "SELECT 1 AS x;"), (0, "x\n1\n", ""))


@case
def spool_copies_what_is_printed(p):
    status, out, err = p.run("-c", "SELECT 1 AS a; SPOOL 'copy.txt'; SELECT 2 AS b; SPOOL OFF; SELECT 3 AS c;")
    equal((status, err), (0, ""))
    equal(out, "a\n1\nb\n2\nc\n3\n")
    with open(os.path.join(p.folder, "copy.txt")) as f:
        equal(f.read(), "b\n2\n")
    equal(p.run("--output", "table", "-c", "SPOOL 'copy.txt'; SELECT 2 AS b;")[0], 0)     # closed at the end
    with open(os.path.join(p.folder, "copy.txt")) as f:
        equal(f.read(), " b\n---\n 2\n(1 row)\n")
    status, _, err = p.run("-c", "SPOOL 'no/where.txt'; SELECT 1;")
    equal(status, 1)
    contains(err, "Cannot write the file 'no/where.txt'")


@case
def a_deleted_row_is_shown_as_one(p):
    sql = """CREATE TABLE u (k STRING PRIMARY KEY, v BIGINT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON', PARTITIONS=1);
        CREATE STREAM us (k STRING KEY, v STRING) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='KAFKA');
        INSERT INTO u VALUES ('a', 1); INSERT INTO us (k, v) VALUES ('a', NULL); SELECT * FROM u EMIT CHANGES LIMIT 2;"""
    equal(p.run("--data", "t", "--output", "table", "-c", sql)[1].splitlines()[2:4], [" a |         1", " a | (deleted)"])
    equal(p.run("--data", "j", "--output", "json", "-c", sql)[1], '{"k":"a","v":1}\n{"k":"a","v":null,"tombstone":true}\n')
    contains(p.run("--data", "v", "--output", "vertical", "-c", sql)[1], "v | (deleted)")


@case
def series_keep_within_the_memory_limit(p):
    for series, n in (("GENERATE_SERIES(1, 5000000)", 5000000), ("RANGE(5000000)", 5000000),
                      ("GENERATE_SERIES(TIMESTAMP '2000-01-01 00:00:00', TIMESTAMP '2030-01-01 00:00:00', INTERVAL 1 MINUTE)", 15779521)):
        equal(p.run("--no-header", "-c", f"SET 'memory.limit'='64M'; SELECT COUNT(*) FROM {series} t(x);"), (0, f"{n}\n", ""))
        status, out, err = p.run("--no-header", "-c", f"SET 'memory.limit'='64M'; SELECT CARDINALITY({series}) AS n;")
        equal((status, out), (1, ""))
        contains(err, " t(x)`, a series has no limit and needs no memory")
    status, out, err = p.run("--no-header", "-c", "SET 'memory.limit'='64M'; SELECT CARDINALITY(GENERATE_SERIES(1, 5000000)) AS n;")
    equal((status, out), (1, ""))
    contains(err, "memory.limit allows")
    equal(p.run("--no-header", "-c", "SELECT CARDINALITY(GENERATE_SERIES(1, 5000000)) AS n;")[:2], (0, "5000000\n"))


@case
def final_semicolon_is_optional(p):
    equal(p.run("-c", "SELECT 1 AS x")[1], "x\n1\n")


@case
def failure_is_1(p):
    status, out, err = p.run("-c", "SELECT nothing FROM 'missing.csv';")
    equal((status, out), (1, ""))
    contains(err, "missing.csv")


@case
def usage_is_2(p):
    for arguments in (["--no-such-option"], ["--output", "tables"], ["--threads", "many"], ["words"], ["-v", "x"], ["-c"]):
        status, out, err = p.run(*arguments)
        equal((arguments, status, out), (arguments, 2, ""))
        assert err, "no message"


@case
def help_and_version(p):
    status, out, err = p.run("--help")
    equal((status, err), (0, ""))
    contains(out, "--data DIR")
    status, out, err = p.run("--version")
    equal((status, out.split()[0]), (0, "sluice"))


@case
def several_commands_in_order(p):
    p.write("two.sql", "SELECT 2 AS b;")
    equal(p.run("-c", "SELECT 1 AS a", "-f", "two.sql", "-c", "SELECT 3 AS c")[1], "a\n1\nb\n2\nc\n3\n")


@case
def stops_at_the_first_error(p):
    status, out, err = p.run("-c", "SELECT 1 AS a; SELECT x FROM 'no.csv'; SELECT 2 AS b;")
    equal((status, out), (1, "a\n1\n"))


@case
def keep_going(p):
    status, out, err = p.run("--keep-going", "-c", "SELECT 1 AS a; SELECT x FROM 'no.csv'; SELECT 2 AS b;")
    equal((status, out), (1, "a\n1\nb\n2\n"))
    contains(err, "no.csv")


@case
def variables(p):
    equal(p.run("-v", "name=x", "-v", "n=7", "-c", "SELECT ${n} AS ${name};")[:2], (0, "x\n7\n"))


@case
def script_of_standard_input(p):
    equal(p.run(stdin="SELECT 1 AS a;\nSELECT 2 AS b;\n")[:2], (0, "a\n1\nb\n2\n"))


@case
def script_errors_name_the_file(p):
    p.write("bad.sql", "SELECT 1 AS a;\n\nSELECT prise FROM 't.csv';\n")
    p.write("t.csv", "price\n1\n")
    status, out, err = p.run("-f", "bad.sql")
    equal(status, 1)
    for part in ("bad.sql", "line 3", "prise", "price", "^"):
        contains(err, part)


@case
def missing_script(p):
    status, out, err = p.run("-f", "nowhere.sql")
    equal(status, 1)
    contains(err, "nowhere.sql")


@case
def output_modes(p):
    sql = "SELECT 1 AS a, 'x,y' AS b, CAST(NULL AS STRING) AS c;"
    equal(p.run("--output", "csv", "-c", sql)[1], 'a,b,c\n1,"x,y",\n')
    equal(p.run("--output", "csv", "--no-header", "-c", sql)[1], '1,"x,y",\n')
    contains(p.run("--output", "json", "-c", sql)[1].replace(" ", ""), '"b":"x,y"')
    contains(p.run("--output", "markdown", "-c", sql)[1], "| a")
    table = p.run("--output", "table", "-c", sql)[1]
    contains(table, "x,y")
    contains(p.run("--output", "vertical", "-c", sql)[1], "x,y")


@case
def files_leave_nothing_behind(p):
    p.write("t.csv", "a\n1\n")
    equal(p.run("-c", "SELECT COUNT(*) AS n FROM 't.csv';")[1], "n\n1\n")
    equal(sorted(os.listdir(p.folder)), ["t.csv"], "folder")


@case
def unknown_names_leave_nothing_behind(p):
    status, out, err = p.run("-c", "SELECT * FROM nowhere;")
    contains(err, "Unknown stream or table `nowhere`")
    equal(os.listdir(p.folder), [], "folder")


@case
def data_directory(p):
    equal(p.run("--data", "d", "-c", "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);")[0], 0)
    assert os.path.isdir(os.path.join(p.folder, "d")), "there is no data directory"
    equal(p.run("--data", "d", "-c", "INSERT INTO s VALUES (5); SELECT a FROM s;")[1], "a\n5\n")


@case
def sluice_data_is_the_default(p):
    p.run("-c", "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);")
    equal(os.listdir(p.folder), ["sluice-data"], "folder")


@case
def one_process_at_a_time(p):
    first = subprocess.Popen([p.sluice, "--data", "d"], cwd=p.folder, env=p.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    try:
        # A script that waits: it is read to its end before it runs, so the waiting is a push query that never ends.
        first.stdin.write("CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);\nINSERT INTO s VALUES (5);\nSELECT * FROM s EMIT CHANGES;\n")
        first.stdin.close()
        equal([first.stdout.readline() for _ in range(2)], ["a\n", "5\n"])
        status, out, err = p.run("--data", "d", "-c", "SHOW STREAMS;")
        equal((status, out), (1, ""))
        contains(err, "d")
        p.write("t.csv", "a\n1\n")
        equal(p.run("--data", "d", "-c", "SELECT a FROM 't.csv';")[:2], (0, "a\n1\n"))
        status, out, err = p.run("--data", "d", "-c", "SELECT b FROM 't.csv';")
        contains(err, "Unknown column `b`")
    finally:
        first.kill()
        first.wait()
        first.stdout.close()
        first.stderr.close()


@case
def corrupt_store(p):
    p.run("--data", "d", "-c", "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);")
    for name in os.listdir(os.path.join(p.folder, "d")):
        path = os.path.join(p.folder, "d", name)
        if os.path.isfile(path) and os.path.getsize(path) > 1000:
            with open(path, "r+b") as f:
                f.write(b"this is not a data base at all, not any more " * 40)
    status, out, err = p.run("--data", "d", "-c", "SHOW STREAMS;")
    equal((status, out), (1, ""))
    assert err, "no message"


@case
def data_directory_that_is_a_file(p):
    p.write("d", "a file")
    status, out, err = p.run("--data", "d", "-c", "SHOW STREAMS;")
    equal((status, out), (1, ""))
    contains(err, "d")


@case
def interrupt_ends_a_push_query(p):
    process = subprocess.Popen([p.sluice, "-c", "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"
                                "INSERT INTO s VALUES (5); SELECT * FROM s EMIT CHANGES;"], cwd=p.folder, env=p.environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    equal([process.stdout.readline() for _ in range(2)], [b"a\n", b"5\n"])
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError(f"it did not end {LIMIT} seconds after SIGINT")
    contains(err.decode(), "Query terminated")


@case
def limit_ends_a_push_query(p):
    status, out, err = p.run("-c", "CREATE STREAM s (a INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"
                             "INSERT INTO s VALUES (1); INSERT INTO s VALUES (2); INSERT INTO s VALUES (3);"
                             "SELECT a FROM s EMIT CHANGES LIMIT 2;")
    equal((status, out), (0, "a\n1\n2\n"))


@case
def closed_pipe_is_no_crash(p):
    with open(os.path.join(p.folder, "big.csv"), "w") as f:
        f.write("a\n" + "".join(f"{i}\n" for i in range(200000)))
    done = subprocess.run(f"'{p.sluice}' -c \"SELECT a FROM 'big.csv'\" | head -n 2", shell=True, cwd=p.folder, env=p.environment,
                          capture_output=True, text=True, timeout=LIMIT)
    equal(done.stdout, "a\n0\n")


@case
def full_disk_is_an_error(p):
    if not os.path.exists("/dev/full"):
        return
    p.write("big.csv", "a\n" + "".join(f"{i}\n" for i in range(20000)))
    with open("/dev/full", "w") as full:
        done = subprocess.run([p.sluice, "-c", "SELECT a FROM 'big.csv'"], cwd=p.folder, env=p.environment, stdin=subprocess.DEVNULL,
                              stdout=full, stderr=subprocess.PIPE, text=True, timeout=LIMIT)
    equal(done.returncode, 1, "exit status")
    contains(done.stderr, "space")


@case
def datagen_writes_lines(p):
    status, out, err = p.run("datagen", "--help")
    contains(out + err, "datagen")


@case
def passwd_makes_a_line_of_the_users_file(p):
    status, out, err = p.run("passwd", "--role", "write", "--role", "ops", "ann", stdin="correct horse\n")
    equal(status, 0)
    assert re.fullmatch(r"ann: \$y\$[^:,\s]+,write,ops\n", out), out
    equal("correct" in out, False)
    assert out != p.run("passwd", "--role", "write", "--role", "ops", "ann", stdin="correct horse\n")[1], "two hashes have one salt"
    contains(p.run("passwd", "--role", "ops", "ann", stdin="correct horse\n")[1], ",ops,read")
    equal(p.run("passwd", "ann", stdin="short\n")[0], 1)
    for arguments in ([], ["a:b"], ["a", "b"], ["--role"], ["--role", "a,b", "ann"], ["--no", "ann"]):
        equal((arguments, p.run("passwd", *arguments, stdin="correct horse\n")[0]), (arguments, 2))


@case
def pages_of_parquet_that_bounds_exclude_are_not_read(p):
    # In one row group, so that only the page index can tell; k goes up and down, so that several pages match, and h is NULL in the first half.
    p.write("a.csv", "i,k,h\n" + "".join(f"{i},{min(i, 200000 - i)},{i if i >= 100000 else ''}\n" for i in range(200000)))
    equal(p.run("-c", "COPY (SELECT i, k, CAST(h AS BIGINT) AS h FROM 'a.csv') TO 'a.parquet' (ROW_GROUP_SIZE 1000000, COMPRESSION gzip)")[0], 0)
    queries = [("SELECT COUNT(*), SUM(i) FROM 'a.parquet' WHERE k = 50000", "2,200000\n"),
               ("SELECT COUNT(*), SUM(i), SUM(h) FROM 'a.parquet' WHERE k BETWEEN 59990 AND 60010", "42,4200000,2940000\n"),
               ("SELECT COUNT(*), MIN(i) FROM 'a.parquet' WHERE h IS NOT NULL AND k >= 99999", "2,100000\n"),
               ("SELECT COUNT(*), MAX(i) FROM 'a.parquet' WHERE h IS NULL AND k > 99998", "1,99999\n"),
               ("SELECT COUNT(*), SUM(k) FROM 'a.parquet' WHERE i IN (3, 70000, 199999)", "3,70004\n")]
    for threads in ("1", "3"):
        for query, rows in queries:
            equal((query, p.run("--no-header", "--threads", threads, "-c", query)[1]), (query, rows))
    path = os.path.join(p.folder, "a.parquet")
    with open(path, "r+b") as f:
        # within the first page of i
        f.seek(1000)
        f.write(bytes(100))
    equal(p.run("-c", "SELECT SUM(i) FROM 'a.parquet'")[0], 1, "exit status when a damaged page is read")
    equal(p.run("--no-header", "-c", "SELECT i, k FROM 'a.parquet' WHERE i = 150000")[1], "150000,50000\n")
    # An index that cannot be read only costs time.
    equal(p.run("-c", "COPY (SELECT i, k, CAST(h AS BIGINT) AS h FROM 'a.csv') TO 'a.parquet' (ROW_GROUP_SIZE 1000000)")[0], 0)
    with open(path, "r+b") as f:
        data = f.read()
        length = int.from_bytes(data[-8:-4], "little")
        f.seek(len(data) - 8 - length - 400)
        f.write(b"\xff" * 400)
    equal(p.run("--no-header", "-c", "SELECT i, k FROM 'a.parquet' WHERE h = 150000 AND k = 50000")[1], "150000,50000\n")


@case
def analytics_bench_answers_and_compares(p):
    bench = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench", "analytics.py")

    def run(*groups):
        done = subprocess.run([sys.executable, bench, "--bin", p.sluice, "--scale", "0.001", "--runs", "1", "--dir", p.folder, *groups],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=3 * LIMIT)
        return done.returncode, done.stdout, done.stderr

    status, out, err = run()
    equal((status, re.findall(r"failed.*", out)), (0, []), "exit status and what failed: " + err)
    # A row of each question: its name, three figures.
    equal(len(re.findall(r"^\| [a-z]\w* \|( [\d.]+ \|){3}$", out, flags=re.M)), 85, "questions")
    # What differs from one format to the other is noticed.
    name = os.path.join(p.folder, "analytics-0.001", "tpch", "lineitem")
    os.remove(name + ".parquet")
    equal(p.run("-c", f"COPY (SELECT * FROM '{name}.csv' WHERE l_linenumber < 7) TO '{name}.parquet'")[0], 0)
    status, out, err = run("tpch_csv/q01", "tpch_parquet/q01")
    equal(status, 1)
    contains(out, "| q01 | failed: the answer differs from that over the other format: row 1: ")
    equal(run("tpch")[0], 2)


@case
def ksqldb_dialect_wants_the_semicolon(p):
    status, out, err = p.run("--dialect", "ksqldb", "-c", "SHOW STREAMS")
    equal(status, 1)
    contains(err, ";")


def run_all(options):
    for function in CASES:
        name = function.__name__.replace("_", " ")
        if options.only not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="sluice-cli-") as folder:
            try:
                function(Place(options, folder))
                yield name, None
            except AssertionError as e:
                yield name, str(e)
            except subprocess.TimeoutExpired as e:
                yield name, f"no answer: {e}"
