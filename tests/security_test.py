"""`sluice server` as operators and strangers meet it: who gets in, what statements may touch, limits, logs, metrics, signals.

Servers listen on free ports of 127.0.0.1.  Certificates are made by the openssl program; without it those tests are skipped.
"""

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time

CASES = []
RELOADED = "SIGHUP: (?:logs|not everything)"
LIMIT = 120     # seconds for what takes some milliseconds: another program may have the machine
USERS = {"rita": "read", "will": "write", "ada": "admin"}
PASSWORD = "correct horse %s"


class Skip(Exception):
    """Why a case cannot run here."""


def case(function):
    CASES.append(function)
    return function


def equal(actual, expected, what="value"):
    assert actual == expected, f"{what}: expected {expected!r}, got {actual!r}"


def contains(text, part):
    assert part in text, f"expected {part!r} in {text!r}"


def wait_for(what, condition):
    until = time.time() + LIMIT
    while not condition():
        assert time.time() < until, f"{what}: not within {LIMIT} s"
        time.sleep(0.02)


class Place:
    def __init__(self, options, folder):
        self.options = options
        self.sluice = os.path.abspath(os.path.join(options.bin, "sluice"))
        self.folder = folder
        self.environment = {"HOME": folder, "TZ": "UTC", "PATH": os.environ["PATH"]}

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o640):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def user_line(self, user, role, password=None):
        return subprocess.run([self.sluice, "passwd", "--role", role, user], input=(password or PASSWORD % user) + "\n", capture_output=True,
                              text=True, check=True, timeout=LIMIT).stdout

    def write_users(self):
        return self.write("users", "".join(self.user_line(user, role) for user, role in USERS.items()))

    def certificate(self, name, common_name="localhost"):
        if shutil.which("openssl") is None:
            raise Skip("there is no openssl program")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={common_name}", "-addext",
                        "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", self.path(name + ".key"), "-out", self.path(name + ".crt")],
                       check=True, capture_output=True, timeout=LIMIT)
        with open(self.path(name + ".pem"), "w", encoding="utf-8") as f:
            f.write(self.read(name + ".crt") + self.read(name + ".key"))
        os.chmod(self.path(name + ".pem"), 0o640)
        return self.path(name + ".pem")

    def start(self, *arguments, settings=(), environment=None, listen="http://127.0.0.1:0", data="data"):
        command = [self.sluice, "server", "--data", self.path(data), "--listen", listen]
        for name, value in dict(settings).items():
            command += ["--set", f"{name}={value}"]
        return Server(self, command + list(arguments), dict(self.environment, **(environment or {})))

    def fails(self, *arguments, environment=None):
        """The message of a server that must not start."""
        done = subprocess.run([self.sluice, "server", "--data", self.path("data"), *arguments], env=dict(self.environment, **(environment or {})),
                              cwd=self.folder, capture_output=True, text=True, timeout=LIMIT)
        assert done.returncode not in (0, -signal.SIGSEGV), f"it started, or crashed: {done}"
        return done.stderr


class Server:
    def __init__(self, place, command, environment):
        self.place = place
        self.lines = []
        self.process = subprocess.Popen(command, env=environment, cwd=place.folder, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                        errors="replace")
        self.ports = []
        self.listening = threading.Event()
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()
        if not self.listening.wait(LIMIT):
            self.process.kill()
            raise AssertionError("the server does not listen:\n" + "".join(self.lines))
        self.wait_ready()

    def read_log(self):
        for line in self.process.stderr:
            self.lines.append(line)
            found = re.search(r"[Ll]istening at (https?)://[^:/\s]*:(\d+)", line)
            if found:
                self.ports.append((found.group(1), int(found.group(2))))
                self.listening.set()
        self.listening.set()

    def wait_ready(self):
        until = time.time() + LIMIT
        while time.time() < until:
            try:
                if self.get("/healthcheck", user=None)[0] == 200 and self.post("/ksql", {"ksql": "SHOW STREAMS;"}, user="ada")[0] != 503:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError("the server does not get ready:\n" + "".join(self.lines[-20:]))

    def connection(self, timeout=LIMIT):
        scheme, port = self.ports[0]
        if scheme == "http":
            return http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=timeout)

    def request(self, method, path, body=None, user=None, password=None, headers=None):
        connection = self.connection()
        sent = dict(headers or {})
        if user is not None:
            token = base64.b64encode(f"{user}:{password or PASSWORD % user}".encode()).decode()
            sent["Authorization"] = "Basic " + token
        if isinstance(body, dict):
            body = json.dumps(body)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return response.status, dict((k.lower(), v) for k, v in response.getheaders()), response.read().decode(errors="replace")
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        return self.request("POST", path, body, **more)

    def ksql(self, sql, **more):
        status, _, text = self.post("/ksql", {"ksql": sql, "streamsProperties": {"sql.dialect": "standard"}}, **more)
        return status, text

    def query(self, sql, **more):
        status, _, text = self.post("/query-stream", {"sql": sql, "properties": {"sql.dialect": "standard"}}, **more)
        return status, text

    def hang_up(self):
        """Has it read anew what it reads, and waits until it has: it says so to the log, or why not."""
        told = self.told(RELOADED)
        self.process.send_signal(signal.SIGHUP)
        wait_for("the end of reloading", lambda: self.told(RELOADED) > told)

    def told(self, what):
        """How often it was said, wherever the log is."""
        text = self.log()
        if os.path.exists(self.place.path("log")):
            text += self.place.read("log")
        return len(re.findall(what, text))

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the server did not stop within {LIMIT} s of SIGTERM")
        self.reader.join(LIMIT)
        return self.process.returncode

    def log(self):
        return "".join(self.lines)


@contextlib.contextmanager
def running(server):
    try:
        yield server
        code = server.stop()
        assert code == 0, f"exit status {code}:\n{server.log()[-3000:]}"
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def guarded(p, **more):
    """A server with users."""
    settings = {"authentication.method": "BASIC", "authentication.users.file": p.write_users(), "authentication.max.failures": "0"}
    settings.update(more.pop("settings", {}))
    return running(p.start(settings=settings, **more))


