"""The server: ksqlDB's HTTP API over HTTP/1.1, HTTP/2 and WebSocket; back-pressure; malformed requests; restarts.  Only on 127.0.0.1."""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import traceback
import urllib.parse

from cli_test import contains, equal

CASES = []
LIMIT = 120     # seconds for what takes some milliseconds: another program may have the machine
CURL = shutil.which("curl")
EARLIEST = {"auto.offset.reset": "earliest"}


def case(function):
    CASES.append(function)
    return function


class Server:
    """A process on a port of its own."""

    def __init__(self, options, folder, *arguments):
        self.sluice = os.path.join(options.bin, "sluice")
        self.folder = folder
        self.environment = dict(os.environ, HOME=folder, TZ="UTC")
        self.process = None
        self.start(*arguments)

    def start(self, *arguments):
        self.process = subprocess.Popen([self.sluice, "server", "--data", "d", "--listen", "http://127.0.0.1:0", *arguments], cwd=self.folder,
                                        env=self.environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True)
        line = self.process.stderr.readline()
        assert "listening at" in line, line + self.process.stderr.read()
        self.port = int(re.search(r"listening at \S+:(\d+)", line).group(1))
        deadline = time.time() + LIMIT
        while self.get("/healthcheck")["serverState"] != "READY":
            assert time.time() < deadline, f"the server is not ready after {LIMIT} s"
            time.sleep(0.02)

    def stop(self):
        """Its exit status; what it said is kept."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.said = self.process.communicate(timeout=LIMIT)[1]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.said = self.process.communicate()[1]
            raise AssertionError(f"the server did not stop within {LIMIT} s: " + self.said)
        return self.process.returncode

    def is_busy(self):
        """It has worked for a while: all its threads, in ticks of the system."""
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12]) > 30

    def raw(self, data, timeout=LIMIT, shut=False):
        """Everything that comes back until the server closes, or nothing comes for `timeout` seconds."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as s:
            s.sendall(data)
            if shut:
                s.shutdown(socket.SHUT_WR)
            out = b""
            try:
                while True:
                    got = s.recv(65536)
                    if not got:
                        return out
                    out += got
            except socket.timeout:
                return out + b"<open>"

    def request(self, method, path, body=None, headers=None, timeout=LIMIT):
        """Status, headers, body over HTTP/1.1."""
        data = b"" if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(data)}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in (headers or {}).items())
        raw = self.raw(head.encode() + b"\r\n" + data, timeout)
        top, _, rest = raw.partition(b"\r\n\r\n")
        lines = top.decode().split("\r\n")
        fields = {l.split(":", 1)[0].lower(): l.split(":", 1)[1].strip() for l in lines[1:]}
        if fields.get("transfer-encoding") == "chunked":
            rest = unchunk(rest)
        return int(lines[0].split()[1]), fields, rest.decode()

    def get(self, path):
        return json.loads(self.request("GET", path)[2])

    def ksql(self, sql, **more):
        """Entities, or the error object."""
        return json.loads(self.request("POST", "/ksql", dict(more, ksql=sql))[2])

    def ok(self, sql, **more):
        answer = self.ksql(sql, **more)
        assert isinstance(answer, list), answer
        return answer

    def query(self, sql, accept="application/vnd.ksql.v1+json", path="/query-stream", **properties):
        key = ("sql", "properties") if path == "/query-stream" else ("ksql", "streamsProperties")
        body = {key[0]: sql, key[1]: dict(EARLIEST, **properties)}
        return self.request("POST", path, body, {"Accept": accept} if accept else None)

    def rows(self, sql, **properties):
        status, _, text = self.query(sql, **properties)
        equal(status, 200, text)
        return [e["row"]["columns"] for e in json.loads(text) if "row" in e]

    def curl(self, *arguments, stdin=None):
        done = subprocess.run([CURL, "-s", "--max-time", str(LIMIT), *arguments], input=stdin, capture_output=True, text=True, timeout=2 * LIMIT)
        return done.stdout


def unchunk(data):
    out = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        n = int(size, 16)
        if n == 0:
            break
        out += data[:n]
        data = data[n + 2:]
    return out


def wait_for(what, condition, seconds=LIMIT):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)


def receive_until(connection, part):
    got = b""
    while part not in got:
        more = connection.recv(65536)
        assert more, f"the connection was closed after {got!r}"
        got += more
    return got


STREAM = "CREATE STREAM s (id INT KEY, v STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"
TWO_ROWS = "INSERT INTO s (id, v) VALUES (1, 'a'); INSERT INTO s (id, v) VALUES (2, 'b');"
COUNTS = "CREATE TABLE t AS SELECT id, COUNT(*) AS n FROM s GROUP BY id;"


# ---- what it says of itself ----

@case
def info_and_health(s):
    equal(s.get("/info")["KsqlServerInfo"]["serverStatus"], "RUNNING")
    major = int(s.get("/info")["KsqlServerInfo"]["version"].split(".")[0])
    assert major >= 6, "ksqlDB's own shell refuses servers before 6.0"
    health = s.get("/healthcheck")
    equal((health["isHealthy"], health["serverState"], sorted(health["details"])), (True, "READY", ["commandRunner", "kafka", "metastore"]))
    status, headers, _ = s.request("GET", "/")
    equal((status, headers["location"]), (307, "/info"))
    equal(s.get("/v1/metadata")["clusterId"], s.get("/v1/metadata/id"))
    equal(s.request("GET", "/chc/ready")[::2], (200, "{}"))
    equal(s.request("GET", "/nothing")[::2], (404, "Not Found"))
    equal(s.request("POST", "/info")[0], 404)
    contains(json.dumps(s.get("/clusterStatus")), '"hostAlive": true')


def health(s):
    answer = s.get("/healthcheck")
    parts = {name: part["isHealthy"] for name, part in answer["details"].items()}
    equal(answer["isHealthy"], all(parts.values()))
    return sorted(name for name, is_healthy in parts.items() if not is_healthy)


@case
def health_is_looked_at(s):
    equal(health(s), [])
    os.rename(os.path.join(s.folder, "d"), os.path.join(s.folder, "moved"))
    equal(health(s), ["kafka", "metastore"])
    os.rename(os.path.join(s.folder, "moved"), os.path.join(s.folder, "d"))
    equal(health(s), [])


health_is_looked_at.arguments = ["--set", "ksql.healthcheck.interval.ms=0"]


@case
def a_command_that_stands_still_is_unhealthy(s):
    with a_statement_stands_still(s):
        wait_for("the blocked commands", lambda: health(s) == ["commandRunner"])
        equal(s.get("/info")["KsqlServerInfo"]["serverStatus"], "ERROR")
        # Figures don't wait for a statement: it stands still until this block ends, or fails after a minute of that.
        began = time.time()
        contains(s.request("GET", "/metrics")[2], 'sluice_command_runner_state{service="default_",state="ERROR"} 1')
        assert time.time() - began < 30, "figures wait for a statement"
    wait_for("the commands", lambda: health(s) == [])
    equal(s.get("/info")["KsqlServerInfo"]["serverStatus"], "RUNNING")


