"""The engine beyond single statements: what it logs, what it says of failures, what a restart finds, rows in and out of files."""

import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import time

from cli_test import LIMIT, Place, contains, equal

CASES = []
TOPIC = "CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=2);"
RAW = "CREATE STREAM raw (k STRING KEY, v STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='KAFKA');"


def case(function):
    CASES.append(function)
    return function


def rows(p, *arguments):
    status, out, err = p.run("--no-header", *arguments)
    equal(status, 0, err)
    return out.splitlines()


def state_sizes(p, data="sluice-data"):
    """Rows of durable state: (query or "kept rows", name) -> number, from the file itself."""
    db = sqlite3.connect(os.path.join(p.folder, data, "sluice.db"))
    counts = {}
    for (key,) in db.execute("SELECT key FROM state"):
        number = int.from_bytes(key[:4], "big")
        counts[number] = counts.get(number, 0) + 1
    sizes = {(query, name): counts.get(number, 0) for number, query, name in db.execute("SELECT id, query, name FROM states")}
    db.close()
    return sizes


@case
def processing_log_has_bad_records_and_failed_rows(p):
    sql = TOPIC + RAW + """CREATE STREAM b AS SELECT k, 10 / v AS x FROM t;
        INSERT INTO raw VALUES ('a', 'no json'); INSERT INTO raw VALUES ('a', '{"v":0}'); INSERT INTO raw VALUES ('a', '{"v":5}');
        SELECT * FROM b; SELECT message->type, message->deserializationError->`topic` AS t,
        COALESCE(message->recordProcessingError->errorMessage, message->deserializationError->errorMessage) AS m FROM KSQL_PROCESSING_LOG;"""
    lines = rows(p, "-c", sql)
    equal(lines[:2], ["a,", "a,2"])
    equal(len(lines), 4)
    contains(lines[2], "0,t,")
    contains(lines[2], "Not valid JSON")
    contains(lines[3], "Division by zero")


@case
def a_failed_query_says_why(p):
    sql = TOPIC + RAW + """SET 'ksql.fail.on.deserialization.error'='true'; CREATE STREAM b AS SELECT * FROM t;
        INSERT INTO raw VALUES ('a', 'no json'); SELECT * FROM b; SHOW QUERIES;"""
    status, out, err = p.run("-c", sql)
    equal(status, 0)
    contains(err, "Rows of b may be missing")
    contains(out, "ERROR: t/")
    contains(out, "Not valid JSON")


def wait_for(p, sql, part, *options):
    until = time.time() + LIMIT
    while time.time() < until:
        out = p.run(*options, "-c", sql)[1]
        if part in out:
            return out
        time.sleep(0.05)
    raise AssertionError(f"{sql}: no {part!r} in {out!r}")


@case
def an_error_outlives_a_restart(p):
    sql = TOPIC + RAW + """SET 'ksql.fail.on.deserialization.error'='true'; SET 'ksql.query.error.max.queue.size'='2';
        CREATE STREAM b AS SELECT * FROM t; INSERT INTO raw VALUES ('a', 'no json'); SELECT * FROM b;"""
    p.run("-c", sql)
    contains(p.run("-c", "SHOW QUERIES")[1], "ERROR: t/")
    for _ in range(3):
        contains(p.run("-c", "RESUME ALL; SELECT * FROM b; SHOW QUERIES;")[1], "ERROR: t/")
    out = p.run("-c", "EXPLAIN CSAS_B_3" if "CSAS_B_3" in p.run("-c", "SHOW QUERIES")[1] else "EXPLAIN CSAS_b_3")[1]
    equal(out.count("USER error: t/"), 2)
    contains(out, "RESUME CSAS_b_3 tries it again")


@case
def a_paused_query_in_error_stays_paused(p):
    p.run("-c", TOPIC + RAW + """SET 'ksql.fail.on.deserialization.error'='true'; CREATE STREAM b AS SELECT * FROM t; PAUSE ALL;
        INSERT INTO raw VALUES ('a', 'no json');""")
    contains(p.run("-c", "SHOW QUERIES")[1], "PAUSED")
    contains(p.run("-c", "RESUME ALL; SELECT * FROM b; SHOW QUERIES")[1], "ERROR: t/")
    contains(p.run("-c", "SHOW QUERIES")[1], "ERROR: t/")