# ---- starting ----


@case
def others_are_not_listened_to_without_protection(p):
    for listen in ("http://0.0.0.0:0", "http://[::]:0", "http://192.0.2.1:0"):
        message = p.fails("--listen", listen)
        contains(message, "TLS and authentication")
        contains(message, "--insecure")
    pem = p.certificate("tls")
    contains(p.fails("--listen", "https://0.0.0.0:0", "--set", "ssl.keystore.location=" + pem), "authentication")
    users = p.write_users()
    contains(p.fails("--listen", "http://0.0.0.0:0", "--set", "authentication.method=BASIC", "--set", "authentication.users.file=" + users), "TLS")


@case
def bad_settings_are_told(p):
    config = p.write("server.properties", "listners=http://127.0.0.1:0\n")
    message = p.fails("--config", config)
    contains(message, "server.properties:1")
    contains(message, "'listeners'")
    contains(p.fails("--config", p.path("missing")), "missing")
    contains(p.fails("--listen", "https://127.0.0.1:0"), "ssl.keystore.location")
    contains(p.fails("--set", "authentication.method=BASIC"), "authentication.users.file")
    contains(p.fails("--set", "file.access=/does/not/exist"), "/does/not/exist")
    contains(p.fails("--set", "authentication.method=BASIC", "--set", "authentication.users.file=" + p.write("open", "a: b,read\n", 0o644)), "chmod")


@case
def settings_come_from_file_environment_and_flags(p):
    config = p.write("server.properties", "listeners=http://127.0.0.1:1\nksql.service.id=file_\nlog.level=debug\nksql.unknown.of.some.other.version=1\n"
                     "sasl.password=Hush77\nssl.key.password=Hush77\n")
    with running(p.start("--config", config, environment={"KSQL_KSQL_SERVICE_ID": "env_", "SLUICE_LOG_LEVEL": "warn"},
                         settings={"log.level": "info"})) as server:
        contains(server.get("/info")[2], '"ksqlServiceId":"env_"')
        text = server.ksql("SHOW PROPERTIES;")[1]
        assert "Hush77" not in text, text
        contains(text, "[hidden]")
        contains(server.log(), "ksql.unknown.of.some.other.version")
        contains(server.log(), '"level":"info"')
    with running(p.start(settings={"log.level": "debug"})) as server:
        server.get("/info?x=Hush77")
        wait_for("the request in the log", lambda: '"component":"http","message":"GET /info"' in server.log())
        assert "Hush77" not in server.log()


# ---- who gets in ----


@case
def logging_in(p):
    with guarded(p) as server:
        status, headers, text = server.get("/info")
        equal((status, json.loads(text)["error_code"]), (401, 40100))
        contains(headers["www-authenticate"], 'Basic realm="sluice"')
        equal(server.get("/info", user="rita")[0], 200)
        equal(server.get("/info", user="rita", password="wrong")[0], 401)
        equal(server.get("/info", user="nobody")[0], 401)
        for path in ("/healthcheck", "/v1/metadata", "/v1/metadata/id", "/chc/ready", "/chc/live"):
            equal((path, server.get(path)[0]), (path, 200))
        for header in ("Basic", "Basic !!!", "Bearer x", "Basic " + base64.b64encode(b"rita").decode(), "Basic " + "A" * 5000):
            equal((header[:20], server.get("/info", headers={"Authorization": header})[0]), (header[:20], 401))
        contains(server.log(), "A log-in was refused")
        assert "wrong" not in server.log().replace("wrong user or password", ""), "a password in the log"


@case
def many_log_ins_are_quick(p):
    with guarded(p) as server:
        server.get("/info", user="rita")
        for _ in range(100):
            equal(server.get("/info", user="rita")[0], 200)
        logins = dict(re.findall(r'^sluice_logins_total\{service="default_",outcome="(\w+)"\} (\d+)$', server.get("/metrics", user="rita")[2], re.M))
        # One password was hashed of each user: those of the first requests; all others were remembered.
        assert int(logins["remembered"]) >= 100 and int(logins["verified"]) <= 2, f"every request hashes the password: {logins}"


@case
def who_fails_too_often_waits(p):
    with guarded(p, settings={"authentication.max.failures": "3"}) as server:
        equal(server.get("/info", user="rita")[0], 200)
        for _ in range(3):
            equal(server.get("/info", user="will", password="wrong")[0], 401)
        status, headers, _ = server.get("/info", user="will", password="wrong")
        equal(status, 429)
        contains(headers, "retry-after")
        equal(server.get("/info", user="rita")[0], 200)


@case
def bodies_wait_for_the_log_in(p):
    """The first request of a user is verified slowly while its body comes: over both versions, long ones and clients that leave."""
    with guarded(p, settings={"http.max.request.bytes": "1M"}) as server:
        long_text = "SHOW STREAMS; -- " + "x" * 300000
        equal(server.post("/ksql", {"ksql": long_text}, user="will")[0], 200)
        equal(server.post("/ksql", {"ksql": long_text}, user="will", password="wrong")[0], 401)
        equal(server.post("/ksql", {"ksql": long_text * 5}, user="rita", password="wrong")[0], 401)
        token = base64.b64encode(b"rita:wrong").decode().encode()
        for i in range(30):
            with socket.create_connection(("127.0.0.1", server.ports[0][1]), timeout=LIMIT) as s:
                s.sendall(b"POST /ksql HTTP/1.1\r\nhost: x\r\nauthorization: Basic " + token + b"\r\ncontent-length: 100\r\n\r\n" + b"{" * (i * 4))
        equal(server.get("/info", user="rita")[0], 200)
        if shutil.which("curl") is None or "HTTP2" not in subprocess.run(["curl", "--version"], capture_output=True, text=True).stdout:
            return
        url = f"http://127.0.0.1:{server.ports[0][1]}/ksql"
        body = p.write("body", json.dumps({"ksql": long_text}))
        for password, status in ((PASSWORD % "ada", "200"), ("wrong", "401")):
            server.hang_up()       # forgets what was verified
            done = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "--user", "ada:" + password, "--data-binary", "@" + body, "-o", p.path("answer"),
                                   "-w", "%{http_version} %{http_code}", url], capture_output=True, text=True, timeout=LIMIT)
            equal((done.stdout, done.stderr), ("2 " + status, ""))