a_command_that_stands_still_is_unhealthy.arguments = ["--set", "ksql.healthcheck.interval.ms=0", "--set", "url.access=all", "--set",
                                                      "ksql.server.command.blocked.threshold.error.ms=100"]


@contextlib.contextmanager
def a_statement_stands_still(s):
    """CREATE STREAM remote waits for a web server that says nothing; then its error, or what the answer was before."""
    with socket.create_server(("127.0.0.1", 0)) as slow:
        slow.settimeout(LIMIT)
        sql = f"CREATE STREAM remote WITH (path='http://127.0.0.1:{slow.getsockname()[1]}/slow.csv');"
        answers = []
        worker = threading.Thread(target=lambda: answers.append(s.ksql(sql)))
        worker.start()
        connection, _ = slow.accept()
        yield answers
        connection.close()
    worker.join(LIMIT)


def status_of(s, name):
    status, _, text = s.request("GET", f"/status/stream/%60{name}%60/create")
    return status, json.loads(text)


@case
def commands_that_take_long_are_told_of(s):
    with a_statement_stands_still(s) as answers:
        wait_for("the answer of the command in hand", lambda: answers)
        equal((answers[0][0]["commandId"], answers[0][0]["commandStatus"]["status"]), ("stream/`REMOTE`/create", "PARSING"))
        one, two, three = s.ok(STREAM + "SHOW STREAMS; CREATE STREAM b AS SELECT * FROM s; CREATE STREAM c AS SELECT * FROM s;")
        for entity, name in ((one, "S"), (two, "B"), (three, "C")):
            equal((entity["commandId"], entity["commandStatus"]["status"], entity["commandSequenceNumber"]), (f"stream/`{name}`/create", "QUEUED", -1))
            equal(status_of(s, name)[1]["status"], "QUEUED")
        contains(two["statementText"], "CREATE STREAM B AS SELECT")
        equal(s.get("/status")["commandStatuses"], {f"stream/`{name}`/create": "PARSING" if name == "REMOTE" else "QUEUED" for name in ("REMOTE", "S", "B", "C")})
    wait_for("the end of all", lambda: status_of(s, "C")[1]["status"] == "SUCCESS")
    status, remote = status_of(s, "REMOTE")
    equal((status, remote["status"]), (200, "ERROR"))
    contains(remote["message"], "slow.csv")
    equal(status_of(s, "B")[1]["message"], "Created query with ID " + status_of(s, "B")[1]["queryId"])
    # What was refused is no command, and those before it stay.
    equal(s.ksql("CREATE STREAM s (a INT) WITH (kafka_topic='s', value_format='JSON');")["error_code"], 40001)
    equal(status_of(s, "S")[1]["status"], "SUCCESS")
    s.ksql("CREATE STREAM nothing AS SELECT * FROM nowhere;")
    equal(status_of(s, "NOTHING")[0], 404)


commands_that_take_long_are_told_of.arguments = ["--set", "url.access=all", "--set", "ksql.server.command.response.timeout.ms=200"]


@case
def commands_behind_a_failure_are_told_of(s):
    with a_statement_stands_still(s) as answers:
        wait_for("the answer of the command in hand", lambda: answers)
        equal([e["commandStatus"]["status"] for e in s.ok("CREATE STREAM a (x INT) WITH (kafka_topic='same', value_format='JSON', partitions=1); "
                                                          "CREATE STREAM b (x INT) WITH (kafka_topic='b', value_format='JSON', partitions=1);")], ["QUEUED"] * 2)
        equal([e["commandStatus"]["status"] for e in s.ok("CREATE STREAM a (x INT) WITH (kafka_topic='same', value_format='JSON', partitions=1); "
                                                          "CREATE STREAM d (x INT) WITH (kafka_topic='d', value_format='JSON', partitions=1);")], ["QUEUED"] * 2)
    # Who is first does not matter: the other finds the stream there.
    wait_for("both", lambda: sorted(status_of(s, name)[1]["status"] for name in "BD") == ["ERROR", "SUCCESS"])
    contains(" ".join(status_of(s, name)[1]["message"] for name in "BD"), "An earlier statement of the request failed: ")


commands_behind_a_failure_are_told_of.arguments = commands_that_take_long_are_told_of.arguments


@case
def valid_properties(s):
    equal(s.request("GET", "/is_valid_property/auto.offset.reset")[::2], (200, "true"))
    equal(s.request("GET", "/is_valid_property/ksql.streams.auto.offset.reset")[0], 200)
    for name in ("nonsense", "ksql.service.id"):
        status, _, text = s.request("GET", "/is_valid_property/" + name)
        equal((status, json.loads(text)["error_code"]), (400, 40000))


# ---- /ksql ----

@case
def ksql_tells_a_status(s):
    entity = s.ok(STREAM)[0]
    equal(entity["@type"], "currentStatus")
    equal(entity["commandId"], "stream/`S`/create")
    equal(entity["statementText"], "CREATE STREAM S (ID INT KEY, V STRING) WITH (KAFKA_TOPIC = 's', VALUE_FORMAT = 'JSON', PARTITIONS = 1);")
    equal(entity["commandStatus"], {"status": "SUCCESS", "message": "Stream created", "queryId": None})
    assert entity["commandSequenceNumber"] >= 0 and entity["warnings"] == []
    entity = s.ok(COUNTS, commandSequenceNumber=entity["commandSequenceNumber"])[0]
    equal(entity["commandId"], "table/`T`/create")
    contains(entity["commandStatus"]["queryId"], "CTAS_T_")
    equal(s.get("/status")["commandStatuses"], {"stream/`S`/create": "SUCCESS", "table/`T`/create": "SUCCESS"})
    equal(s.get("/status/stream/%60S%60/create")["status"], "SUCCESS")
    status, _, text = s.request("GET", "/status/stream/%60X%60/create")
    equal((status, json.loads(text)["error_code"]), (404, 40400))


