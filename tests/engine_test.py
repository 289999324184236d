"""The engine beyond single statements: what it logs, what it says of failures, what a restart finds, rows in and out of files."""

import os

from cli_test import Place, contains, equal
import tempfile

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
        INSERT INTO t (k, v, ROWTIME) VALUES ('a', 1, 1000); INSERT INTO t (k, v, ROWTIME) VALUES ('b', 1, 1001);
        SELECT v, n FROM w EMIT CHANGES LIMIT 1;"""
    equal(rows(p, "-c", sql), ["1,2"])


@case
def print_shows_lines_in_a_pipe(p):
    out = p.run("-c", TOPIC + "INSERT INTO t (ROWTIME, k, v) VALUES (0, 'a', 1); PRINT 't' FROM BEGINNING LIMIT 1;")[1]
    contains(out, 'rowtime: 1970/01/01 00:00:00.000 Z, key: a, value: {"v":1}')


def run_all(options):
    for function in CASES:
        name = "engine " + function.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(Place(options, folder))
                yield name, None
            except Exception as e:      # any trouble is a failure of this test
                yield name, f"{type(e).__name__}: {e}"