@case
def tls_and_reload(p):
    pem = p.certificate("tls")
    users = p.write_users()
    settings = {"ssl.keystore.location": pem, "authentication.method": "BASIC", "authentication.users.file": users, "log.file": p.path("log")}
    with running(p.start(settings=settings, listen="https://127.0.0.1:0")) as server:
        equal(server.get("/info")[0], 401)
        equal(server.get("/info", user="rita")[0], 200)
        equal(server.query("SELECT 1 AS x;", user="rita")[0], 200)

        def serial():
            return ssl.get_server_certificate(("127.0.0.1", server.ports[0][1]))

        before = serial()
        kept = server.connection()
        kept.request("GET", "/healthcheck")
        equal(kept.getresponse().read() != b"", True)
        # A new certificate, a new password, a moved log; the open connection goes on.
        p.certificate("tls")
        p.write("users", p.user_line("rita", "read", "battery staple") + p.user_line("ada", "admin"))
        os.rename(p.path("log"), p.path("log.1"))
        server.hang_up()
        assert serial() != before, "the certificate is still the old one"
        equal(server.get("/info", user="rita")[0], 401)
        equal(server.get("/info", user="rita", password="battery staple")[0], 200)
        equal(server.get("/info", user="will")[0], 401)
        kept.request("GET", "/healthcheck")
        equal(kept.getresponse().status, 200)
        kept.close()
        contains(p.read("log"), "audit")
        # What is broken changes nothing.
        after = serial()
        p.write("tls.pem", "broken")
        p.write("users", "rita: plain text,read\n")
        server.hang_up()
        equal(serial(), after)
        equal(server.get("/info", user="rita", password="battery staple")[0], 200)
        contains(p.read("log"), '"level":"error"')
        assert "plain text" not in p.read("log")


@case
def client_certificates(p):
    pem = p.certificate("tls")
    client = p.certificate("client", "robot")
    users = p.write("users", "robot: certificate,read\n" + p.user_line("ada", "admin"))
    settings = {"ssl.keystore.location": pem, "authentication.method": "BASIC", "authentication.users.file": users,
                "ssl.client.authentication": "REQUESTED", "ssl.truststore.location": p.path("client.crt")}
    with running(p.start(settings=settings, listen="https://127.0.0.1:0")) as server:
        equal(server.get("/info")[0], 401)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.load_cert_chain(client)
        connection = http.client.HTTPSConnection("127.0.0.1", server.ports[0][1], context=context, timeout=LIMIT)
        connection.request("GET", "/info")
        response = connection.getresponse()
        response.read()
        equal(response.status, 200)
        connection.request("POST", "/ksql", json.dumps({"ksql": "DROP STREAM IF EXISTS s;"}))
        equal(connection.getresponse().status, 403)
        connection.close()


@case
def the_shell_logs_in(p):
    pem = p.certificate("tls")
    settings = {"ssl.keystore.location": pem, "authentication.method": "BASIC", "authentication.users.file": p.write_users(), "authentication.max.failures": "0"}
    with running(p.start(settings=settings, listen="https://127.0.0.1:0")) as server:
        def shell(*arguments, password=None):
            done = subprocess.run([p.sluice, f"https://127.0.0.1:{server.ports[0][1]}", *arguments], cwd=p.folder, capture_output=True, text=True, timeout=LIMIT,
                                  stdin=subprocess.DEVNULL, env=dict(p.environment, **({"SLUICE_PASSWORD": password} if password else {})))
            return done.returncode, done.stdout, done.stderr

        trust = ("--ca-file", p.path("tls.crt"))
        equal(shell(*trust, "--user", "rita", "-c", "SELECT 1 AS x", password=PASSWORD % "rita"), (0, "x\n1\n", ""))
        equal(shell(*trust, "--user", "rita:" + PASSWORD % "rita", "-c", "SELECT 1 AS x"), (0, "x\n1\n", ""))
        for arguments, part in ((trust, "--user"), (trust + ("--user", "rita:wrong"), "Wrong user or password"), (("--user", "rita:x"), "certificate")):
            status, out, err = shell(*arguments, "-c", "SELECT 1 AS x")
            equal((arguments, status, out), (arguments, 1, ""))
            contains(err.replace("Give ", ""), part)
        status, out, err = shell(*trust, "--user", "rita", "-c", "CREATE TYPE t AS INT", password=PASSWORD % "rita")
        equal((status, out), (1, ""))
        contains(err, "not permitted")
        # The list of processes does not show the password.
        slow = subprocess.Popen([p.sluice, server_url(server), *trust, "--user", "rita:" + PASSWORD % "rita", "-f", "/dev/stdin"], stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=p.environment)
        def shown():
            with open(f"/proc/{slow.pid}/cmdline", encoding="utf-8") as f:
                return f.read()
        try:
            wait_for("a list of processes without the password", lambda: "--user" in shown() and "horse" not in shown())
        finally:
            slow.stdin.close()
            slow.wait(LIMIT)


def push_line(connection):
    """The first line of a push query's answer."""
    response = connection.getresponse()
    equal(response.status, 200)
    return response.readline()


def server_url(server):
    return f"{server.ports[0][0]}://127.0.0.1:{server.ports[0][1]}"


# ---- what roles may do: every row of the program's own table ----

ROLES = ["none", "read", "write", "admin"]
USER_OF = {"none": None, "read": "rita", "write": "will", "admin": "ada"}