@case
def ksql_entities(s):
    s.ok(STREAM + COUNTS + "CREATE TYPE a AS STRUCT<x INT, y DECIMAL(4,2)>;")
    kinds = {"SHOW STREAMS": "streams", "SHOW TABLES": "tables", "SHOW TOPICS": "kafka_topics", "SHOW TOPICS EXTENDED": "kafka_topics_extended",
             "SHOW QUERIES": "queries", "SHOW QUERIES EXTENDED": "query_descriptions", "SHOW FUNCTIONS": "function_names", "SHOW PROPERTIES": "properties",
             "SHOW TYPES": "type_list", "SHOW VARIABLES": "variables", "DESCRIBE t": "sourceDescription", "DESCRIBE t EXTENDED": "sourceDescription",
             "SHOW TABLES EXTENDED": "source_descriptions", "DESCRIBE FUNCTION LPAD": "describe_function",
             "EXPLAIN SELECT * FROM s EMIT CHANGES": "queryDescription", "DROP STREAM IF EXISTS nothing": "warning_entity"}
    for sql, kind in kinds.items():
        entity = s.ok(sql + ";")[0]
        equal((sql, entity["@type"]), (sql, kind))
        assert "statementText" in entity and isinstance(entity["warnings"], list), entity
    table = s.ok("SHOW TABLES;")[0]["tables"][0]
    equal(table, {"type": "TABLE", "name": "T", "topic": "T", "keyFormat": "KAFKA", "valueFormat": "JSON", "isWindowed": False})
    functions = s.ok("SHOW FUNCTIONS;")[0]["functions"]
    equal([f["name"] for f in functions], sorted({f["name"] for f in functions}))
    categories = {f["name"]: (f["type"], f["category"]) for f in functions}
    equal([categories[n] for n in ("ABS", "COALESCE", "COUNT", "EXPLODE", "UCASE", "PARSE_DATE")],
          [("SCALAR", "MATHEMATICAL"), ("SCALAR", "CONDITIONAL"), ("AGGREGATE", "AGGREGATE"), ("TABLE", "TABLE"), ("SCALAR", "STRING"), ("SCALAR", "DATE / TIME")])
    query = s.ok("SHOW QUERIES;")[0]["queries"][0]
    equal((query["sinks"], query["queryType"], query["statusCount"], query["state"]), (["T"], "PERSISTENT", {"RUNNING": 1}, "RUNNING"))
    described = s.ok("DESCRIBE t;")[0]["sourceDescription"]
    equal(described["fields"][0], {"name": "ID", "schema": {"type": "INTEGER", "fields": None, "memberSchema": None}, "type": "KEY"})
    equal([q["id"] for q in described["writeQueries"]], [query["id"]])
    schema = s.ok("SHOW TYPES;")[0]["types"]["A"]
    equal(schema["fields"][1]["schema"]["parameters"], {"precision": 4, "scale": 2})


@case
def ksql_checks_all_before_it_does_any(s):
    answer = s.ksql(STREAM + "CREATE STREAM u AS SELECT nothing FROM s;")
    equal((answer["@type"], answer["error_code"], answer["entities"]), ("statement_error", 40001, []))
    contains(answer["statementText"], "CREATE STREAM u")
    assert all(x["name"] != "S" for x in s.ok("SHOW STREAMS;")[0]["streams"])
    equal(len(s.ok(STREAM + "CREATE STREAM u AS SELECT * FROM s; CREATE STREAM w AS SELECT * FROM u; DROP STREAM w;")), 4)
    answer = s.ksql("DROP STREAM u; CREATE STREAM s (x INT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');")
    contains(answer["message"], "already exists")
    assert any(x["name"] == "U" for x in s.ok("SHOW STREAMS;")[0]["streams"])


