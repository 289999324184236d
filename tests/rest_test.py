"""Recorded cases of ksqlDB's REST behaviour, driven through a server over HTTP.  The cases are not part of this repository:
SLUICE_CONFORMANCE names their folder.  At least 95 % of those with basic formats have to agree."""

import base64
import glob
import importlib.util
import json
import os
import re
import socket
import sys
import tempfile
import time

from server_test import LIMIT, Server, unchunk

LEAST = 95      # per cent
QUERY = re.compile(r"\s*SELECT\b", re.I)


def load_tool(folder):
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("conformance_run", os.path.join(folder, "run.py"))
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


class CannotSay(Exception):
    """The case needs something that HTTP has no words for: raw windowed keys, headers."""


def quote(text):
    return "'" + text.replace("'", "''").replace("${", "$'||'{") + "'"


class Case:
    def __init__(self, tool, server, case):
        self.tool, self.server, self.case = tool, server, case
        self.properties = {"auto.offset.reset": "earliest", "cache.max.bytes.buffering": "0", **case.get("properties", {})}
        self.open = []

    def ksql(self, sql, **properties):
        status, _, text = self.server.request("POST", "/ksql", {"ksql": sql, "streamsProperties": {**self.properties, **properties}})
        return status, text

    def must(self, sql, **properties):
        status, text = self.ksql(sql, **properties)
        assert status == 200, f"{sql}: {text}"
        return json.loads(text)

    # ---- inputs: written through streams that take the bytes as they are ----

    def sources(self):
        listed = self.must("SHOW STREAMS; SHOW TABLES;")
        return listed[0]["streams"] + listed[1]["tables"]

    def raw_stream(self, topic, sources):
        """Name, type of the key or None, whether the value is a text, for a stream over a topic that is read by `sources`."""
        source = next((s for s in sources if s["topic"] == topic), None)
        if source is None:
            raise CannotSay(f"no source reads {topic}")
        fields = self.must(f"DESCRIBE `{source['name']}`;")[0]["sourceDescription"]["fields"]
        keys = [f for f in fields if f.get("type") == "KEY"]
        values = [f for f in fields if "type" not in f]
        key_type = None if not keys or source["keyFormat"] == "NONE" else keys[0]["schema"]["type"] if source["keyFormat"] == "KAFKA" else "STRING"
        value_type = values[0]["schema"]["type"] if source["valueFormat"] == "KAFKA" and values else "STRING"
        name = "RAW_" + re.sub(r"\W", "_", topic).upper()
        key = f"K {key_type} KEY, " if key_type else ""
        self.must(f"CREATE STREAM IF NOT EXISTS {name} ({key}V {value_type}) WITH (KAFKA_TOPIC='{topic}', KEY_FORMAT='KAFKA', VALUE_FORMAT='KAFKA');")
        return name, key_type, source["keyFormat"], value_type, source["valueFormat"]

    def literal(self, value, kind, format_name):
        if value is None:
            return "NULL"
        if kind == "STRING":
            text = value if isinstance(value, str) and not isinstance(value, self.tool.Num) and format_name != "JSON" else self.tool.dumps(value)
            return quote(text)
        return str(value) if kind != "DOUBLE" else f"{value}E0" if "e" not in str(value).lower() else str(value)

    def write_inputs(self):
        inputs = self.case.get("inputs", [])
        if any(i.get("window") or i.get("headers") for i in inputs):
            raise CannotSay("windowed keys or headers as input")
        sources = self.sources()
        raw = {topic: self.raw_stream(topic, sources) for topic in {i["topic"] for i in inputs}}
        for i in inputs:
            name, key_type, key_format, value_type, value_format = raw[i["topic"]]
            if i.get("timestamp", 0) < 0:
                raise CannotSay("a time before 1970")
            columns = ["ROWTIME"] + (["K"] if key_type else []) + ["V"]
            values = [str(i.get("timestamp", 0))] + ([self.literal(i.get("key"), key_type, key_format)] if key_type else []) \
                + [self.literal(i.get("value"), value_type, value_format)]
            self.must(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join(values)});")

    def wait(self):
        """A bounded query of the standard dialect waits until its sources have taken what was there."""
        for source in self.sources():
            if not source["name"].startswith(("RAW_", "KSQL_PROCESSING_LOG")):
                self.server.request("POST", "/query-stream", {"sql": f"SELECT COUNT(*) FROM `{source['name']}`;", "properties": {"sql.dialect": "standard"}})

    # ---- queries ----

    def begin(self, sql):
        properties = {k: v for k, v in self.properties.items() if k != "cache.max.bytes.buffering"}
        body = json.dumps({"sql": sql, "properties": properties}).encode()
        s = socket.create_connection(("127.0.0.1", self.server.port), timeout=LIMIT)
        s.sendall(b"POST /query-stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: application/vnd.ksql.v1+json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        self.open.append(s)
        return s

    def begin_before_inputs(self, sql):
        """Where it begins is fixed when its header comes: the connection, and what came."""
        s = self.begin(sql)
        got = b""
        while b'{"header":' not in got and not got.endswith(b"0\r\n\r\n"):
            more = s.recv(65536)
            got += more
            if not more or (b"\r\n\r\n" in got and b" 200 " not in got.partition(b"\r\n")[0]):
                break
        return s, got

    def entries(self, s, wanted, got=b""):
        """What comes, until the end or until there is as much as is wanted and nothing more for a while."""
        deadline = time.time() + LIMIT
        while time.time() < deadline:
            s.settimeout(0.25)
            try:
                more = s.recv(65536)
            except socket.timeout:
                if got.count(b'{"row":') + got.count(b'{"header":') >= wanted and got.count(b"HTTP/1.1 200"):
                    break
                continue
            if not more:
                break
            got += more
        head, _, rest = got.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            return None, rest.decode()
        if b"content-length" not in head:
            rest = unchunk(rest)
        text = rest.decode().strip().lstrip("[").rstrip("]").rstrip().rstrip(",")
        return self.tool.loads(f"[{text}]"), None

    def run(self):
        """None, or why it does not agree."""
        case = self.case
        expected = case.get("expectedException")
        rows = {r["statement"]: r["rows"] for r in case.get("responses", [])}
        queries = []
        for number, sql in enumerate(case["statements"], 1):
            if QUERY.match(sql):
                queries.append((number, sql))
                continue
            status, text = self.ksql(sql)
            if status != 200:
                return None if expected and expected.get("statement", number) == number else f"statement {number}: {text}"
        begun = {}
        if case.get("inputsAfterQuery"):
            self.properties.setdefault("auto.offset.reset", "latest")
            if "auto.offset.reset" not in case.get("properties", {}):
                self.properties["auto.offset.reset"] = "latest"
            for number, sql in queries:
                begun[number] = self.begin_before_inputs(sql)
        self.write_inputs()
        self.wait()
        for number, sql in queries:
            s, got = begun.get(number) or (self.begin(sql), b"")
            actual, error = self.entries(s, len(rows.get(number, [])), got)
            if actual is None:
                return None if expected and expected.get("statement", number) == number else f"statement {number}: {error}"
            if number in rows:
                difference = self.tool.diff_rows(rows[number], actual)
                if difference:
                    return f"statement {number}: {difference}"
        return "accepted; expected to be refused" if expected else None

    def close(self):
        for s in self.open:
            s.close()


def cases_of(folder, tool):
    for path in sorted(glob.glob(os.path.join(folder, "rest", "*.jsonl"))):
        with open(path, encoding="utf-8") as f:
            for line in f:
                case = tool.loads(line)
                if not case.get("excluded") and "basic-formats" in case["features"]:
                    yield case


def run_all(options, folder):
    tool = load_tool(folder)
    agree = differ = 0
    unsaid = []
    for case in cases_of(folder, tool):
        if options.only not in case["id"]:
            continue
        with tempfile.TemporaryDirectory() as place:
            server = Server(options, place, "--set", "ksql.query.push.v2.enabled=true")     # as the recorded server had
            one = Case(tool, server, case)
            try:
                why = one.run()
            except CannotSay as e:
                unsaid.append(f"{case['id']}: {e}")
                continue
            except (AssertionError, OSError, ValueError, KeyError) as e:
                why = f"{type(e).__name__}: {e}"
            finally:
                one.close()
                server.process.kill()
                server.process.communicate()
        agree += why is None
        differ += why is not None
        if why is not None and options.verbose:
            print(f"     {case['id']}: {why}")
    share = 100 * agree / max(agree + differ, 1)
    print(f"rest: {agree} of {agree + differ} cases agree over HTTP ({share:.1f} %, at least {LEAST} % wanted); {len(unsaid)} need what HTTP cannot say")
    yield "recorded REST cases", None if share >= LEAST else f"{share:.1f} % agree, at least {LEAST} % must"