BODIES = {
    "/ksql": {"ksql": "SHOW STREAMS;"}, "/ksql/terminate": {"deleteTopicList": ["("]}, "/query": {"ksql": "SELECT 1;"},
    "/query-stream": {"sql": "SELECT 1;"}, "/close-query": {"queryId": "nothing"}, "/inserts-stream": {"target": "nothing"},
    "/heartbeat": {}, "/lag": {},
}

STATEMENTS = {
    "SELECT": "SELECT 1 AS x;", "CREATE": "CREATE STREAM s_{role} (a INT) WITH (kafka_topic='t_{role}', value_format='JSON', partitions=1);",
    "CREATE VIEW": "CREATE VIEW v_{role} AS SELECT * FROM base;", "CREATE TYPE": "CREATE TYPE type_{role} AS INT;",
    "CREATE FUNCTION": "CREATE FUNCTION f_{role} (x INT) RETURNS INT AS x + 1;", "CREATE CONNECTOR": "CREATE SOURCE CONNECTOR c WITH ('connector.class'='x');",
    "INSERT INTO": "INSERT INTO base SELECT * FROM other;", "INSERT VALUES": "INSERT INTO base (a) VALUES (1);", "DROP": "DROP STREAM IF EXISTS nothing;",
    "ALTER": "ALTER STREAM base ADD COLUMN extra_{role} INT;", "TERMINATE": "TERMINATE nothing;", "PAUSE": "PAUSE nothing;", "RESUME": "RESUME nothing;",
    "SHOW": "SHOW STREAMS;", "DESCRIBE": "DESCRIBE base;", "EXPLAIN": "EXPLAIN SELECT * FROM base EMIT CHANGES;", "PRINT": "PRINT topic_base FROM BEGINNING LIMIT 1;",
    "SET": "SET 'auto.offset.reset'='earliest';", "UNSET": "UNSET 'auto.offset.reset';", "ALTER SYSTEM": "ALTER SYSTEM 'auto.offset.reset'='earliest';",
    "DEFINE": "DEFINE a = 'b';", "UNDEFINE": "UNDEFINE a;", "ASSERT TOPIC": "ASSERT TOPIC topic_base;", "ASSERT SCHEMA": "ASSERT SCHEMA SUBJECT x TIMEOUT 1 SECONDS;",
    "ASSERT VALUES": "ASSERT VALUES base (a) VALUES (1);", "ASSERT NULL VALUES": "ASSERT NULL VALUES base (a) KEY (1);",
    "ASSERT STREAM": "ASSERT STREAM base (a INT) WITH (kafka_topic='topic_base', value_format='JSON');", "RUN SCRIPT": "RUN SCRIPT 'x.sql';",
    "SPOOL": "SPOOL OFF;", "COPY": "COPY (SELECT 1) TO '{folder}/files/x_{role}.csv';", "SUMMARIZE": "SUMMARIZE base;",
}


def permissions(p):
    """The two tables that the program prints: {"GET /info": "read", ...}, {"SELECT": "read", ...}."""
    done = subprocess.run([p.sluice, "server", "--print-permissions"], capture_output=True, text=True, timeout=LIMIT, check=True)
    endpoints, statements = {}, {}
    for line in done.stdout.splitlines():
        cells = [c.strip().strip("`") for c in line.strip("|").split("|")]
        if not line.startswith("|") or len(cells) < 2 or cells[0] in ("endpoint", "statement") or set(cells[0]) <= set("-"):
            continue
        marks = cells[1:5] if cells[0].startswith(("GET ", "POST ")) else [""] + cells[1:4]
        least = next(role for role, mark in zip(ROLES, marks) if mark == "yes")
        (endpoints if cells[0].startswith(("GET ", "POST ")) else statements)[cells[0]] = least
    return done.stdout, endpoints, statements


@case
def the_documented_permissions_are_the_programs(p):
    text, endpoints, statements = permissions(p)
    with open(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "permissions.md"), encoding="utf-8") as f:
        equal(f.read(), text, "docs/permissions.md (make docs writes it)")
    assert len(endpoints) > 15 and len(statements) > 25, "tables are missing"


@case
def every_endpoint_for_every_role(p):
    wrong = []
    with guarded(p) as server:
        for row, least in permissions(p)[1].items():
            method, path = row.split(" ")
            for role in ROLES:
                if path == "/ws/query" and role != "none" and ROLES.index(role) >= ROLES.index(least):
                    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
                else:
                    headers = None
                target = re.sub(r"\{[^}]*\}", "x", path)
                if target == "/ws/query":
                    target += "?request=%7B%22ksql%22%3A%22SELECT%201%3B%22%7D"
                try:
                    status, _, text = server.request(method, target, BODIES.get(path) if method == "POST" else None, user=USER_OF[role], headers=headers)
                except http.client.HTTPException as e:
                    status, text = 0, str(e)
                may = ROLES.index(role) >= ROLES.index(least)
                refused = 401 if role == "none" else 403
                if (status == refused) == may or (status in (401, 403) and status != refused):
                    wrong.append(f"{row} as {role}: status {status}, needs {least}: {text[:200]}")
        equal(server.get("/info", user="ada")[0], 200)
    equal(wrong, [], "rows that differ")


@case
def every_statement_for_every_role(p):
    os.mkdir(p.path("files"))
    wrong = []
    with guarded(p, settings={"file.access": p.path("files")}) as server:
        status, text = server.ksql("CREATE STREAM base (a INT) WITH (kafka_topic='topic_base', value_format='JSON', partitions=1); "
                                   "CREATE STREAM other (a INT) WITH (kafka_topic='topic_other', value_format='JSON', partitions=1);", user="will")
        equal((status, text if status != 200 else ""), (200, ""))
        for name, least in permissions(p)[2].items():
            if name not in STATEMENTS:
                wrong.append(f"{name}: this test has no example of it")
                continue
            for role in ROLES[1:]:
                sql = STATEMENTS[name].format(role=role, folder=p.folder)
                status, text = (server.query if name in ("SELECT", "PRINT") else server.ksql)(sql, user=USER_OF[role])
                may = ROLES.index(role) >= ROLES.index(least)
                if ("40300" in text) == may or (status == 403) == may:
                    wrong.append(f"{sql} as {role}: status {status}, needs {least}: {text[:200]}")
    equal(wrong, [], "rows that differ")