@case
def ksql_refusals(s):
    s.ok(STREAM)
    for body, code in (({"ksql": "SELECT * FROM s EMIT CHANGES;"}, 40002), ({"ksql": "SELECT * FROM ${x};", "sessionVariables": {"x": "s"}}, 40002), ({"ksql": "PRINT s;"}, 40002), ({"ksql": "  "}, 40000), ({}, 40000),
                       ({"ksql": 5}, 40000), ({"ksql": "SHOW STREAMS;", "streamsProperties": {"no.such": "x"}}, 40000),
                       ({"ksql": "SHOW STREAMS;", "streamsProperties": {"ksql.service.id": "x"}}, 40000), ({"ksql": "NONSENSE;"}, 40001),
                       ({"ksql": "SHOW STREAMS;", "streamsProperties": []}, 40000), ({"ksql": "SHOW STREAMS"}, 40001)):
        status, _, text = s.request("POST", "/ksql", body)
        answer = json.loads(text)
        equal((body, status, answer["error_code"]), (body, code // 100, code))
        assert answer["message"], answer
    for body in (b"", b"{", b"[]", b"nonsense", b'{"ksql": "SHOW STREAMS;"', b"\xff\xfe"):
        status, _, text = s.request("POST", "/ksql", body)
        equal((body, status, json.loads(text)["error_code"]), (body, 400, 40000))


@case
def ksql_variables_properties_and_dialect(s):
    s.ok(STREAM)
    equal(s.ok("SHOW VARIABLES;", sessionVariables={"x": "5"})[0]["variables"], [{"name": "x", "value": "5"}])
    s.ok("INSERT INTO ${name} (id, v) VALUES (7, 'z');", sessionVariables={"name": "s"})
    equal(s.rows("SELECT * FROM s;"), [[7, "z"]])
    names = [x["name"] for x in s.ok("CREATE STREAM low AS SELECT * FROM s; SHOW STREAMS;", streamsProperties={"sql.dialect": "standard"})[1]["streams"]]
    assert "low" in names, names


@case
def command_sequence_numbers_are_waited_for(s):
    began = time.time()
    status, _, text = s.request("POST", "/ksql", {"ksql": "SHOW STREAMS;", "commandSequenceNumber": 1000})
    equal((status, json.loads(text)["error_code"]), (503, 50301))
    assert time.time() - began >= 0.2
    s.ok("SHOW STREAMS;", commandSequenceNumber=-1)


command_sequence_numbers_are_waited_for.arguments = ["--set", "ksql.server.command.response.timeout.ms=300"]


# ---- queries ----

@case
def query_formats(s):
    s.ok(STREAM + TWO_ROWS)
    status, headers, text = s.query("SELECT * FROM s;", None)
    equal((status, headers["content-type"]), (200, "application/vnd.ksqlapi.delimited.v1"))
    lines = [json.loads(l) for l in text.splitlines()]
    equal((lines[0]["columnNames"], lines[0]["columnTypes"], lines[1:]), (["ID", "V"], ["INTEGER", "STRING"], [[1, "a"], [2, "b"]]))
    equal(json.loads(s.query("SELECT * FROM s;", "application/json")[2])[1:], [[1, "a"], [2, "b"]])
    for path, accept in (("/query-stream", "application/vnd.ksql.v1+json"), ("/query", None), ("/query", "application/json")):
        elements = json.loads(s.query("SELECT * FROM s;", accept, path)[2])
        equal(elements[0]["header"]["schema"], "`ID` INTEGER, `V` STRING")
        equal(elements[1:], [{"row": {"columns": [1, "a"]}}, {"row": {"columns": [2, "b"]}}, {"finalMessage": "Query Completed"}])
    equal(s.query("SELECT * FROM s;", "text/html")[0], 406)
    status, headers, text = s.query("SELECT * FROM s;", "application/vnd.ksql.v1+protobuf")
    equal((status, headers["content-type"]), (200, "application/vnd.ksql.v1+protobuf"))
    elements = json.loads(text)
    contains(elements[0]["header"]["protobufSchema"], "message ConnectDefault1")
    equal([base64.b64decode(e["row"]["protobufBytes"]) for e in elements[1:3]], [b"\x08\x01\x12\x01a", b"\x08\x02\x12\x01b"])


@case
def values_of_all_types(s):
    s.ok("CREATE STREAM a (k INT KEY, b BOOLEAN, l BIGINT, d DOUBLE, m DECIMAL(6,2), s STRING, y BYTES, da DATE, ti TIME, ts TIMESTAMP, ar ARRAY<INT>,"
         " ma MAP<STRING, INT>, st STRUCT<X INT, Y STRING>) WITH (KAFKA_TOPIC='a', VALUE_FORMAT='JSON', PARTITIONS=1);"
         "INSERT INTO a VALUES (1, true, 9007199254740993, 1.5E0, 1.50, 'x\"y', TO_BYTES('aGk=', 'base64'), '2024-05-01', '12:30:01', '2024-05-01T12:30:00.000',"
         " ARRAY[1, 2], MAP('a' := 1), STRUCT(X := 1, Y := 'q')); INSERT INTO a (k) VALUES (2);")
    text = s.query("SELECT * FROM a;", None)[2].splitlines()
    equal(text[1], '[1,true,9007199254740993,1.5,1.50,"x\\"y","aGk=","2024-05-01","12:30:01","2024-05-01T12:30:00.000",[1,2],{"a":1},{"X":1,"Y":"q"}]')
    equal(text[2], "[2" + ",null" * 12 + "]")


@case
def pull_queries_of_tables(s):
    s.ok(STREAM + COUNTS + TWO_ROWS)
    wait_for("the table", lambda: len(s.rows("SELECT * FROM t;")) == 2)
    elements = json.loads(s.query("SELECT * FROM t WHERE id = 2;")[2])
    equal(elements[0]["header"]["schema"], "`ID` INTEGER KEY, `N` BIGINT")
    equal(elements[1:], [{"row": {"columns": [2, 1]}}])


@case
def push_queries_end_by_limit_and_by_their_id(s):
    s.ok(STREAM + TWO_ROWS)
    elements = json.loads(s.query("SELECT * FROM s EMIT CHANGES LIMIT 1;")[2])
    equal(elements[1:], [{"row": {"columns": [1, "a"]}}, {"finalMessage": "Limit Reached"}])
    body = json.dumps({"sql": "SELECT * FROM s EMIT CHANGES;", "properties": EARLIEST}).encode()
    with socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT) as c:
        c.sendall(b"POST /query-stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        got = b""
        while got.count(b"\n[") < 2:
            got += c.recv(65536)
        query_id = json.loads(unchunk(got.partition(b"\r\n\r\n")[2]).splitlines()[0])["queryId"]
        s.ok("INSERT INTO s (id, v) VALUES (3, 'c');")
        while b'[3,"c"]' not in got:
            got += c.recv(65536)
        equal(s.request("POST", "/close-query", {"queryId": query_id})[0], 200)
        while True:
            more = c.recv(65536)
            if not more:
                break
            got += more
        assert got.endswith(b"0\r\n\r\n"), got[-100:]
    status, _, text = s.request("POST", "/close-query", {"queryId": query_id})
    equal((status, json.loads(text)["error_code"]), (400, 40000))


@case
def push_queries_are_listed_and_can_be_terminated(s):
    s.ok(STREAM)
    body = json.dumps({"sql": "SELECT * FROM s EMIT CHANGES;"}).encode()
    with socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT) as c:
        c.sendall(b"POST /query-stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        receive_until(c, b"queryId")
        wait_for("the query", lambda: s.ok("SHOW QUERIES;")[0]["queries"])
        query = s.ok("SHOW QUERIES;")[0]["queries"][0]
        equal((query["queryType"], query["queryString"]), ("PUSH", "SELECT * FROM s EMIT CHANGES"))
        answer = s.ok(f"SHOW STREAMS; TERMINATE {query['id']};")[1]
        equal((answer["@type"], answer["queryId"], answer["wasTerminated"]), ("terminate_query", query["id"], True))
        receive_until(c, b"0\r\n\r\n")
    equal(s.ksql(f"TERMINATE {query['id']};")["error_code"], 40001)


@case
def assertions_have_a_code_of_their_own(s):
    s.ok(STREAM)
    equal(s.ok("ASSERT TOPIC s;")[0]["exists"], True)
    status, _, text = s.request("POST", "/ksql", {"ksql": "ASSERT TOPIC nothing;"})
    equal((status, json.loads(text)["error_code"]), (417, 41700))


@case
def changes_of_a_table_show_deletes(s):
    s.ok("CREATE TABLE t (id INT PRIMARY KEY, v INT) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);"
         "INSERT INTO t VALUES (1, 5); CREATE STREAM raw (id INT KEY, v STRING) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='KAFKA'); INSERT INTO raw (id) VALUES (1);")
    elements = json.loads(s.query("SELECT * FROM t EMIT CHANGES LIMIT 2;")[2])
    equal(elements[1:3], [{"row": {"columns": [1, 5]}}, {"row": {"columns": [1, None], "tombstone": True}}])


def listening_client(s, path, body, sign):
    """A connection whose request goes on; `sign` was received."""
    client = socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT)
    client.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    receive_until(client, sign)
    return client


@case
def a_client_that_leaves_frees_its_query(s):
    s.ok(STREAM + TWO_ROWS)
    body = json.dumps({"sql": "SELECT * FROM s EMIT CHANGES;"}).encode()
    sockets = [listening_client(s, "/query-stream", body, b"queryId") for _ in range(3)]
    status, _, text = s.query("SELECT * FROM s EMIT CHANGES;")
    equal((status, json.loads(text)["error_code"]), (400, 40003))
    for c in sockets:
        c.close()
    wait_for("the queries are gone", lambda: s.query("SELECT * FROM s EMIT CHANGES LIMIT 1;")[0] == 200)


a_client_that_leaves_frees_its_query.arguments = ["--set", "ksql.max.push.queries=3"]


@case
def printing_is_within_the_limits_and_ends_with_the_server(s):
    s.ok(STREAM + TWO_ROWS)
    body = json.dumps({"ksql": "PRINT s FROM BEGINNING;"}).encode()
    sockets = [listening_client(s, "/query", body, b'value: {"V":"b"}') for _ in range(2)]
    for path, request in (("/query", {"ksql": "PRINT s;"}), ("/query-stream", {"sql": "SELECT * FROM s EMIT CHANGES;"})):
        status, _, text = s.request("POST", path, request)
        equal((path, status, json.loads(text)["error_code"]), (path, 400, 40003))
        contains(text, "ksql.max.push.queries")
    sockets.pop().close()
    wait_for("room after a client left", lambda: s.query("SELECT * FROM s EMIT CHANGES LIMIT 1;")[0] == 200)
    equal(s.query("PRINT s FROM BEGINNING LIMIT 1;", None, "/query")[0], 200)
    began = time.time()
    equal(s.stop(), 0)
    assert time.time() - began < LIMIT, "the server waited for a client that prints"
    assert receive_until(sockets[0], b"0\r\n\r\n")
    sockets[0].close()


printing_is_within_the_limits_and_ends_with_the_server.arguments = ["--set", "ksql.max.push.queries=2", "--set", f"server.shutdown.timeout.ms={10 * LIMIT * 1000}"]


@case
def a_slow_client_holds_up_nobody(s):
    s.ok("CREATE STREAM big (k INT KEY, v STRING) WITH (KAFKA_TOPIC='big', VALUE_FORMAT='JSON', PARTITIONS=1);")
    s.ok(STREAM)
    body = json.dumps({"sql": "SELECT * FROM big EMIT CHANGES;", "properties": EARLIEST}).encode()
    with socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.sendall(b"POST /query-stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        text = "x" * 10000
        for i in range(40):
            s.ok("".join(f"INSERT INTO big VALUES ({i * 20 + k}, '{text}');" for k in range(20)))
        s.ok("INSERT INTO s (id, v) VALUES (9, 'quick');")
        equal(json.loads(s.query("SELECT * FROM s EMIT CHANGES LIMIT 1;")[2])[1], {"row": {"columns": [9, "quick"]}})
        got = b""
        while got.count(b"xxx\"]") < 800:
            more = slow.recv(1 << 20)
            assert more, "the slow client's stream ended early"
            got += more


@case
def query_refusals(s):
    s.ok(STREAM)
    for body, code in (({"sql": "SELECT * FROM nothing;"}, 40001), ({"sql": ""}, 40000), ({}, 40000), ({"sql": "SELECT 1; SELECT 2;"}, 40001),
                       ({"sql": "SHOW STREAMS;"}, 40001), ({"sql": "SELECT * FROM s;", "properties": {"x.y": 1}}, 40000)):
        status, _, text = s.request("POST", "/query-stream", body)
        equal((body, status, json.loads(text)["error_code"]), (body, code // 100, code))


@case
def print_lines(s):
    s.ok(STREAM + TWO_ROWS)
    lines = s.query("PRINT s FROM BEGINNING LIMIT 2;", None, "/query")[2].splitlines()
    equal(lines[:2], ["Key format: KAFKA_INT or KAFKA_STRING", "Value format: JSON or KAFKA_STRING"])
    contains(lines[3], 'key: 2, value: {"V":"b"}, partition: 0')
    # Nothing to print yet: the head of the answer does not wait for it.
    s.ok("CREATE STREAM quiet (a INT) WITH (kafka_topic='quiet', value_format='JSON', partitions=1);")
    body = json.dumps({"ksql": "PRINT quiet;"}).encode()
    with socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT) as c:
        c.sendall(b"POST /query HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        contains(receive_until(c, b"\r\n\r\n").decode(), "HTTP/1.1 200 OK")
        s.ok("INSERT INTO quiet (a) VALUES (7);")
        receive_until(c, b'value: {"A":7}')
    equal(s.request("POST", "/query", {"ksql": "PRINT nowhere;"})[0], 400)


@case
def an_upgrade_to_http2_is_not_taken(s):
    """RFC 9113 has no Upgrade: h2c any more: the request is answered as it came."""
    answer = s.raw(b"GET /info HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n")
    contains(answer.decode(), "HTTP/1.1 200 OK")
    contains(answer.decode(), "KsqlServerInfo")
    if CURL is not None:
        contains(s.curl("--http2", "-w", "%{http_version}", f"http://127.0.0.1:{s.port}/info"), '}1.1')


# ---- WebSocket ----

def websocket(s, sql):
    """Frames: (opcode, payload)."""
    request = urllib.parse.quote(json.dumps({"ksql": sql, "streamsProperties": EARLIEST}))
    frames = []
    with socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT) as c:
        c.sendall(f"GET /ws/query?request={request} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        f = c.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += f.readline()
        contains(head.decode(), "101 Switching")
        contains(head.decode(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        while True:
            first, n = f.read(2)
            n = struct.unpack(">H", f.read(2))[0] if n == 126 else n
            data = f.read(n)
            frames.append((first & 15, data))
            if first & 15 == 8:
                c.sendall(bytes([0x88, 0x82, 0, 0, 0, 0]) + data[:2])
                return frames


@case
def websocket_queries(s):
    s.ok(STREAM + TWO_ROWS)
    frames = websocket(s, "SELECT * FROM s EMIT CHANGES LIMIT 2;")
    equal([f["name"] for f in json.loads(frames[0][1])], ["ID", "V"])
    equal([json.loads(d) for _, d in frames[1:-1]], [{"row": {"columns": [1, "a"]}}, {"row": {"columns": [2, "b"]}}, {"finalMessage": "Limit Reached"},
                                                    {"error": "done"}])
    equal(struct.unpack(">H", frames[-1][1][:2])[0], 1000)
    frames = websocket(s, "SELECT * FROM nothing;")
    contains(json.loads(frames[0][1])["error"], "NOTHING")
    equal(struct.unpack(">H", frames[-1][1][:2])[0], 1003)
    equal(s.request("GET", "/ws/query?request=%7B%7D")[0], 400)


# ---- HTTP/2 ----

@case
def http2_serves_the_same(s):
    if CURL is None:
        return
    s.ok(STREAM + TWO_ROWS)
    base = f"http://127.0.0.1:{s.port}"
    equal(json.loads(s.curl("--http2-prior-knowledge", base + "/info")), s.get("/info"))
    body = json.dumps({"sql": "SELECT * FROM s EMIT CHANGES LIMIT 2;", "properties": EARLIEST})
    equal(s.curl("--http2-prior-knowledge", base + "/query-stream", "-d", body).splitlines()[1:], ['[1,"a"]', '[2,"b"]'])
    equal(s.curl("--http2", base + "/chc/ready"), "{}")


@case
def inserts_stream(s):
    equal(json.loads(s.request("POST", "/inserts-stream", {"target": "S"})[2])["error_code"], 40004)
    if CURL is None:
        return
    s.ok(STREAM)

    def insert(*lines, accept="*/*"):
        return s.curl("--http2-prior-knowledge", f"http://127.0.0.1:{s.port}/inserts-stream", "-H", "Accept: " + accept, "--data-binary", "@-",
                      stdin="\n".join(json.dumps(l) for l in lines))
    equal([json.loads(l) for l in insert({"target": "S"}, {"ID": 1, "V": "a"}, {"id": 2, "`V`": "b", "ROWTIME": 5}).splitlines()],
          [{"status": "ok", "seq": 0}, {"status": "ok", "seq": 1}])
    equal(json.loads(insert({"target": "s"}, {"ID": 3}, accept="application/json")), [{"status": "ok", "seq": 0}])
    lines = [json.loads(l) for l in insert({"target": "S"}, {"ID": 4}, {"V": "no key"}, {"ID": 5}).splitlines()]
    equal([(l["status"], l["seq"]) for l in lines], [("ok", 0), ("error", 1)])
    equal(lines[1]["error_code"], 40000)
    equal(json.loads(insert({"target": "NOTHING"}))["error_code"], 40001)
    equal(json.loads(insert({"x": 1}))["error_code"], 40000)
    for row in ({"ID": "x"}, {"ID": 1.5}, {"ID": 1, "V": 5}, {"ID": 1, "W": 1}, [1], {"ID": 3000000000}):
        equal(json.loads(insert({"target": "S"}, row))["status"], "error")
    equal(s.rows("SELECT * FROM s;"), [[1, "a"], [2, "b"], [3, None], [4, None]])


# ---- the shell against it ----

def shell(s, *arguments):
    done = subprocess.run([s.sluice, f"http://127.0.0.1:{s.port}", *arguments], cwd=s.folder, env=s.environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=LIMIT)
    return done.returncode, done.stdout, done.stderr


@case
def the_shell_is_the_same(s):
    """What a local engine shows and what a server's client shows: equal, text by text."""
    sql = """CREATE STREAM s (id INT KEY, v STRING, ts TIMESTAMP, a ARRAY<INT>, m MAP<STRING,INT>, st STRUCT<x INT, y STRING>, d DECIMAL(5,2), x DOUBLE,
        b BYTES, da DATE, ti TIME, bo BOOLEAN, l BIGINT) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);
        CREATE TABLE t AS SELECT id, COUNT(*) AS n FROM s GROUP BY id;
        INSERT INTO s VALUES (1, 'a "b"', '2024-01-01T10:00:00', ARRAY[1,2], MAP('a':=1), STRUCT(x:=1, y:='q'), 1.50, 2.5, NULL, '2024-01-02', '10:00:00', true, 9007199254740993);
        INSERT INTO s (id) VALUES (2);
        SELECT * FROM s; SELECT * FROM t ORDER BY id; SHOW STREAMS; SHOW TABLES; SHOW TOPICS; DESCRIBE s; DESCRIBE FUNCTION LPAD;
        SELECT INTERVAL '1' DAY AS i, INTERVAL '-1' HOUR AS j, 1.5 AS d, CAST('NaN' AS DOUBLE) AS n;
        DEFINE src = 's'; SELECT COUNT(*) AS c FROM ${src}; SHOW VARIABLES; SELECT id FROM s EMIT CHANGES LIMIT 2;
        EXPLAIN SELECT id FROM s WHERE id > 1; DROP STREAM IF EXISTS nothing; SELECT nothing FROM s;"""
    for mode in ("csv", "table", "json", "markdown", "vertical"):
        local = subprocess.run([s.sluice, "--data", "local" + mode, "--output", mode, "-c", sql], cwd=s.folder, env=s.environment, capture_output=True,
                               text=True, stdin=subprocess.DEVNULL, timeout=LIMIT)
        remote = shell(s, "--output", mode, "-c", sql)
        equal((mode,) + remote, (mode, local.returncode, local.stdout, local.stderr))
        equal(shell(s, "-c", "DROP TABLE t DELETE TOPIC; DROP STREAM s DELETE TOPIC;")[0], 0)


@case
def the_shell_says_what_is_wrong(s):
    status, out, err = shell(s, "--keep-going", "-c", "SELECT * FROM zzz;\n SELECT 1 AS one; SELECT bad\n FROM s;")
    equal((status, out), (1, "one\n1\n"))
    contains(err, "line 1: SELECT * FROM zzz;")
    contains(err, "line 3:  FROM s;")
    s.ok(STREAM + TWO_ROWS)
    contains(shell(s, "-c", "PRINT s FROM BEGINNING LIMIT 1;")[1], 'key: 1, value: {"V":"a"}, partition: 0')
    equal(shell(s, "-v", "x=5", "-c", "SELECT ${x} AS x"), (0, "x\n5\n", ""))
    done = subprocess.run([s.sluice, "http://127.0.0.1:1", "-c", "SELECT 1"], capture_output=True, text=True, timeout=LIMIT, env=s.environment)
    equal(done.returncode, 1)
    contains(done.stderr, "Cannot reach the server at http://127.0.0.1:1")


@case
def control_c_ends_a_query_of_the_shell(s):
    s.ok(STREAM)
    process = subprocess.Popen([s.sluice, f"http://127.0.0.1:{s.port}", "-c", "SELECT * FROM S EMIT CHANGES;"], cwd=s.folder, env=s.environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    wait_for("the query", lambda: len(s.ok("SHOW QUERIES;")[0]["queries"]) == 1)
    s.ok(TWO_ROWS)
    # The newest row is shown although none follows it.
    equal([process.stdout.readline().strip() for _ in range(3)], ["ID,V", "1,a", "2,b"])
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LIMIT)
    contains(err, "Query terminated")


# ---- what is wrong on the wire ----

@case
def malformed_requests(s):
    ok = b"GET /chc/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    equal(s.raw(b"GET /chc/live HTTP/1.1\r\nHost: x\r\n\r\n" + ok).count(b"200 OK"), 2)
    for bad in (b"\x00\x01\x02\r\n\r\n", b"GET /chc/live HTTP/1.1\r\n\r\n", b"GET\r\n\r\n",
                b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\n", b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 4\r\n\r\nabc",
                b"POST /ksql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"GET /chc/live HTTP/1.1\r\nHo st: x\r\n\r\n"):
        answer = s.raw(bad)
        assert answer.startswith(b"HTTP/1.1 400"), (bad, answer)
        assert not answer.endswith(b"<open>"), (bad, "the connection stays open")
    for large, status in ((b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 200000 + b"\r\n\r\n", b"431"),
                          (b"POST /ksql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 30000000\r\n\r\n", b"413")):
        with socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT) as c:
            c.sendall(large)
            assert receive_until(c, b"\r\n").startswith(b"HTTP/1.1 " + status), status
    equal(s.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense that is no frame at all").endswith(b"<open>"), False)
    equal(s.raw(ok).count(b"200 OK"), 1)


@case
def a_request_in_pieces(s):
    body = b'{"ksql": "SHOW TYPES;"}'
    head = b"POST /ksql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    data = head + b"".join(b"%x\r\n%c\r\n" % (1, c) for c in body) + b"0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT) as c:
        for i in range(0, len(data), 7):
            c.sendall(data[i:i + 7])
            time.sleep(0.0005)
        receive_until(c, b"type_list")


# ---- life ----

@case
def a_restart_goes_on(s):
    s.ok(STREAM + COUNTS + TWO_ROWS)
    wait_for("the table", lambda: len(s.rows("SELECT * FROM t;")) == 2)
    equal(s.stop(), 0)
    s.start()
    s.ok("INSERT INTO s (id, v) VALUES (1, 'again');")
    wait_for("the count", lambda: s.rows("SELECT * FROM t WHERE id = 1;") == [[1, 2]])


@case
def stopping_ends_push_queries(s):
    s.ok(STREAM)
    body = json.dumps({"sql": "SELECT * FROM s EMIT CHANGES;"}).encode()
    with socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT) as c:
        c.sendall(b"POST /query-stream HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        receive_until(c, b"queryId")
        equal(s.stop(), 0)
        assert receive_until(c, b"0\r\n\r\n")


@case
def stopping_does_not_wait_for_other_machines(s):
    """A web server that says nothing is given up after a minute by itself."""
    with a_statement_stands_still(s) as answers:
        began = time.time()
        equal(s.stop(), 0)
        assert time.time() - began < 30, "the server waited for another machine"
    contains(json.dumps(answers), "it was cancelled")


stopping_does_not_wait_for_other_machines.arguments = ["--set", "url.access=all", "--set", f"server.shutdown.timeout.ms={10 * LIMIT * 1000}"]


@case
def stopping_does_not_wait_for_brokers(s):
    """Something accepts connections and never answers, while the server starts."""
    equal(s.stop(), 0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(LIMIT)
        process = subprocess.Popen([s.sluice, "server", "--data", "k", "--listen", "http://127.0.0.1:0", "--bootstrap-servers", f"127.0.0.1:{silent.getsockname()[1]}",
                                    "--set", "kafka.connect.timeout.ms=3600000"], cwd=s.folder, env=s.environment, stderr=subprocess.PIPE, text=True)
        try:
            connection, _ = silent.accept()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=LIMIT)
            connection.close()
        finally:
            process.kill()
            process.communicate()


stopping_does_not_wait_for_brokers.uses_librdkafka = True


@case
def what_takes_too_long_is_cancelled_when_the_server_stops(s):
    s.ok(STREAM)
    endless = "WITH a AS (SELECT x FROM GENERATE_SERIES(1, 100000) AS t(x)) SELECT COUNT(*) FROM a p, a q, a r WHERE p.x + q.x + r.x < 0;"
    body = json.dumps({"sql": endless, "properties": {"sql.dialect": "standard"}}).encode()
    with socket.create_connection(("127.0.0.1", s.port), timeout=LIMIT) as c:
        c.sendall(b"POST /query-stream HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        wait_for("the query", lambda: s.is_busy())
        equal(s.stop(), 0)
    contains(s.said, "server.shutdown.timeout.ms")


what_takes_too_long_is_cancelled_when_the_server_stops.arguments = ["--set", "server.shutdown.timeout.ms=500"]


@case
def terminate_ends_the_cluster(s):
    s.ok(STREAM + COUNTS)
    status, _, text = s.request("POST", "/ksql/terminate", {"deleteTopicList": ["["]})
    equal((status, json.loads(text)["error_code"]), (400, 40000))
    equal(json.loads(s.request("POST", "/ksql/terminate", {"deleteTopicList": ["T.*"]})[2])[0]["commandId"], "cluster/TerminateCluster/terminate")
    status, _, text = s.request("POST", "/ksql", {"ksql": "SHOW STREAMS;"})
    equal((status, json.loads(text)["error_code"]), (503, 50304))
    equal(s.get("/healthcheck")["serverState"], "TERMINATED")
    s.stop()
    s.start()
    equal(s.ok("SHOW QUERIES;")[0]["queries"], [])
    assert "T" not in [t["name"] for t in s.ok("SHOW TOPICS;")[0]["topics"]]


# ---- headless ----

SOURCE = "CREATE STREAM s (id INT KEY, v STRING)\n  WITH (kafka_topic='s', value_format='JSON', partitions=1);\n"


def queries_file(s, text):
    with open(os.path.join(s.folder, "app.sql"), "w", encoding="utf-8") as f:
        f.write(text)


def headless(s, text):
    """Restarts with that file; the ids of the queries that run."""
    queries_file(s, text)
    if s.process.poll() is None:
        equal(s.stop(), 0)
    s.start("--queries-file", "app.sql")
    return sorted(re.findall(r'^sluice_query_state\{[^}]*query="([^"]*)",state="RUNNING"', s.request("GET", "/metrics")[2], re.M))


def insert(s, rows):
    """Records into topic s, by a server that is not headless and runs the queries too."""
    equal(s.stop(), 0)
    s.start()
    for i, v in rows:
        s.ok(f"INSERT INTO s (id, v) VALUES ({i}, '{v}');")


def refused_file(s, text):
    """What a headless server says that does not start."""
    if s.process.poll() is None:
        equal(s.stop(), 0)
    queries_file(s, text)
    done = subprocess.run([s.sluice, "server", "--data", "d", "--listen", "http://127.0.0.1:0", "--queries-file", "app.sql"], cwd=s.folder, env=s.environment,
                          capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode != 0, "it started with: " + text
    return done.stderr


COUNT = "CREATE TABLE t AS SELECT id, COUNT(*) AS n FROM s GROUP BY id;\n"


@case
def headless_takes_no_statements(s):
    equal(headless(s, SOURCE + COUNT), ["CTAS_T_2"])
    for path, body in (("/ksql", {"ksql": "CREATE STREAM x (a INT) WITH (kafka_topic='x', value_format='JSON', partitions=1);"}), ("/query", {"ksql": "SELECT * FROM t;"}),
                       ("/query-stream", {"sql": "SELECT * FROM t;"}), ("/close-query", {"queryId": "x"}), ("/ksql/terminate", {})):
        status, _, text = s.request("POST", path, body)
        equal((status, json.loads(text)["error_code"]), (404, 40400))
        contains(json.loads(text)["message"], "This server is headless: it runs the statements of its file")
    equal(s.request("GET", "/v1/metadata")[0], 404)
    for path in ("/info", "/healthcheck", "/metrics", "/chc/ready"):
        equal(s.request("GET", path)[0], 200)
    equal(s.get("/healthcheck")["isHealthy"], True)


@case
def headless_goes_on(s):
    text = "SET 'auto.offset.reset'='earliest';\n" + SOURCE + COUNT + "-- copies\nCREATE STREAM c AS SELECT * FROM s;\nINSERT INTO c SELECT * FROM s;\n"
    ids = headless(s, text)
    equal(ids, ["CSAS_C_3", "CTAS_T_2", "INSERTQUERY_4"])
    insert(s, [(1, "a"), (2, "b")])
    equal(headless(s, text), ids)
    # Other spaces and comments are the same file.
    equal(headless(s, text.replace(" AS SELECT", "\n  AS   SELECT").replace("-- copies", "/* copies */")), ids)
    insert(s, [(1, "c")])
    wait_for("the counts", lambda: sorted(s.rows("SELECT * FROM t;")) == [[1, 2], [2, 1]])
    wait_for("the copies, each twice", lambda: sorted(s.rows("SELECT id FROM c;")) == [[1]] * 4 + [[2]] * 2)


@case
def headless_follows_its_file(s):
    first = "SET 'auto.offset.reset'='earliest';\n" + SOURCE + COUNT + "CREATE STREAM c AS SELECT * FROM s;\nINSERT INTO c SELECT * FROM s WHERE id > 5;\n"
    headless(s, first)
    insert(s, [(1, "a"), (7, "b")])
    wait_for("the table", lambda: sorted(s.rows("SELECT * FROM t;")) == [[1, 1], [7, 1]])
    wait_for("the copies", lambda: len(s.rows("SELECT * FROM c;")) == 3)
    # Added, changed, taken away: the table keeps its state, the stream goes on from where it was, the INSERT is another query.
    second = first.replace("SELECT * FROM s;", "SELECT id, UCASE(v) AS v FROM s;").replace("> 5", "> 6") + "CREATE STREAM e AS SELECT id, v FROM s;\n"
    ids = headless(s, second)
    assert ids[:2] == ["CSAS_C_3", ids[1]] and "CTAS_T_2" in ids and "INSERTQUERY_4" not in ids and len(ids) == 4, ids
    insert(s, [(6, "x")])
    wait_for("the changed query", lambda: [6, "X"] in s.rows("SELECT * FROM c;"))
    wait_for("the new stream", lambda: [6] in s.rows("SELECT id FROM e;"))
    assert [6, "x"] not in s.rows("SELECT * FROM c;")
    equal(headless(s, second), ids)
    equal(headless(s, "SET 'auto.offset.reset'='earliest';\n" + SOURCE + COUNT), ["CTAS_T_2"])
    insert(s, [(1, "again")])
    wait_for("the table's state", lambda: [1, 2] in s.rows("SELECT * FROM t;"))
    equal(sorted(x["name"] for x in s.ok("SHOW STREAMS;")[0]["streams"]), ["KSQL_PROCESSING_LOG", "S"])
    assert {"C", "E"} <= {t["name"] for t in s.ok("SHOW TOPICS;")[0]["topics"]}, "topics stay"


@case
def headless_files_with_mistakes(s):
    for text, place, part in ((SOURCE + COUNT + "CREATE STREAM c AS SELECT nothing FROM s;\n", "app.sql:4:27", "NOTHING"),
                              (SOURCE + COUNT + "\n\nCREATE STREM c;\n", "app.sql:6:8", "STREM"), (SOURCE + COUNT + "SELECT * FROM t;\n", "app.sql:4:1", "SELECT statements cannot be run"),
                              (SOURCE + COUNT + "INSERT INTO s VALUES (1, 'a');\n", "app.sql:4:1", "INSERT VALUES statements cannot be run"),
                              (SOURCE + "\nCREATE TABLE t AS\n  SELECT v, COUNT(*) AS n FROM s GROUP BY id;\n", "app.sql:4", "GROUP BY"),
                              (SOURCE, "app.sql: ", "no persistent queries"), ("", "app.sql: ", "no persistent queries")):
        said = refused_file(s, text)
        contains(said, place)
        contains(said, part)
    # Nothing of them was done.
    s.start()
    equal(s.ok("SHOW STREAMS; SHOW QUERIES;")[0]["streams"][1:], [])
    # A change that cannot be made names its place, and the old goes on.
    ids = headless(s, SOURCE + COUNT)
    contains(refused_file(s, SOURCE + COUNT.replace("GROUP BY id", "WINDOW TUMBLING (SIZE 1 HOUR) GROUP BY id")), "app.sql:3")
    equal(headless(s, SOURCE + COUNT), ids)


@case
def headless_drops_only_what_files_made(s):
    s.ok(STREAM + "CREATE STREAM mine AS SELECT * FROM s;")
    said = refused_file(s, SOURCE + COUNT)
    contains(said, "DROP STREAM `MINE`")
    contains(said, "hint: ")
    s.start()
    equal(len(s.ok("SHOW QUERIES;")[0]["queries"]), 1)


@case
def options_are_checked(s):
    for arguments in (["--listen", "ftp://x"], ["--listen", "http://127.0.0.1"], ["--listen", f"http://127.0.0.1:{s.port}"], ["--nonsense"],
                      ["--set", "no.such=1"], ["--listen", "https://127.0.0.1:0"], ["--queries-file", "missing.sql", "--listen", "http://127.0.0.1:0", "--data", "x"]):
        done = subprocess.run([s.sluice, "server", "--data", "other", *arguments], cwd=s.folder, env=s.environment, capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode != 0 and done.stderr, arguments


def is_under_thread_sanitizer(options):
    with open(os.path.join(options.bin, "sluice"), "rb") as f:
        return b"libtsan.so" in f.read()


def run_all(options):
    under_tsan = is_under_thread_sanitizer(options)
    for function in CASES:
        if options.only not in function.__name__:
            continue
        if under_tsan and getattr(function, "uses_librdkafka", False):
            print(f"server: {function.__name__} is left out: Debian's librdkafka does not run under ThreadSanitizer")
            continue
        with tempfile.TemporaryDirectory() as folder:
            server = None
            try:
                began = time.time()
                server = Server(options, folder, *getattr(function, "arguments", []))
                function(server)
                status = server.stop()
                assert status == 0, f"exit status {status}: {server.said}"
                if options.verbose:
                    print(f"     {time.time() - began:.2f} s")
                yield function.__name__, None
            except Exception as e:      # a test that breaks in any way has failed
                where = traceback.extract_tb(e.__traceback__)[1 if len(traceback.extract_tb(e.__traceback__)) > 1 else 0]
                yield function.__name__, f"line {where.lineno}: {type(e).__name__}: {e}"
            finally:
                if server is not None and server.process.poll() is None:
                    server.process.kill()
                    server.process.communicate()