@case
def what_may_pass_is_tried_again(p):
    sql = TOPIC + """SET 'ksql.query.retry.backoff.initial.ms'='20'; CREATE STREAM u AS SELECT * FROM t;
        CREATE STREAM u2 (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON'); DROP STREAM u2 DELETE TOPIC;
        INSERT INTO t VALUES ('b', 1); SELECT * FROM u;
        CREATE STREAM u2 (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON', PARTITIONS=2);
        SELECT k, v FROM u2 EMIT CHANGES LIMIT 1; SELECT k FROM u; SHOW QUERIES; EXPLAIN CSAS_u_2;"""
    out = p.run("-c", sql, "--no-header", "--keep-going")[1]
    contains(out, "b,1\nb\n")
    contains(out, "CSAS_u_2,RUNNING")
    contains(out, "SYSTEM error: The topic u does not exist any more")
    contains(p.run("-c", "EXPLAIN CSAS_u_2")[1], "SYSTEM error: The topic u does not exist any more")


def set_meta(p, name, value):
    db = sqlite3.connect(os.path.join(p.folder, "sluice-data", "sluice.db"))
    with db:
        equal(db.execute("UPDATE meta SET value = CAST(? AS BLOB) WHERE name = ?", (value, name)).rowcount, 1)
    old = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    db.close()
    return old


@case
def state_of_another_plan_is_never_used(p):
    rows(p, "-c", TOPIC + "CREATE TABLE n AS SELECT k, COUNT(*) AS c FROM t GROUP BY k; INSERT INTO t VALUES ('a', 1); SELECT * FROM n;")
    db = sqlite3.connect(os.path.join(p.folder, "sluice-data", "sluice.db"))
    (mine,) = db.execute("SELECT CAST(value AS TEXT) FROM meta WHERE name = 'fingerprint/CTAS_n_2'").fetchone()
    db.close()
    set_meta(p, "fingerprint/CTAS_n_2", "0123456789abcdef")
    equal(p.run("-c", "INSERT INTO t VALUES ('a', 1); SELECT c FROM n;")[1], "c\n1\n")
    out = p.run("-c", "SHOW QUERIES")[1]
    contains(out, "ERROR: The plan of query CTAS_n_2")
    contains(out, "does not fit the state that is stored for it (0123456789abcdef)")
    contains(out, "TERMINATE it, DROP what it writes, and CREATE it again")
    contains(p.run("-c", "RESUME CTAS_n_2; SELECT * FROM n; SHOW QUERIES;")[1], "ERROR: The plan")
    contains(p.run("-c", "CREATE OR REPLACE TABLE n AS SELECT k, COUNT(*) AS c FROM t WHERE v > 0 GROUP BY k;")[2], "does not fit the state")
    set_meta(p, "fingerprint/CTAS_n_2", mine)
    equal(rows(p, "-c", "RESUME CTAS_n_2; SELECT c FROM n;"), ["2"])
    contains(p.run("-c", "SHOW QUERIES")[1], "RUNNING")
    # A replaced query goes on with its state, also after a restart.
    rows(p, "-c", "CREATE OR REPLACE TABLE n AS SELECT k, COUNT(*) AS c FROM t WHERE v > 1 GROUP BY k; INSERT INTO t VALUES ('a', 1), ('a', 2); SELECT * FROM n")
    equal(rows(p, "-c", "INSERT INTO t VALUES ('a', 1), ('a', 2); SELECT c FROM n;"), ["4"])
    rows(p, "-c", "DROP TABLE n;")
    db = sqlite3.connect(os.path.join(p.folder, "sluice-data", "sluice.db"))
    equal(db.execute("SELECT name FROM meta WHERE name LIKE '%CTAS_n_2'").fetchall(), [])
    db.close()


@case
def a_topic_that_is_dropped_under_a_query(p):
    sql = TOPIC + """CREATE STREAM u AS SELECT * FROM t; CREATE STREAM u2 (k STRING KEY) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON');
        DROP STREAM u2 DELETE TOPIC; INSERT INTO t VALUES ('b', 1);"""
    equal(p.run("-c", sql)[0], 0)
    equal(p.run("-c", "SHOW QUERIES")[0], 0)