@case
def nothing_of_a_request_runs_if_a_part_is_not_permitted(p):
    with guarded(p) as server:
        server.ksql("CREATE STREAM s (a INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);", user="will")
        status, text = server.ksql("CREATE STREAM t (a INT) WITH (kafka_topic='t', value_format='JSON', partitions=1); RUN SCRIPT 'x';", user="will")
        equal(status, 403)
        assert '"T"' not in server.ksql("SHOW STREAMS;", user="rita")[1].upper(), "the first statement was executed"
        # However it is dressed up.
        for sql in ("/* SELECT */ drop stream s;", "SELECT 1; DROP STREAM s;", "SET 'a'='b'; ; DROP STREAM s;", "--@x: y\nDROP STREAM s;",
                    "INSERT INTO s VALUES (1);", "CREATE TABLE x AS SELECT a, COUNT(*) FROM s GROUP BY a;"):
            equal((sql, server.ksql(sql, user="rita")[0]), (sql, 403))
        contains(server.ksql("SHOW STREAMS;", user="rita")[1].lower(), '"s"')


@case
def push_queries_are_ended_by_who_began_them(p):
    with guarded(p) as server:
        server.ksql("CREATE STREAM s (a INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);", user="will")
        for began, asks, status in (("ada", "rita", 400), ("rita", "rita", 200), ("rita", "will", 200)):
            token = base64.b64encode(f"{began}:{PASSWORD % began}".encode()).decode()
            push = server.connection()
            push.request("POST", "/query-stream", json.dumps({"sql": "SELECT * FROM `s` EMIT CHANGES;"}), {"Authorization": "Basic " + token})
            query = json.loads(push_line(push))["queryId"]
            equal((began, asks, server.post("/close-query", {"queryId": query}, user=asks)[0]), (began, asks, status))
            push.close()


@case
def sessions_cannot_raise_themselves(p):
    with guarded(p) as server:
        for name in ("authentication.method", "file.access", "listeners", "ksql.service.id", "url.access", "audit.log"):
            status, _, text = server.post("/ksql", {"ksql": "SHOW STREAMS;", "streamsProperties": {name: "x"}}, user="ada")
            equal((name, status), (name, 400))
            equal((name, server.ksql(f"SET '{name}'='x';", user="ada")[0]), (name, 400))


# ---- files ----


@case
def no_files_unless_they_are_allowed(p):
    secret = p.write("secret.csv", "a\n77\n")
    with running(p.start()) as server:
        for sql in (f"SELECT * FROM '{secret}';", "SELECT * FROM '/etc/passwd' WITH (FORMAT='CSV');", f"SELECT * FROM '{p.folder}/*.csv';", "SELECT * FROM '-';"):
            status, text = server.query(sql)
            contains(text, "standard input" if "'-'" in sql else "denied")
            assert "77" not in text and "root" not in text, text
        for sql in (f"RUN SCRIPT '{secret}';", f"DESCRIBE '{secret}';", f"CREATE STREAM f WITH (PATH='{secret}');", f"COPY (SELECT 1) TO '{p.folder}/new.csv';",
                    f"CREATE STREAM f AS SELECT * FROM '{secret}';"):
            status, text = server.ksql(sql)
            equal((sql, status), (sql, 400))
            contains(text, "denied")
        # Several statements are tried on a copy of the catalog first: which may touch no more.
        for sql in (f"CREATE STREAM f WITH (PATH='{secret}'); DESCRIBE f;", f"CREATE STREAM f WITH (PATH='{secret}'); CREATE STREAM g AS SELECT nothing FROM f;",
                    f"CREATE TYPE t AS INT; CREATE STREAM f AS SELECT nothing FROM '{secret}';", "CREATE TYPE t AS INT; CREATE STREAM f WITH (PATH='/no/such/file.csv');"):
            status, text = server.ksql(sql)
            equal((sql, status), (sql, 400))
            contains(text, "denied")
            assert "77" not in text and "Unknown column" not in text, text
        assert not os.path.exists(p.path("new.csv"))
        # Refusals don't tell what is there.
        there, missing = (server.query(f"SELECT * FROM '{path}';")[1].replace(path, "X") for path in (secret, secret.replace("secret", "sacred")))
        equal(there, missing)


@case
def files_of_allowed_directories(p):
    os.mkdir(p.path("files"))
    p.write("files/a.csv", "a\n1\n")
    p.write("secret.csv", "a\n77\n")
    os.symlink(p.path("secret.csv"), p.path("files/link.csv"))
    os.symlink(p.folder, p.path("files/up"))
    with running(p.start(settings={"file.access": p.path("files")})) as server:
        status, text = server.query(f"SELECT * FROM '{p.path('files/a.csv')}';")
        equal((status, "[1]" in text.replace(" ", "")), (200, True))
        for name in ("files/link.csv", "files/up/secret.csv", "files/../secret.csv", "files/up/files/../secret.csv", "filesx", "files/*/secret.csv"):
            text = server.query(f"SELECT * FROM '{p.path(name)}';")[1]
            contains(text, "denied")
            assert "77" not in text
        equal(server.ksql(f"COPY (SELECT 5 AS a) TO '{p.path('files/out.csv')}';")[0], 200)
        equal(p.read("files/out.csv"), "a\n5\n")
        equal(server.ksql(f"COPY (SELECT 5 AS a) TO '{p.path('files/up/out.csv')}';")[0], 400)
        p.write("files/script.sql", "CREATE STREAM from_script (a INT) WITH (kafka_topic='x', value_format='JSON', partitions=1);")
        equal(server.ksql(f"RUN SCRIPT '{p.path('files/script.sql')}';")[0], 200)
        contains(server.ksql("SHOW STREAMS;")[1], "from_script")


# ---- limits ----


@case
def a_properties_file_of_ksqldb_is_taken(p):
    """What such files commonly hold; and what is not known is not taken for something else."""
    text = """ksql.streams.producer.delivery.timeout.ms=2147483647
ksql.streams.producer.acks=all
ksql.streams.replication.factor=3
ksql.streams.topic.min.insync.replicas=2
ksql.streams.state.dir=/some/non-temporary-storage-path/
ksql.streams.consumer.session.timeout.ms=6000
ksql.logging.processing.topic.auto.create=true
ksql.fail.on.production.error=false
ksql.heartbeat.enable=true
ksql.heartbeat.send.interval.ms=100
ksql.lag.reporting.send.interval.ms=5000
ksql.query.pull.max.allowed.offset.lag=100
ksql.query.pull.thread.pool.size=50
ksql.properties.overrides.log=true
"""
    path = p.path("ksql.properties")
    with open(path, "w") as f:
        f.write(text)
    with running(p.start("--config", path)) as server:
        equal(server.ksql("SHOW STREAMS;")[0], 200)
    with open(path, "a") as f:
        f.write("ksql.fail.on.productionerror=true\n")
    contains(p.fails("--config", path), "ksql.properties:15: Unknown property: ksql.fail.on.productionerror\nhint: Did you mean 'ksql.fail.on.production.error'?")


@case
def persistent_queries_are_limited(p):
    """What is there goes on, over a restart too; one that replaces another is none more."""
    settings = {"ksql.query.persistent.active.limit": "2"}
    with running(p.start(settings=settings)) as server:
        equal(server.ksql("CREATE STREAM s (a INT) WITH (kafka_topic='s', value_format='JSON', partitions=1); CREATE STREAM u AS SELECT a FROM s;"
                          "INSERT INTO u SELECT a + 1 AS a FROM s;")[0], 200)
        for more in ("CREATE TABLE c AS SELECT a, COUNT(*) AS n FROM s GROUP BY a;", "INSERT INTO u SELECT a + 2 AS a FROM s;"):
            status, text = server.ksql(more)
            equal(status, 400)
            contains(text, "There are 2 persistent queries, and no more than 2 are allowed")
            contains(text, "ksql.query.persistent.active.limit")
        equal(server.ksql("CREATE OR REPLACE STREAM u AS SELECT a FROM s WHERE a > 0;")[0], 200)
    with running(p.start(settings={"ksql.query.persistent.active.limit": "1"})) as server:
        equal(len(json.loads(server.ksql("SHOW QUERIES;")[1])[0]["queries"]), 2)