@case
def a_file_that_is_gone_does_not_lock_out(p):
    p.write("f.csv", "k,v\na,1\nb,2\n")
    rows(p, "-c", TOPIC + "CREATE STREAM f WITH (PATH='f.csv'); CREATE TABLE n AS SELECT k, COUNT(*) AS c FROM f GROUP BY k;")
    os.unlink(os.path.join(p.folder, "f.csv"))
    equal(rows(p, "-c", "SELECT * FROM n; INSERT INTO t VALUES ('x', 1); SELECT * FROM t;"), ["a,1", "b,1", "x,1"])
    contains("\n".join(rows(p, "-c", "SHOW QUERIES;")), "COMPLETED")
    status, out, err = p.run("-c", "SELECT * FROM f")
    equal((status, out), (1, ""))
    contains(err, "f.csv")


@case
def copy_to_and_from_files(p):
    p.write("in.csv", "k,v\na,1\nb,2\na,3\n")
    rows(p, "-c", TOPIC + "COPY t FROM 'in.csv'; COPY (SELECT k, SUM(v) AS s FROM t GROUP BY k ORDER BY k) TO 'out.jsonl'; COPY t (v, k) TO 'all.csv';")
    with open(os.path.join(p.folder, "out.jsonl")) as f:
        equal(f.read(), '{"k":"a","s":4}\n{"k":"b","s":2}\n')
    with open(os.path.join(p.folder, "all.csv")) as f:
        equal(sorted(f.read().split()), ["1,a", "2,b", "3,a", "v,k"])


@case
def copy_that_fails_leaves_no_file(p):
    p.write("in.csv", "k,v\na,1\nb,x\n")
    status, _, err = p.run("-c", "COPY (SELECT * FROM 'in.csv' WITH (SCHEMA='k STRING, v BIGINT', STRICT=true)) TO 'out.csv'")
    equal(status, 1)
    contains(err, "in.csv:3")
    equal(os.listdir(p.folder), ["in.csv"])
    contains(p.run("-c", "COPY (SELECT 1 AS x) TO 'no/where.csv'")[2], "no/where.csv")


@case
def datagen_into_a_topic(p):
    equal(p.run("datagen", "orders", "-n", "50", "--topic", "orders", "--data", "d")[0], 0)
    equal(rows(p, "--data", "d", "-c", """CREATE STREAM o (orderid BIGINT, itemid STRING) WITH (KAFKA_TOPIC='orders', VALUE_FORMAT='JSON');
        SELECT COUNT(*), COUNT(DISTINCT orderid) FROM o;"""), ["50,50"])


@case
def idle_timeout_closes_windows(p):
    sql = TOPIC + """SET 'idle.timeout.ms'='100';
        CREATE TABLE w AS SELECT v, COUNT(*) AS n FROM t WINDOW TUMBLING (SIZE 1 SECONDS) GROUP BY v EMIT FINAL;
        INSERT INTO t (k, v, ROWTIME) VALUES ('a', 1, 1000), ('b', 1, 1001);
        SELECT v, n FROM w EMIT CHANGES LIMIT 1;"""
    equal(rows(p, "-c", sql), ["1,2"])


WINDOWED = {
    "w": "WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 30 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY k",
    "h": "WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 30 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY k HAVING COUNT(*) > 0",
    "o": "WINDOW HOPPING (SIZE 20 SECONDS, ADVANCE BY 10 SECONDS, RETENTION 30 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY k",
    "s": "WINDOW SESSION (2 SECONDS, RETENTION 30 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY k",
    "f": "WINDOW TUMBLING (SIZE 10 SECONDS, RETENTION 30 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY k EMIT FINAL",
    "fs": "WINDOW SESSION (2 SECONDS, RETENTION 30 SECONDS, GRACE PERIOD 5 SECONDS) GROUP BY k EMIT FINAL",
}


def one_a_window(first, n):
    values = ",".join(f"({i * 10000},'k{i % 3}',{i})" for i in range(first, first + n))
    return f"INSERT INTO t (ROWTIME, k, v) VALUES {values};"


@case
def retention_frees_state_and_kept_rows(p):
    rows(p, "-c", TOPIC.replace("=2", "=1") + "".join(f"CREATE TABLE {name} AS SELECT k, {'COUNT(*)' if 'SESSION' in rest else 'COUNT(DISTINCT v)'} AS n FROM t {rest};" for name, rest in WINDOWED.items()))
    for first, n in ((0, 60), (60, 40)):        # the second one finds the index of the first
        rows(p, "-c", one_a_window(first, n) + "".join(f"SELECT COUNT(*) FROM {name};" for name in WINDOWED))
        sizes = state_sizes(p)
        kept = {name: number for (query, name), number in sizes.items() if query == "kept rows"}
        equal(set(kept), set(WINDOWED))
        last = first + n - 1
        # S - R <= start: the last four windows of 10 s; a record is in two hops; final ones are one behind.
        equal(kept, {"w": 4, "h": 4, "o": 7, "s": 3, "f": 4, "fs": 3})
        for (query, name), number in sizes.items():
            # A session is swept after half a retention more at the latest.
            assert number <= (12 if "_s_" in query or "_fs_" in query else 8), f"{query} {name}: {number} rows"
        equal(rows(p, "-c", "SELECT WINDOWSTART FROM w ORDER BY 1"), [str((last - 3 + i) * 10000) for i in range(4)])