@case
def limits_say_what_they_are(p):
    # One at first, then one in 1000 seconds.
    with running(p.start(settings={"ksql.server.command.topic.rate.limit": "0.001"})) as server:
        create = "CREATE TYPE t%d AS INT;"
        equal(server.ksql(create % 1)[0], 200)
        status, text = server.ksql(create % 2)
        equal((status, json.loads(text)["error_code"]), (429, 42900))
        contains(text, "ksql.server.command.topic.rate.limit")
        for _ in range(3):
            equal(server.ksql("SHOW TYPES; SET 'auto.offset.reset'='earliest';")[0], 200)
    with running(p.start(settings={"http.max.request.bytes": "10K", "request.max.statements": "3", "ksql.max.push.queries": "1",
                                   "ksql.query.pull.max.qps": "5"})) as server:
        equal(server.post("/ksql", {"ksql": "-- " + "x" * 20000})[0], 413)
        status, text = server.ksql("SHOW STREAMS; SHOW STREAMS; SHOW STREAMS; SHOW STREAMS;")
        equal(status, 400)
        contains(text, "request.max.statements")
        equal(server.ksql("CREATE STREAM s (a INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);")[0], 200)
        first = server.connection()
        first.request("POST", "/query-stream", json.dumps({"sql": "SELECT * FROM `s` EMIT CHANGES;"}))
        equal(first.getresponse().status, 200)
        status, text = server.query("SELECT * FROM `s` EMIT CHANGES;")
        equal((status, json.loads(text)["error_code"]), (400, 40003))
        contains(text, "ksql.max.push.queries")
        first.close()
        def another():
            again = server.connection()
            again.request("POST", "/query-stream", json.dumps({"sql": "SELECT * FROM `s` EMIT CHANGES;"}))
            status = again.getresponse().status
            again.close()
            return status
        wait_for("room after the client left", lambda: another() == 200)
        server.ksql("CREATE TABLE t AS SELECT a, COUNT(*) AS n FROM s GROUP BY a;")
        statuses = set()

        def look_up():
            statuses.add(server.post("/query-stream", {"sql": "SELECT * FROM `t`;"})[0])
        # More than five a second, however slow the machine: several at a time.
        def many():
            threads = [threading.Thread(target=look_up) for _ in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return 429 in statuses
        wait_for("a refusal", many)
        contains(statuses, 200)


def closes(server, data, seconds=LIMIT):
    """Is a connection that has sent this closed within the time?"""
    with socket.create_connection(("127.0.0.1", server.ports[0][1]), timeout=seconds) as s:
        s.sendall(data)
        try:
            while s.recv(4096):
                pass
            return True
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False


@case
def who_stands_still_is_not_waited_for(p):
    with running(p.start(settings={"http.header.timeout.ms": "500", "http.body.timeout.ms": "500", "ksql.websocket.connection.max.timeout.ms": "500"})) as server:
        assert closes(server, b""), "nothing sent"
        assert closes(server, b"POST /ksql HTTP/1.1\r\nhost: x\r\n"), "half a head"
        assert closes(server, b"POST /ksql HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"), "half a body"
        assert not closes(server, b"GET /info HTTP/1.1\r\nhost: x\r\n\r\n", 3), "a connection that is kept"
        server.ksql("CREATE STREAM s (a INT) WITH (kafka_topic='s', value_format='JSON', partitions=1);")
        assert closes(server, b"GET /ws/query?request=%7B%22ksql%22%3A%22SELECT%20*%20FROM%20%60s%60%20EMIT%20CHANGES%3B%22%7D HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n"
                      b"upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), "a WebSocket"
        equal(server.get("/info")[0], 200)


@case
def pages_of_other_origins(p):
    with running(p.start(settings={"access.control.allow.origin": "https://app.example.org, https://*.dev.example.org"})) as server:
        for origin, may in (("https://app.example.org", True), ("https://x.dev.example.org", True), ("https://evil.example", False), ("null", False)):
            status, headers, _ = server.get("/info", headers={"Origin": origin})
            equal((origin, status, headers.get("access-control-allow-origin")), (origin, 200, origin if may else None))
            status, headers, _ = server.request("OPTIONS", "/ksql", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
            equal((origin, status, "access-control-allow-methods" in headers), (origin, 200 if may else 404, may))
            # A browser sends it without asking first, and would add its user's password.
            status, _, text = server.post("/ksql", {"ksql": "SHOW STREAMS;"}, headers={"Origin": origin, "Content-Type": "text/plain"})
            equal((origin, status), (origin, 200 if may else 403), text)
    with running(p.start()) as server:
        assert "access-control-allow-origin" not in server.get("/info", headers={"Origin": "https://app.example.org"})[1]
        port = server.ports[0][1]
        for host, origin, status in ((f"localhost:{port}", f"http://localhost:{port}", 200), (f"127.0.0.1:{port}", None, 200), ("[::1]", None, 200),
                                     (f"evil.example:{port}", f"http://evil.example:{port}", 403), ("evil.example", None, 403), ("localhost.evil.example", None, 403),
                                     (f"localhost:{port}", "http://localhost:3000", 403), (f"localhost:{port}", "null", 403)):
            headers = {"Host": host}
            if origin is not None:
                headers["Origin"] = origin
            got, _, text = server.post("/ksql", {"ksql": "SHOW STREAMS;"}, headers=headers)
            equal((host, origin, got), (host, origin, status))
        websocket = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                     "Origin": "http://evil.example"}
        equal(server.get("/ws/query?request=%7B%7D", headers=websocket)[0], 403)
    with running(p.start(settings={"ksql.advertised.listener": "http://lake.example:8088"})) as server:
        equal(server.get("/info", headers={"Host": "lake.example"})[0], 200)
        equal(server.get("/info", headers={"Host": "evil.example"})[0], 403)


# ---- what is told ----


@case
def the_audit_log(p):
    settings = {"audit.log.file": p.path("audit"), "log.file": p.path("log")}
    with guarded(p, settings=settings) as server:
        server.ksql("CREATE STREAM s (a STRING) WITH (kafka_topic='s', value_format='JSON', partitions=1);", user="will")
        server.ksql("INSERT INTO s VALUES ('Hush77');", user="will")
        server.ksql("SET 'sasl.password'='Hush77';", user="rita")
        server.ksql("CREATE SOURCE CONNECTOR c WITH ('password'='Hush77');", user="will")
        server.ksql("DROP STREAM s;", user="rita")
        server.ksql("SELEKT 'Hush77';", user="rita")
        server.query("SELECT 1 AS x FROM 'https://u:Hush77@127.0.0.1:1/x.csv';", user="rita")
        server.get("/info", user="rita", password="Hush77")
        told = ("INSERT INTO s", "DROP STREAM s", "SELECT 1", "log-in was refused")
        wait_for("all requests in the log", lambda: all(part in p.read("audit") for part in told))
        assert "Hush77" not in p.read("audit") + p.read("log") + server.log(), "a secret in a log"
        events = [json.loads(line) for line in p.read("audit").splitlines()]
        told = {(e.get("user"), e.get("outcome")): e for e in events}
        insert = next(e for e in events if "INSERT" in e["message"])
        equal(insert["message"], "INSERT INTO s VALUES ('[value]');")
        equal((insert["user"], insert["outcome"], insert["endpoint"], insert["component"]), ("will", "ok", "/ksql", "audit"))
        assert re.fullmatch(r"127\.0\.0\.1:\d+", insert["address"]), insert
        equal(told[("rita", "denied")]["message"], "DROP STREAM s;")
        contains(str([e["message"] for e in events]), "log-in was refused")
        assert any("SELECT 1" in e["message"] for e in events), "queries are not told"


@case
def metrics(p):
    with guarded(p) as server:
        server.ksql("CREATE STREAM s (a INT) WITH (kafka_topic='s', value_format='JSON', partitions=1); "
                    "CREATE STREAM d AS SELECT a * 2 AS b FROM s;", user="will")
        server.ksql("INSERT INTO s (a) VALUES (1);", user="will")
        server.query("SELECT * FROM s;", user="rita")
        wait_for("the record in the figures", lambda: re.search(r'^sluice_bytes_produced_total\{[^}]*\} 7$', server.get("/metrics", user="rita")[2], re.M))
        status, headers, text = server.get("/metrics", user="rita")
        equal(status, 200)
        contains(headers["content-type"], "text/plain; version=0.0.4")
        for line in (r'sluice_up\{service="default_"\} 1', r'sluice_messages_consumed_total\{service="default_"\} 1',
                     r'sluice_queries\{service="default_",state="RUNNING"\} 1', r'sluice_http_requests_total\{service="default_",endpoint="/ksql",status="200"\} [2-9]',
                     r'sluice_query_lag_records\{service="default_",query="[^"]*",topic="s",partition="0"\} 0',
                     r'sluice_query_bytes_consumed_total\{service="default_",query="[^"]*"\} 7', r'sluice_bytes_produced_total\{service="default_"\} 7',
                     r'sluice_command_runner_state\{service="default_",state="RUNNING"\} 1', r'sluice_query_busy_seconds_total\{service="default_",query="[^"]*"\} \d+\.\d+',
                     r'sluice_logins_total\{service="default_",outcome="remembered"\} \d+', r'process_resident_memory_bytes\{service="default_"\} \d{7,}',
                     r'sluice_http_request_seconds_bucket\{service="default_",endpoint="/ksql",le="\+Inf"\} \d'):
            assert re.search("^" + line + "$", text, re.M), f"no line {line} in:\n{text[:6000]}"
        if shutil.which("promtool") is not None:
            done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=LIMIT)
            equal((done.returncode, done.stdout + done.stderr), (0, ""), "promtool")


@case
def metrics_of_state_and_errors(p):
    def figures(server):
        text = server.get("/metrics")[2]
        return {m[1]: float(m[2]) for m in re.finditer(r'^sluice_query_(\w+\{[^}]*query="CTAS_T[^}]*)\} (\S+)$', text, re.M | re.I)}

    def figure(found, name, more=""):
        return next(v for k, v in found.items() if k.startswith(name + "{") and more in k)

    with running(p.start()) as server:
        server.ksql("CREATE STREAM s (id INT KEY, a INT) WITH (kafka_topic='s', value_format='JSON', partitions=1); CREATE STREAM raw (a STRING) WITH "
                    "(kafka_topic='s', value_format='KAFKA'); SET 'auto.offset.reset'='earliest'; CREATE TABLE t AS SELECT id, SUM(10 / a) AS x FROM s GROUP BY id;"
                    "INSERT INTO s (id, a) VALUES (1, 0); INSERT INTO s (id, a) VALUES (1, 5); INSERT INTO s (id, a) VALUES (2, 5); INSERT INTO raw (a) VALUES ('{oops');")
        wait_for("the records", lambda: figure(figures(server), "records_consumed_total") + figure(figures(server), "bad_records_total") >= 5)
        found = figures(server)
        equal([figure(found, "processing_errors_total", f'type="{kind}"') for kind in ("deserialization", "processing")], [1, 1])
        equal(figure(found, "state_rows"), 2)
        assert figure(found, "state_bytes") > 1000 and figure(found, "restoring") == 0 and figure(found, "epochs_total") > 0, found
    with running(p.start()) as server:
        wait_for("the state", lambda: figure(figures(server), "state_rows") == 2)
        assert figure(figures(server), "restore_seconds") > 0


@case
def alerts_and_dashboard_name_metrics_that_exist(p):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(root, "docs", "ops", "alerts.yml"), encoding="utf-8") as f:
        alerts = f.read()
    with open(os.path.join(root, "docs", "ops", "dashboard.json"), encoding="utf-8") as f:
        dashboard = json.load(f)
    pem = p.certificate("tls")
    settings = {"ssl.keystore.location": pem, "authentication.method": "BASIC", "authentication.users.file": p.write_users()}
    with running(p.start(settings=settings, listen="https://127.0.0.1:0")) as server:
        known = set(re.findall(r"^# TYPE (\S+)", server.get("/metrics", user="rita")[2], re.M))
    wanted = set(re.findall(r"\b(?:sluice|process)_[a-z_]+", alerts + json.dumps(dashboard["panels"])))
    missing = {re.sub(r"_(bucket|sum|count)$", "", name) for name in wanted if name != "sluice_up"} - known
    equal(missing, set(), "names that /metrics does not have")
    if shutil.which("promtool") is not None:
        done = subprocess.run(["promtool", "check", "rules", os.path.join(root, "docs", "ops", "alerts.yml")], capture_output=True, text=True, timeout=LIMIT)
        equal(done.returncode, 0, done.stdout + done.stderr)


# ---- life ----


@case
def stopping_commits(p):
    with running(p.start(settings={"server.shutdown.timeout.ms": str(10 * LIMIT * 1000)})) as server:
        server.ksql("CREATE STREAM s (a INT) WITH (kafka_topic='s', value_format='JSON', partitions=1); CREATE STREAM d AS SELECT a FROM s;")
        for i in range(20):
            server.ksql(f"INSERT INTO s VALUES ({i});")
        push = server.connection()
        push.request("POST", "/query-stream", json.dumps({"sql": "SELECT * FROM `s` EMIT CHANGES;"}))
        push.getresponse()
        # A push query does not hold it: it would until the end of server.shutdown.timeout.ms, and of the test's limit.
        equal(server.stop(), 0)
    with running(p.start()) as server:
        text = server.query("SELECT COUNT(*) AS n FROM d;")[1]
        contains(text.replace(" ", ""), "[20]")


@case
def a_copy_can_be_made_while_it_runs(p):
    with running(p.start()) as server:
        server.ksql("CREATE STREAM s (a INT) WITH (kafka_topic='s', value_format='JSON', partitions=1); INSERT INTO s VALUES (5);")
        os.mkdir(p.path("copy"), 0o700)
        with contextlib.closing(sqlite3.connect(f"file:{p.path('data/sluice.db')}?mode=ro", uri=True)) as live, \
                contextlib.closing(sqlite3.connect(p.path("copy/sluice.db"))) as copy:
            live.backup(copy)
        server.ksql("INSERT INTO s VALUES (6);")
    with running(p.start(data="copy")) as server:
        contains(server.query("SELECT * FROM s;")[1].replace(" ", ""), "[5]")


@case
def systemd_is_told(p):
    socket_path = p.path("notify")
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(socket_path)
    receiver.settimeout(LIMIT)
    with running(p.start(environment={"NOTIFY_SOCKET": socket_path})) as server:
        contains(receiver.recv(1000).decode(), "READY=1")
        server.hang_up()
        contains(receiver.recv(1000).decode(), "RELOADING=1\nMONOTONIC_USEC=")
        contains(receiver.recv(1000).decode(), "READY=1")
        server.stop()
        contains(receiver.recv(1000).decode(), "STOPPING=1")
    receiver.close()


def run_all(options):
    for function in CASES:
        name = function.__name__.replace("_", " ")
        if options.only not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="sluice-security-") as folder:
            try:
                function(Place(options, folder))
                yield name, None
            except Skip as why:
                print(f"security: {name}: skipped: {why}")
            except AssertionError as e:
                yield name, str(e)
            except (OSError, subprocess.SubprocessError, http.client.HTTPException, KeyError, ValueError) as e:
                yield name, f"{type(e).__name__}: {e}"