@case
def a_day_is_kept_where_no_retention_is_written(p):
    at = lambda hours: f"({hours * 3600000},'a',{hours})"
    sql = TOPIC + """CREATE TABLE w AS SELECT k, COUNT(*) AS n FROM t WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k;
        CREATE TABLE f AS SELECT k, COUNT(*) AS n FROM t WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY k EMIT FINAL;
        INSERT INTO t (ROWTIME, k, v) VALUES """ + ",".join(at(h) for h in range(60)) + ";"
    equal(rows(p, "-c", sql + "SELECT COUNT(*), MIN(WINDOWSTART) / 3600000 FROM w; SELECT COUNT(*), MIN(WINDOWSTART) / 3600000 FROM f;"), ["25,35", "25,34"])


@case
def a_file_that_ends_keeps_all_its_windows(p):
    p.write("f.csv", "k,t\n" + "".join(f"a,{h * 3600000}\n" for h in range(60)))
    sql = "CREATE STREAM f WITH (PATH='f.csv', TIMESTAMP='t'); CREATE TABLE w AS SELECT k, COUNT(*) AS n FROM f WINDOW TUMBLING (SIZE 1 HOUR%s) GROUP BY k;"
    equal(rows(p, "-c", sql % "" + "SELECT COUNT(*) FROM w"), ["60"])
    equal(rows(p, "--data", "d", "-c", sql % ", RETENTION 2 HOURS, GRACE PERIOD 1 HOUR" + "SELECT COUNT(*) FROM w"), ["3"])


@case
def stream_joins_free_what_no_row_can_reach(p):
    sql = TOPIC.replace("=2", "=1") + """CREATE STREAM u (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='u', VALUE_FORMAT='JSON', PARTITIONS=1);
        CREATE STREAM j AS SELECT t.k AS k, t.v AS v, u.v AS w FROM t LEFT JOIN u WITHIN 1 SECOND GRACE PERIOD 1 SECOND ON t.k = u.k;"""
    rows(p, "-c", sql)
    for first in (0, 3000):
        rows(p, "-c", one_a_window(first, 3000) + one_a_window(first, 3000).replace("INTO t", "INTO u") + "SELECT COUNT(*) FROM j;")
    for (query, name), number in state_sizes(p).items():
        assert number < 2500, f"{query} {name}: {number} rows"


TTL = """CREATE TABLE n WITH (TTL='10 SECONDS') AS SELECT k, COUNT(*) AS c, COUNT(DISTINCT v) AS d FROM t GROUP BY k;
    CREATE TABLE p WITH (TTL='7 SECONDS') AS SELECT k, c FROM n WHERE c > 1;"""


def records(p, topic, *options):
    """Every record of a topic, in order."""
    n = next(int(line.split(",")[3]) for line in rows(p, *options, "-c", "SHOW TOPICS EXTENDED;") if line.split(",")[0] == topic)
    return [line for line in p.run(*options, "-c", f"PRINT '{topic}' FROM BEGINNING LIMIT {n};")[1].splitlines() if line.startswith("rowtime")]


@case
def ttl_is_the_same_however_it_is_cut(p):
    random.seed(11)
    inserts = []
    for i in range(600):
        at = max(0, i * 400 + random.randint(-6000, 6000))
        inserts.append(f"({at},'k{random.randint(0, 25)}',{random.randint(0, 3)})")
    lines = {}
    for name, batch, pieces in (("one", 1, 1), ("all", 2048, 1), ("restarts", 2048, 6)):
        made = f"SET 'cache.max.bytes.buffering'='0'; SET 'batch.rows'='{batch}';" + TOPIC.replace("=2", "=1") + TTL
        rows(p, "--data", name, "-c", made)
        for i in range(pieces):
            some = inserts[i * 600 // pieces:(i + 1) * 600 // pieces]
            rows(p, "--data", name, "-c", "INSERT INTO t (ROWTIME, k, v) VALUES " + ",".join(some) + "; SELECT COUNT(*) FROM n; SELECT COUNT(*) FROM p;")
        lines[name] = records(p, "n", "--data", name), records(p, "p", "--data", name)
        live = int(rows(p, "--data", name, "-c", "SELECT COUNT(*) FROM n;")[0])
        assert sum("<null>" in line for line in lines[name][0]) > 100, "nothing ended"
        # What has ended is in no state: groups, their DISTINCT values, kept rows.
        for (query, table), number in state_sizes(p, name).items():
            assert number <= max(1, live) * 4, f"{query} {table}: {number} rows for {live} groups"
    equal(lines["one"], lines["all"])
    equal(lines["restarts"], lines["all"])


@case
def idle_timeout_ends_rows_and_windows(p):
    sql = TOPIC.replace("=2", "=1") + """SET 'idle.timeout.ms'='100';
        CREATE TABLE n WITH (TTL='300 MILLISECONDS') AS SELECT k, COUNT(*) AS c FROM t GROUP BY k;
        CREATE TABLE q WITH (TTL='300 MILLISECONDS') AS SELECT k, c FROM n;
        CREATE TABLE w AS SELECT k, COUNT(*) AS c FROM t WINDOW TUMBLING (SIZE 200 MILLISECONDS) GROUP BY k EMIT FINAL;
        INSERT INTO t (ROWTIME, k, v) VALUES (1000, 'a', 1), (1001, 'b', 1); PRINT 'n' FROM BEGINNING LIMIT 2; PRINT 'q' FROM BEGINNING LIMIT 2;"""
    # They are there, before time moves on by itself (which may be at once on a slow machine).
    equal(sum('value: {"c":1}' in line for line in rows(p, "-c", sql)), 4)
    # Another process: time goes on from where it was, without a record.
    wait_for(p, "SELECT c FROM w EMIT CHANGES LIMIT 1; SELECT COUNT(*) FROM n;", "c\n1\n")
    for table in ("n", "q"):
        contains(p.run("-c", f"PRINT '{table}' FROM BEGINNING LIMIT 4;")[1], "key: b, value: <null>")
        equal(rows(p, "-c", f"SELECT COUNT(*) FROM {table};"), ["0"])
    contains("\n".join(records(p, "n")), "rowtime: 1970/01/01 00:00:01.300 Z, key: a, value: <null>")


@case
def print_shows_lines_in_a_pipe(p):
    out = p.run("-c", TOPIC + "INSERT INTO t (ROWTIME, k, v) VALUES (0, 'a', 1); PRINT 't' FROM BEGINNING LIMIT 1;")[1]
    contains(out, 'rowtime: 1970/01/01 00:00:00.000 Z, key: a, value: {"v":1}')


@case
def followed_parquet_files_join_when_they_are_whole(p):
    data = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "parquet")
    folder = os.path.join(p.folder, "in")
    os.mkdir(folder)
    shutil.copy(os.path.join(data, "codec_zstd.parquet"), os.path.join(folder, "a.parquet"))

    sql = """CREATE STREAM s WITH (PATH='in/*.parquet', FOLLOW=true);
        SELECT grp, COUNT(*) AS n FROM s WHERE id = 7 OR id = 8 GROUP BY grp EMIT CHANGES LIMIT 4;"""
    process = subprocess.Popen([p.sluice, "--no-header", "-c", sql], cwd=p.folder, env=p.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        # Only when the first file has been read is there another, and that bit by bit: the folder is looked at several times meanwhile.
        lines = [process.stdout.readline() for _ in range(2)]
        with open(os.path.join(data, "codec_gzip.parquet"), "rb") as f:
            content = f.read()
        with open(os.path.join(folder, "b.parquet"), "wb") as f:
            f.write(content[:1000])
            f.flush()
            time.sleep(1)
            f.write(content[1000:])
        rest, err = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
        process.wait()
    equal((process.returncode, err), (0, ""))
    equal(sorted("".join(lines + [rest]).splitlines()), ["group 0,1", "group 0,2", "group 1,1", "group 1,2"])


def run_all(options):
    for function in CASES:
        name = "engine " + function.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(Place(options, folder))
                yield name, None
            except Exception as e:      # any trouble is a failure of this test
                yield name, f"{type(e).__name__}: {e}"
