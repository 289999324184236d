"""Topics on a real Apache Kafka: `make check-kafka`.  tests/kafka/broker.py says where the broker comes from.

Cases share one broker; each has a service id, a data directory and topic names of its own.
"""

import concurrent.futures
import csv
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "kafka"))
from broker import Broker, NoBroker  # noqa: E402
from cli_test import contains, equal  # noqa: E402

CASES = []
ALONE = []
AT_A_TIME = 3
PATIENCE = 6        # how much slower a busy machine may be
LIMIT = 90 * PATIENCE
# Event times of records: hours ago, not years, as brokers remove what is older than a topic's retention (the first time 30 s after they start).
AGO_MS = (int(time.time()) // 60 - 300) * 60000
# A member that was killed is missed, and its open transaction ended, after this long.
QUICK = ["consumer.session.timeout.ms=2000", "consumer.heartbeat.interval.ms=500", "producer.transaction.timeout.ms=3000"]


def case(function):
    CASES.append(function)
    return function


def alone(function):
    """Of a case that stops the broker."""
    ALONE.append(function)
    return function


def eventually(look, seconds=40, what=""):
    """What `look` gives as soon as it gives something; `seconds` are those of a machine that has nothing else to do."""
    until = time.time() + seconds * PATIENCE
    while True:
        found = look()
        if found:
            return found
        if time.time() > until:
            raise AssertionError(f"nothing after {seconds * PATIENCE} s: {what() if callable(what) else what or look}")
        time.sleep(0.2)


class Place:
    """A service of its own on the broker."""

    def __init__(self, broker, program, name, folder, seed=0):
        self.broker = broker
        self.program = program
        self.name = name
        self.service = f"{name}_{os.getpid()}_"
        self.folder = folder
        self.random = random.Random(seed)
        self.nodes = []

    def command(self, *arguments, settings=(), data=None, bootstrap=None):
        command = [self.program, "--bootstrap-servers", bootstrap or self.broker.bootstrap, "--set", f"ksql.service.id={self.service}"]
        for s in list(QUICK) + list(settings):
            command += ["--set", s]
        return command + ["--data", data or os.path.join(self.folder, "data")] + list(arguments)

    def run(self, *arguments, timeout=LIMIT, **options):
        done = subprocess.run(self.command(*arguments, **options), capture_output=True, text=True, errors="replace", cwd=self.folder, timeout=timeout)
        return done.returncode, done.stdout, done.stderr

    def sql(self, text, **options):
        status, out, err = self.run("--no-header", "-c", text, **options)
        equal(status, 0, f"{text}\n{err}")
        return out.splitlines()

    def fails(self, text, message, **options):
        status, _, err = self.run("-c", text, **options)
        equal(status, 1, text)
        contains(err, message)
        return err

    def topic(self, name):
        return f"{self.name}-{os.getpid()}-{name}"

    def node(self, index, settings=()):
        """A process that stays, and takes part in running the queries."""
        keep = f"PRINT '_confluent-ksql-{self.service}_command_topic'"
        process = subprocess.Popen(self.command("-c", keep, settings=["queries.run=always"] + list(settings),
                                                data=os.path.join(self.folder, f"node{index}")),
                                   stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.folder, f"node{index}.err"), "ab"), cwd=self.folder)
        self.nodes.append(process)
        return process

    def server(self, index, settings=(), bootstrap=None):
        """A server, once it answers; `at` speaks to it."""
        log = os.path.join(self.folder, f"node{index}.err")
        before = os.path.getsize(log) if os.path.exists(log) else 0
        process = subprocess.Popen([self.program, "server", "--bootstrap-servers", bootstrap or self.broker.bootstrap, "--listen", "http://127.0.0.1:0",
                                    "--data", os.path.join(self.folder, f"server{index}"), "--set", f"ksql.service.id={self.service}"]
                                   + [a for s in list(QUICK) + list(settings) for a in ("--set", s)],
                                   stdout=subprocess.DEVNULL, stderr=open(log, "ab"), cwd=self.folder)
        self.nodes.append(process)

        def listening():
            with open(log, encoding="utf-8", errors="replace") as f:
                f.seek(before)
                return re.search(r"listening at (http://[0-9.:]+)", f.read()) or process.poll()
        found = eventually(lambda: listening() is not None and [listening()], 40, "the address of the server")[0]
        assert not isinstance(found, int), f"the server ended with status {found}"
        process.address = found[1]
        eventually(lambda: process.poll() is not None or self.at(process, "SHOW TYPES;", check=False)[0] == 0, 40, "an answer of the server")
        return process

    def at(self, server, text, check=True, output="csv"):
        """What a server answers."""
        done = subprocess.run([self.program, server.address, "--no-header", "--output", output, "-c", text], capture_output=True, text=True, timeout=LIMIT)
        if not check:
            return done.returncode, done.stdout + done.stderr
        equal(done.returncode, 0, f"{text}\n{done.stderr}")
        return done.stdout.splitlines()

    def explained(self, server, query):
        """What EXPLAIN tells of a query, as in the API."""
        request = urllib.request.Request(server.address + "/ksql", json.dumps({"ksql": f"EXPLAIN {query};"}).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            return json.load(answer)[0]["queryDescription"]

    def stop(self, process, how=signal.SIGINT):
        process.send_signal(how)
        try:
            process.wait(30 * PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"a process did not end within {30 * PATIENCE} s")
        self.nodes.remove(process)

    def kcat(self, *arguments, text=None):
        done = subprocess.run(["kcat", "-b", self.broker.bootstrap, *arguments], input=text, capture_output=True, text=True, timeout=LIMIT)
        equal(done.returncode, 0, done.stderr)
        return done.stdout

    def produce(self, topic, records):
        """(key, value) pairs, partitioned as Java's clients do."""
        self.kcat("-P", "-t", topic, "-K", "\t", "-X", "topic.partitioner=murmur2_random", text="".join(f"{k}\t{v}\n" for k, v in records))

    def consume(self, topic, form="%k %s\n"):
        return self.kcat("-C", "-t", topic, "-e", "-q", "-o", "beginning", "-X", "isolation.level=read_committed", "-f", form).splitlines()

    def close(self):
        for process in self.nodes:
            process.kill()
            process.wait()


# ---- topics ----

@case
def records_go_to_kafka_and_come_back(p):
    t = p.topic("t")
    rows = p.sql(f"""CREATE STREAM t (k STRING KEY, v BIGINT, s STRING) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=3);
        INSERT INTO t VALUES ('a', 1, 'x'); INSERT INTO t VALUES ('b', 2, NULL); INSERT INTO t (v) VALUES (3);
        INSERT INTO t (ROWTIME, k, v) VALUES ({AGO_MS}, 'c', 4); SELECT k, v, s FROM t;""")
    equal(sorted(rows), sorted(["a,1,x", "b,2,", ",3,", "c,4,"]))
    lines = p.consume(t, "%k %s %T\n")
    equal(len(lines), 4)
    assert f'c {{"v":4,"s":null}} {AGO_MS}' in lines, lines
    equal(sorted(p.sql("SELECT k FROM t WHERE v > 1 AND k IS NOT NULL;")), ["b", "c"])


@case
def keys_have_the_partitions_of_javas_clients(p):
    t = p.topic("t")
    keys = [f"key {i}" for i in range(40)] + ["", "ü"]
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=7);"
          + "".join(f"INSERT INTO t VALUES ('{k}', {i});" for i, k in enumerate(keys)))
    p.produce(t, [(k, '{"v":-1}') for k in keys if k])
    rows = p.sql("SELECT k, COUNT(DISTINCT rowpartition) AS n, COUNT(*) AS c FROM t GROUP BY k;")
    wrong = [r for r in rows if not r.endswith(",1,2") and not r.startswith(('"",', ","))]
    equal(wrong, [])
    equal(len(rows), len(keys))


@case
def kafkas_own_tools_read_what_was_written(p):
    if p.broker.class_path is None:
        return
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=1, RETENTION_MS=12345678);"
          "INSERT INTO t VALUES ('a', 1); INSERT INTO t VALUES ('b', 2);")
    out = p.broker.java("kafka.tools.ConsoleConsumer", "--bootstrap-server", p.broker.bootstrap, "--topic", t, "--from-beginning", "--max-messages", "2",
                        "--property", "print.key=true")
    equal(out.splitlines(), ['a\t{"v":1}', 'b\t{"v":2}'])
    out = p.broker.java("kafka.admin.TopicCommand", "--bootstrap-server", p.broker.bootstrap, "--topic", t, "--describe")
    contains(out, "retention.ms=12345678")
    contains(out, "cleanup.policy=delete")


@case
def headers_nulls_and_tombstones(p):
    t = p.topic("t")
    p.sql(f"CREATE TABLE s (k STRING PRIMARY KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=1);"
          f"CREATE STREAM h (k STRING KEY, v BIGINT, hs ARRAY<STRUCT<KEY STRING, VALUE BYTES>> HEADERS) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON');"
          f"CREATE STREAM x (k STRING KEY, x BYTES HEADER('x')) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON');")
    p.kcat("-P", "-t", t, "-K", "\t", "-H", "x=abc", "-H", "y=", text='a\t{"v":1}\n')
    p.kcat("-P", "-t", t, "-K", "\t", text='b\t{"v":2}\n')
    equal(sorted(p.sql("SELECT k, v FROM s;")), ["a,1", "b,2"])
    p.kcat("-P", "-t", t, "-K", "\t", "-Z", text="a\t\n")
    equal(p.sql("SELECT k, v FROM s;"), ["b,2"])
    equal(p.sql("SELECT k, v, ARRAY_LENGTH(hs) AS n FROM h;"), ["a,1,2", "b,2,0"])
    equal(p.sql("SELECT k, FROM_BYTES(x, 'utf8') AS x FROM x WHERE x IS NOT NULL;"), ["a,abc"])


@case
def topics_are_listed_and_deleted(p):
    t = p.topic("t")
    p.fails(f"CREATE STREAM t (v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON');", f"Topic '{t}' does not exist")
    p.sql(f"CREATE STREAM t (v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2, REPLICAS=1);")
    assert f"{t},2,1" in p.sql("SHOW TOPICS;"), "SHOW TOPICS"
    assert not [l for l in p.sql("SHOW TOPICS;") if l.startswith("__consumer_offsets")], "hidden topics are shown"
    assert [l for l in p.sql("SHOW ALL TOPICS;") if l.startswith("__consumer_offsets")], "SHOW ALL TOPICS"
    p.fails(f"CREATE STREAM t3 (v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=3);", "different partition/replica configuration")
    p.fails(f"CREATE STREAM t3 (v BIGINT) WITH (KAFKA_TOPIC='{t}-r', VALUE_FORMAT='JSON', PARTITIONS=1, REPLICAS=3);", "eplica")
    p.sql("DROP STREAM t DELETE TOPIC;")
    assert not [l for l in p.sql("SHOW TOPICS;") if l.startswith(t + ",")], "it is still there"


@case
def print_shows_records(p):
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=1);"
          f"INSERT INTO t (ROWTIME, k, v) VALUES ({AGO_MS}, 'a', 1);")
    lines = p.sql(f"PRINT '{t}' FROM BEGINNING LIMIT 1;")
    contains(lines[0], "Key format: KAFKA_STRING")
    contains(lines[1], "Value format: JSON")
    contains(lines[2], time.strftime("rowtime: %Y/%m/%d %H:%M:%S.000 Z", time.gmtime(AGO_MS // 1000)) + ', key: a, value: {"v":1}, partition: 0')


@case
def what_does_not_exist_and_what_is_wrong_is_said(p):
    err = p.fails("SHOW TOPICS;", "cannot be reached", bootstrap="127.0.0.1:1", settings=["kafka.connect.timeout.ms=1500"])
    contains(err, "127.0.0.1:1")
    p.fails("SHOW TOPICS;", "Unknown property of Kafka's client: consumer.no.such.thing", settings=["consumer.no.such.thing=1"])
    err = p.fails("SHOW TOPICS;", "SASL mechanism", settings=["security.protocol=SASL_PLAINTEXT", "sasl.mechanism=NOT_ONE", "sasl.username=u", "sasl.password=hush-hush"])
    assert "hush-hush" not in err, "a password was shown"
    p.fails("PRINT 'no such topic';", "Could not find topic")


@case
def users_log_in_and_may_not_do_everything(p):
    if p.broker.sasl is None:
        return
    sasl = ["security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN", "kafka.connect.timeout.ms=60000"]

    def jaas(user, word):
        return sasl + [f'sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="{user}" password="{word}";']
    t = p.topic("t")
    equal(p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=1); INSERT INTO t VALUES ('a', 1);"
                f"CREATE STREAM u WITH (KAFKA_TOPIC='{p.topic('u')}') AS SELECT k FROM t; SELECT * FROM u;",
                bootstrap=p.broker.sasl, settings=jaas("admin", "admin-word")), ["a"])
    err = p.fails("SHOW TOPICS;", "uthentication", bootstrap=p.broker.sasl, settings=sasl + ["sasl.username=admin", "sasl.password=hush-hush"])
    assert "hush-hush" not in err, "a password was shown"
    p.fails("SELECT * FROM t;", "AUTHORIZATION_FAILED", bootstrap=p.broker.sasl, settings=jaas("limited", "limited-word"))


@case
def connections_are_encrypted(p):
    if p.broker.sasl_ssl is None:
        return
    t, ca = p.topic("t"), os.path.join(p.broker.folder, "ca.pem")
    scram = ["security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-512", "sasl.username=admin", f"ssl.ca.location={ca}", "kafka.connect.timeout.ms=60000"]
    equal(p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=1); INSERT INTO t VALUES ('a', 1);"
                f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT k, COUNT(*) AS n FROM t GROUP BY k; SELECT * FROM c;",
                bootstrap=p.broker.sasl_ssl, settings=scram + ["sasl.password=admin-word"]), ["a,1"])
    certificate = ["security.protocol=SSL", f"ssl.ca.location={ca}", f"ssl.certificate.location={os.path.join(p.broker.folder, 'client.pem')}",
                   f"ssl.key.location={os.path.join(p.broker.folder, 'client.key')}", "kafka.connect.timeout.ms=60000"]
    equal(p.sql("SELECT * FROM c;", bootstrap=p.broker.ssl, settings=certificate), ["a,1"])
    # What is wrong is said, without secrets.
    err = p.fails("SHOW TOPICS;", "uthentication", bootstrap=p.broker.sasl_ssl, settings=scram + ["sasl.password=hush-hush"])
    err += p.fails("SHOW TOPICS;", "", bootstrap=p.broker.ssl, settings=certificate[:2] + ["kafka.connect.timeout.ms=1500"])
    err += p.fails("SHOW TOPICS;", "certificate", bootstrap=p.broker.ssl,
                   settings=["security.protocol=SSL", f"ssl.ca.location={os.path.join(p.broker.folder, 'client.pem')}"] + certificate[-1:])
    secrets = scram + ["sasl.password=hush-hush", "ssl.key.password=hush-hush", "ssl.keystore.password=hush-hush"]
    err += "\n".join(p.sql("SHOW PROPERTIES; CREATE STREAM s (k STRING KEY) WITH (KAFKA_TOPIC='" + t + "', VALUE_FORMAT='JSON'); DESCRIBE s EXTENDED;",
                            settings=[s for s in secrets if not s.startswith(("security.", "ssl.ca", "ssl.keystore"))]))
    assert "hush-hush" not in err, "a secret was shown"


@case
def a_join_of_two_topics_is_copartitioned_in_several_processes(p):
    s, o = p.topic("s"), p.topic("o")
    p.sql(f"CREATE TABLE s (k STRING PRIMARY KEY, name STRING) WITH (KAFKA_TOPIC='{s}', VALUE_FORMAT='JSON', PARTITIONS=6);"
          f"CREATE STREAM o (k STRING KEY, id BIGINT) WITH (KAFKA_TOPIC='{o}', VALUE_FORMAT='JSON', PARTITIONS=6);")
    p.produce(s, [(f"k{i}", json.dumps({"name": f"n{i}"})) for i in range(60)])
    p.sql(f"CREATE STREAM j WITH (KAFKA_TOPIC='{p.topic('j')}') AS SELECT o.k AS k, o.id AS id, s.name AS name FROM o JOIN s ON o.k = s.k;")
    nodes = [p.node(i) for i in range(2)]
    sent = 0
    for victim in (0, 1):
        p.produce(o, [(f"k{i % 60}", json.dumps({"id": i})) for i in range(sent, sent + 3000)])
        sent += 3000
        eventually(lambda: len(p.consume(p.topic("j"))) == sent, 60, f"{sent} joined rows")
        p.stop(nodes[victim], signal.SIGKILL)
        nodes[victim] = p.node(victim)
    p.produce(o, [(f"k{i % 60}", json.dumps({"id": i})) for i in range(sent, sent + 3000)])
    sent += 3000
    lines = eventually(lambda: [l for l in [p.consume(p.topic("j"))] if len(l) >= sent], 60, f"{sent} joined rows")[0]
    rows = [(l.split(" ", 1)[0], json.loads(l.split(" ", 1)[1])) for l in lines]
    equal(sorted(r["ID" if "ID" in r else "id"] for _, r in rows), list(range(sent)))
    assert all(r["name"] == "n" + k[1:] for k, r in rows), "a row was joined with another key's"


@case
def a_stream_is_joined_with_itself(p):
    """The group has each record once, both sides see it; by the same key and by different ones, while processes are killed."""
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, id BIGINT, up STRING) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=3);"
          f"CREATE STREAM same WITH (KAFKA_TOPIC='{p.topic('same')}') AS SELECT a.k AS k, a.id AS x, b.id AS y FROM t a JOIN t b WITHIN 1 HOUR ON a.k = b.k;"
          f"CREATE STREAM other WITH (KAFKA_TOPIC='{p.topic('other')}') AS SELECT a.up AS k, a.id AS x, b.id AS y FROM t a JOIN t b WITHIN 1 HOUR ON a.up = b.k;")
    nodes = [p.node(i) for i in range(2)]
    for part in range(3):
        p.produce(t, [(f"k{i % 100}", json.dumps({"id": i, "up": f"k{(i + 1) % 100}"})) for i in range(100 * part, 100 * part + 100)])
        time.sleep(0.5)
        if part < 2:
            p.stop(nodes[part], signal.SIGKILL)
            nodes[part] = p.node(part)

    def pairs(name, most):
        lines = p.consume(p.topic(name), "%s\n")
        return len(lines) >= most and sorted((json.loads(l)["x"], json.loads(l)["y"]) for l in lines)
    equal(eventually(lambda: pairs("same", 900), 40, "joined rows"), sorted((a, b) for a in range(300) for b in range(300) if a % 100 == b % 100))
    equal(eventually(lambda: pairs("other", 900), 40, "joined rows"),
          sorted((a, b) for a in range(300) for b in range(300) if (a + 1) % 100 == b % 100))
    for node in nodes:
        p.stop(node)


@case
def files_are_read_once_by_one_of_the_processes(p):
    with open(os.path.join(p.folder, "f.csv"), "w", encoding="utf-8") as f:
        f.write("k,v\n" + "".join(f"k{i % 10},{i}\n" for i in range(3000)))
    out = p.sql("CREATE STREAM f (k STRING, v BIGINT) WITH (PATH='f.csv');"
                f"CREATE STREAM u WITH (KAFKA_TOPIC='{p.topic('u')}', PARTITIONS=2) AS SELECT k, v FROM f;"
                f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT k, COUNT(*) AS n FROM f GROUP BY k;")
    equal(len(p.consume(p.topic("u"))), 3000, "-c waits until the file is read")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{p.topic('t')}', VALUE_FORMAT='JSON', PARTITIONS=3);"
          f"CREATE STREAM both WITH (KAFKA_TOPIC='{p.topic('both')}') AS SELECT k, v FROM f UNION ALL SELECT k, v FROM t;")
    p.produce(p.topic("t"), [(f"k{i}", json.dumps({"v": i})) for i in range(10)])
    nodes = [p.node(i) for i in range(2)]
    equal(table_of(p, "SELECT k, n FROM c;"), {f"k{i}": "300" for i in range(10)})
    equal(p.sql("SELECT k, COUNT(*) AS n FROM both WHERE k < 'k2' GROUP BY k ORDER BY k;"), ["k0,301", "k1,301"])
    p.stop(nodes[0], signal.SIGKILL)
    time.sleep(3)
    equal(len(p.consume(p.topic("u"))), 3000, "the file was read again")
    p.stop(nodes[1])


@case
def a_topic_is_joined_with_files(p):
    """All rows of the file are there before the first record is joined, whichever process reads it."""
    with open(os.path.join(p.folder, "names.csv"), "w", encoding="utf-8") as f:
        f.write("k,name\n" + "".join(f"k{i},n{i}\n" for i in range(5000)))
    os.utime(os.path.join(p.folder, "names.csv"), (1600000000, 1600000000))
    grows = os.path.join(p.folder, "grows.csv")
    with open(grows, "w", encoding="utf-8") as f:
        f.write("k,v\na,1\n")
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, id BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=4);"
          "CREATE TABLE names (k STRING PRIMARY KEY, name STRING) WITH (PATH='names.csv');")
    p.produce(t, [(f"k{i}", json.dumps({"id": i})) for i in range(5000)])
    nodes = [p.node(i) for i in range(2)]
    p.sql(f"CREATE STREAM j WITH (KAFKA_TOPIC='{p.topic('j')}') AS SELECT t.k AS k, id, name FROM t JOIN names ON t.k = names.k;"
          "CREATE STREAM g (k STRING, v BIGINT) WITH (PATH='grows.csv', FOLLOW=true);"
          f"CREATE STREAM w WITH (KAFKA_TOPIC='{p.topic('w')}') AS SELECT k, v FROM g;")
    lines = eventually(lambda: [l for l in [p.consume(p.topic("j"))] if len(l) >= 5000], 40, "joined rows")[0]
    rows = [json.loads(l.split(" ", 1)[1]) for l in lines]
    equal(len(rows), 5000)
    assert all(r["name"] == f"n{r['id']}" for r in rows), "a row was joined with another's"
    for i in range(2):
        with open(grows, "a", encoding="utf-8") as f:
            f.write(f"b,{i + 2}\n")
        eventually(lambda: len(p.consume(p.topic("w"))) == i + 2, 30, "rows of a file that grows")
        p.stop(nodes[i], signal.SIGKILL)
        nodes[i] = p.node(i)
    for node in nodes:
        p.stop(node)


@case
def bounded_queries_end_where_the_topic_ended(p):
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=4);")
    p.produce(t, [(f"k{i % 100}", json.dumps({"v": i})) for i in range(20000)])
    equal(p.sql("SELECT COUNT(*) AS n, SUM(v) AS s, COUNT(DISTINCT k) AS k FROM t;"), [f"20000,{sum(range(20000))},100"])
    with open(os.path.join(p.folder, "names.csv"), "w", encoding="utf-8") as f:
        f.write("k,name\nk1,one\nk2,two\n")
    equal(p.sql("SELECT n.name, COUNT(*) AS c FROM t JOIN 'names.csv' n ON t.k = n.k GROUP BY n.name ORDER BY 1;"), ["one,200", "two,200"])


@case
def all_compressions_are_read(p):
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2);")
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        p.kcat("-P", "-t", t, "-K", "\t", "-z", codec, text="".join(f"k{i}\t{json.dumps({'v': i})}\n" for i in range(500)))
        p.sql("INSERT INTO t VALUES ('z', 0);", settings=[f"producer.compression.type={codec}"])
    equal(p.sql("SELECT COUNT(*) AS n FROM t;"), ["2505"])


# ---- persistent queries ----

@case
def a_query_goes_on_in_another_process(p):
    t, c = p.topic("t"), p.topic("c")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=3);"
          f"CREATE TABLE c WITH (KAFKA_TOPIC='{c}') AS SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k;"
          "INSERT INTO t VALUES ('a', 1); INSERT INTO t VALUES ('b', 2); INSERT INTO t VALUES ('a', 3);")
    equal(sorted(p.sql("SELECT * FROM c;")), ["a,2,4", "b,1,2"])
    p.sql("INSERT INTO t VALUES ('a', 10);")
    equal(sorted(p.sql("SELECT * FROM c;")), ["a,3,14", "b,1,2"])
    equal(json.loads([l for l in p.consume(c) if l.startswith("a ")][-1][2:]), {"n": 3, "s": 14})
    rows = p.sql("SELECT n FROM c WHERE k = 'a';")
    equal(rows, ["3"])
    told = p.sql("DESCRIBE c EXTENDED; DESCRIBE t EXTENDED;")
    for figure in ("rows-in", "errors", "commit-us-mean", "restore-ms", "restored-records"):
        assert any(f" {figure}," in line for line in told), (figure, told)
    lags = [line.split(",") for line in told if line.startswith("_confluent-ksql-") and line.count(",") == 5]
    equal((len(lags), sum(int(line[5]) for line in lags)), (3, 0), "lag of each partition")
    p.sql("DROP TABLE c DELETE TOPIC;")
    left = [l for l in p.sql("SHOW ALL TOPICS;") if c in l or (p.service in l and "command_topic" not in l)]
    equal(left, [])


@case
def rows_cross_repartition_topics(p):
    t, s = p.topic("t"), p.topic("s")
    p.sql(f"CREATE STREAM t (id BIGINT KEY, city STRING, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=4, KEY_FORMAT='JSON');"
          f"CREATE TABLE s (city STRING PRIMARY KEY, name STRING) WITH (KAFKA_TOPIC='{s}', VALUE_FORMAT='JSON', PARTITIONS=4);"
          f"INSERT INTO s (ROWTIME, city, name) VALUES ({AGO_MS}, 'x', 'Xanten'), ({AGO_MS}, 'y', 'Ypern');"
          + "".join(f"INSERT INTO t VALUES ({i}, '{'xyz'[i % 3]}', {i});" for i in range(30))
          + f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT city, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY city;"
          f"CREATE STREAM j WITH (KAFKA_TOPIC='{p.topic('j')}') AS SELECT t.city AS city, t.id AS id, s.name AS name FROM t LEFT JOIN s ON t.city = s.city;"
          f"CREATE TABLE d WITH (KAFKA_TOPIC='{p.topic('d')}') AS SELECT s, COUNT(*) AS n FROM c GROUP BY s;")
    equal(sorted(p.sql("SELECT * FROM c;")), [f"{c},10,{sum(i for i in range(30) if 'xyz'[i % 3] == c)}" for c in "xyz"])
    equal(sorted(p.sql("SELECT name, COUNT(*) AS n FROM j GROUP BY name;")), sorted(["Xanten,10", "Ypern,10", ",10"]))
    equal(sum(int(l.split(",")[1]) for l in p.sql("SELECT * FROM d;")), 3)
    if p.broker.class_path is not None:
        # Rows of any age pass through them: no retention removes them before they are read.
        names = [l.split(",")[0] for l in p.sql("SHOW ALL TOPICS;") if p.service in l and l.split(",")[0].endswith("-repartition")]
        assert names, "no repartition topic is there"
        for name in names:
            contains(p.broker.java("kafka.admin.TopicCommand", "--bootstrap-server", p.broker.bootstrap, "--topic", name, "--describe"), "retention.ms=9223372036854775807")


@case
def what_has_crossed_a_repartition_topic_is_removed(p):
    if p.broker.class_path is None:
        return
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2);"
          f"CREATE TABLE g WITH (KAFKA_TOPIC='{p.topic('g')}') AS SELECT v % 10 AS m, COUNT(*) AS n FROM t GROUP BY v % 10;")
    node = p.node(0, ["repartition.purge.interval.ms=200"])
    p.produce(t, [(f"k{i}", json.dumps({"v": i})) for i in range(1000)])
    equal(table_of(p, "SELECT m, n FROM g;"), {str(m): "100" for m in range(10)})
    name = [l.split(",")[0] for l in p.sql("SHOW ALL TOPICS;") if p.service in l and l.split(",")[0].endswith("-repartition")][0]
    eventually(lambda: p.consume(name) == [], 20, lambda: f"{len(p.consume(name))} records are left")
    p.stop(node)
    p.produce(t, [(f"k{i}", json.dumps({"v": i})) for i in range(1000)])
    equal(table_of(p, "SELECT m, n FROM g;"), {str(m): "200" for m in range(10)})
    p.sql("DROP TABLE g DELETE TOPIC;")
    equal([l for l in p.sql("SHOW ALL TOPICS;") if p.service in l and "_command_topic" not in l], [])


@case
def windows_and_sessions(p):
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2);"
          + "".join(f"INSERT INTO t (ROWTIME, k, v) VALUES ({AGO_MS + i * 1000}, 'k{i % 2}', {i});" for i in range(20))
          + f"CREATE TABLE w WITH (KAFKA_TOPIC='{p.topic('w')}') AS SELECT k, COUNT(*) AS n FROM t WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY k;"
          f"CREATE TABLE ss WITH (KAFKA_TOPIC='{p.topic('ss')}') AS SELECT k, COUNT(*) AS n FROM t WINDOW SESSION (30 SECONDS) GROUP BY k;")
    equal(sorted(p.sql("SELECT k, windowstart, n FROM w;")),
          sorted(f"k{k},{AGO_MS + w * 10000},5" for k in range(2) for w in range(2)))
    equal(sorted(p.sql("SELECT k, n FROM ss;")), ["k0,10", "k1,10"])


@case
def a_foreign_key_join_sees_all_partitions(p):
    p.sql(f"CREATE TABLE o (id BIGINT PRIMARY KEY, cust STRING) WITH (KAFKA_TOPIC='{p.topic('o')}', VALUE_FORMAT='JSON', KEY_FORMAT='JSON', PARTITIONS=3);"
          f"CREATE TABLE c (cust STRING PRIMARY KEY, name STRING) WITH (KAFKA_TOPIC='{p.topic('c')}', VALUE_FORMAT='JSON', PARTITIONS=2);"
          f"CREATE TABLE j WITH (KAFKA_TOPIC='{p.topic('j')}') AS SELECT o.id AS id, c.name AS name FROM o JOIN c ON o.cust = c.cust;"
          + "".join(f"INSERT INTO o VALUES ({i}, 'c{i % 4}');" for i in range(12)) + "".join(f"INSERT INTO c VALUES ('c{i}', 'n{i}');" for i in range(4)))
    equal(sorted(p.sql("SELECT name, COUNT(*) AS n FROM j GROUP BY name;")), [f"n{i},3" for i in range(4)])


@case
def bad_records_go_to_the_processing_log(p):
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=1);"
          f"CREATE STREAM u WITH (KAFKA_TOPIC='{p.topic('u')}') AS SELECT k, 10 / v AS x FROM t;")
    p.produce(t, [("a", "no json"), ("b", '{"v":0}'), ("c", '{"v":5}')])
    equal(sorted(p.sql("SELECT * FROM u;")), ["b,", "c,2"])
    lines = p.sql("SELECT COALESCE(message->recordProcessingError->errorMessage, message->deserializationError->errorMessage) AS m FROM KSQL_PROCESSING_LOG "
                  f"WHERE logger LIKE 'processing.CSAS_u_%';")
    text = "\n".join(lines)
    contains(text, "Not valid JSON")
    contains(text, "Division by zero")


@case
def dead_letters_are_records_as_they_were(p):
    t, d = p.topic("t"), p.topic("dead")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2);"
          f"SET 'errors.dead.letter.queue.topic.name' = '{d}';"
          f"CREATE STREAM u WITH (KAFKA_TOPIC='{p.topic('u')}') AS SELECT k, 10 / v AS x, 20 / v AS y FROM t;")
    p.kcat("-P", "-t", t, "-K", "\t", "-p", "1", "-H", "own=header", text='a\tno json\n')
    p.kcat("-P", "-t", t, "-K", "\t", "-p", "1", text='b\t{"v":0}\nc\t{"v":5}\n')
    equal(sorted(p.sql("SELECT * FROM u;")), ["b,,", "c,2,4"])
    lines = p.consume(d, "%k|%s|%h\n")
    equal([l.split("|")[:2] for l in lines], [["a", "no json"], ["b", '{"v":0}']])
    headers = [dict(h.split("=", 1) for h in l.split("|")[2].split(",")) for l in lines]
    equal([h["__streams.errors." + n] for h in headers for n in ("topic", "partition", "offset", "exception")],
          [t, "1", "0", "deserialization", t, "1", "1", "processing"])
    equal(headers[0]["own"], "header")
    contains(headers[0]["__streams.errors.message"], "Not valid JSON")
    contains(headers[1]["__streams.errors.message"], "Division by zero")
    equal(headers[0]["__streams.errors.query"], query_of(p, "u"))


@case
def dead_letters_are_there_once(p):
    """Processes are killed while every third record is a dead letter."""
    t, d = p.topic("t"), p.topic("dead")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2);"
          f"SET 'errors.dead.letter.queue.topic.name' = '{d}'; SET 'epoch.rows' = '50';"
          f"CREATE STREAM u WITH (KAFKA_TOPIC='{p.topic('u')}') AS SELECT k, v FROM t;")
    for round_ in range(2):
        node = p.node(0)
        p.produce(t, [(f"k{i}", json.dumps({"v": i}) if i % 3 else f"bad {i}") for i in range(1500 * round_, 1500 * round_ + 1500)])
        eventually(lambda: len(p.consume(p.topic("u"))) > 1000 * round_, 20, "the first rows")
        p.stop(node, signal.SIGKILL)
    equal(p.sql("SELECT COUNT(*) AS n FROM u;"), ["2000"])
    lines = p.consume(d, "%s\n")
    equal(len(lines), 1000)
    equal(len(set(lines)), 1000)


@case
def at_least_once_works_too(p):
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2);"
          f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT k, SUM(v) AS s FROM t GROUP BY k;"
          "INSERT INTO t VALUES ('a', 1); INSERT INTO t VALUES ('a', 2);", settings=["processing.guarantee=at_least_once"])
    equal(p.sql("SELECT * FROM c;", settings=["processing.guarantee=at_least_once"]), ["a,3"])


# ---- several processes ----

def table_of(p, sql):
    return dict(l.rsplit(",", 1) for l in p.sql(sql))


@case
def statements_are_shared(p):
    a, b = p.node(0), p.node(1)
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=4);"
          f"CREATE STREAM u WITH (KAFKA_TOPIC='{p.topic('u')}') AS SELECT k, v + 1 AS w FROM t;")
    # This process is gone; a node does it.
    p.produce(t, [(f"k{i}", json.dumps({"v": i})) for i in range(100)])
    eventually(lambda: len(p.consume(p.topic("u"))) == 100, what="rows of u")
    # Several decide at once: each gets its own number, nothing is lost.
    several = [subprocess.Popen(p.command("-c", f"CREATE STREAM s{i} (k STRING KEY) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON');"),
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for i in range(4)]
    for process in several:
        equal(process.wait(LIMIT), 0, process.stderr.read())
    equal(len([l for l in p.sql("SHOW STREAMS;") if l.split(",")[0] in ("s0", "s1", "s2", "s3")]), 4)
    p.stop(a)
    p.stop(b)


def fire(p, kills, settings=(), exactly=True, seconds_between=(1.0, 3.0)):
    """Records come in while processes are killed; then everything must be there, once."""
    t, n_keys = p.topic("t"), 50
    p.sql(f"CREATE STREAM t (k STRING KEY, id BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=4);"
          f"CREATE STREAM u WITH (KAFKA_TOPIC='{p.topic('u')}') AS SELECT k, id FROM t;"
          f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT k, COUNT(*) AS n FROM t GROUP BY k;"
          f"CREATE TABLE g WITH (KAFKA_TOPIC='{p.topic('g')}') AS SELECT id % 7 AS m, COUNT(*) AS n FROM t GROUP BY id % 7;", settings=settings)
    nodes = [p.node(i, settings) for i in range(2)]
    sent = 0
    for kill in range(kills):
        until = time.time() + p.random.uniform(*seconds_between)
        while time.time() < until:
            p.produce(t, [(f"k{i % n_keys}", json.dumps({"id": i})) for i in range(sent, sent + 400)])
            sent += 400
        victim = p.random.randrange(2)
        p.stop(nodes[victim], signal.SIGKILL)
        nodes[victim] = p.node(victim, settings)
    p.produce(t, [(f"k{i % n_keys}", json.dumps({"id": i})) for i in range(sent, sent + 400)])
    sent += 400
    eventually(lambda: len(set(l.split(" ", 1)[1] for l in p.consume(p.topic("u")))) == sent, 90, f"{sent} rows of u")
    ids = [json.loads(l.split(" ", 1)[1])["id"] for l in p.consume(p.topic("u"))]
    if exactly:
        equal(len(ids), sent, "rows of u were lost or doubled")
        wanted = {f"k{k}": str(sum(1 for i in range(sent) if i % n_keys == k)) for k in range(n_keys)}
        equal(table_of(p, "SELECT k, n FROM c;"), wanted)
        equal(table_of(p, "SELECT m, n FROM g;"), {str(m): str(sum(1 for i in range(sent) if i % 7 == m)) for m in range(7)})
    equal(sorted(set(ids)), list(range(sent)))
    for node in nodes:
        p.stop(node)
    return sent


@case
def exactly_once_under_fire(p):
    fire(p, int(os.environ.get("SLUICE_KAFKA_KILLS", "3")))


@case
def windows_and_a_join_under_fire(p):
    """The short form of `make check-kafka-long`."""
    import kafka_long_test
    kafka_long_test.fire(p, 40000, 3, 1, seconds=(2.0, 4.0))


@case
def at_least_once_under_fire(p):
    fire(p, 1, ["processing.guarantee=at_least_once"], exactly=False)


@case
def a_process_that_slept_is_fenced(p):
    """It wakes up in the middle of an epoch whose partitions are another's by then."""
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, id BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=4);"
          f"CREATE STREAM u WITH (KAFKA_TOPIC='{p.topic('u')}') AS SELECT k, id FROM t;"
          f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT k, COUNT(*) AS n FROM t GROUP BY k;")
    nodes = [p.node(i) for i in range(2)]
    sent = 0
    for sleeper in (0, 1):
        for phase in range(12):
            p.produce(t, [(f"k{i % 20}", json.dumps({"id": i})) for i in range(sent, sent + 500)])
            sent += 500
            if phase == 4:
                nodes[sleeper].send_signal(signal.SIGSTOP)
            time.sleep(0.5)
        nodes[sleeper].send_signal(signal.SIGCONT)
        time.sleep(1)
    p.produce(t, [(f"k{i % 20}", json.dumps({"id": i})) for i in range(sent, sent + 500)])
    sent += 500
    eventually(lambda: len(p.consume(p.topic("u"))) >= sent, 60, f"{sent} rows of u")
    equal(table_of(p, "SELECT k, n FROM c;"), {f"k{i}": str(sent // 20) for i in range(20)})
    equal(sorted(json.loads(l.split(" ", 1)[1])["id"] for l in p.consume(p.topic("u"))), list(range(sent)))


@case
def a_rolling_restart_loses_nothing(p):
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=4);"
          f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT k, COUNT(*) AS n FROM t GROUP BY k;")
    nodes = [p.node(i) for i in range(2)]
    for round_ in range(3):
        p.produce(t, [(f"k{i % 10}", json.dumps({"v": i})) for i in range(1000)])
        if round_ < 2:
            p.stop(nodes[round_])
            nodes[round_] = p.node(round_)
    equal(table_of(p, "SELECT k, n FROM c;"), {f"k{i}": "300" for i in range(10)})
    for node in nodes:
        p.stop(node)


def query_of(p, sink):
    """The id of the query that writes it."""
    return [row[0] for row in csv.reader(p.sql("SHOW QUERIES;")) if row[2] == sink][0]


def takes_over(p, replicas):
    """How many changes a server had to read to take over the state of one that was killed, of 5000; it had read all of them before."""
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=4);"
          f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT k, COUNT(*) AS n FROM t GROUP BY k;")
    settings = [f"num.standby.replicas={replicas}"]
    explain = f"EXPLAIN {query_of(p, 'c')};"
    a, b = p.server(0, settings), p.server(1, settings)
    eventually(lambda: took_over(p.at(b, explain))[0] == 2, 30, "partitions of the second server")
    p.produce(t, [(f"k{i}", json.dumps({"v": i})) for i in range(5000)])
    eventually(lambda: p.sql("SELECT COUNT(*) AS n FROM c;") == ["5000"], 60)


    def copies():
        return [l.split(" at ")[1].split(" of ") for l in p.at(a, explain) if "Stands by for" in l]
    if replicas > 0:
        eventually(lambda: len(copies()) == 2 and all(at == end and int(at) > 500 for at, end in copies()), 30, lambda: p.at(a, explain))
        contains("\n".join(p.at(a, "DESCRIBE c EXTENDED;", output="table")), "of 2 partitions here, ")
    contains("\n".join(p.at(a, explain)), " us each")
    before = took_over(p.at(a, explain))
    p.stop(b, signal.SIGKILL)
    tasks, changes = eventually(lambda: [d for d in [[x - y for x, y in zip(took_over(p.at(a, explain)), before)]] if d[0] >= 4], 40,
                                "the other's partitions")[0]
    p.produce(t, [(f"k{i}", json.dumps({"v": i})) for i in range(5000)])
    eventually(lambda: p.sql("SELECT n, COUNT(*) AS c FROM c GROUP BY n;") == ["2,5000"], 60)
    p.stop(a)
    return changes


def took_over(lines):
    """Tasks and changes: "Took over the state of 4 tasks: 10 changes were read in 3 ms"."""
    words = "".join(l for l in lines if "Took over" in l).split()
    return (int(words[5]), int(words[7])) if words else (0, 0)


@case
def look_ups_find_rows_in_the_process_that_is_asked(p):
    """After the first one, and with what was written just before; whatever partitions the process works on."""
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=4);"
          f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT k, COUNT(*) AS n, SUM(v) AS s FROM t GROUP BY k HAVING COUNT(*) < 5;")
    a, b = p.server(0), p.server(1)
    p.produce(t, [(f"k{i}", json.dumps({"v": i})) for i in range(2000)])
    equal(p.at(a, "SELECT n, s FROM c WHERE k = 'k7';"), ["1,7"])
    look_up = "SELECT n, s FROM c WHERE k IN ('k7', 'k8');"

    def is_kept(server):
        return [l for l in p.at(server, "EXPLAIN " + look_up) if "key look-ups" in l]
    for server in (a, b):
        p.at(server, look_up)
        eventually(lambda: is_kept(server), 20, lambda: p.at(server, "EXPLAIN " + look_up))
    for i in range(2, 5):
        p.produce(t, [("k7", json.dumps({"v": i}))])
        for server in (a, b):
            equal(sorted(p.at(server, look_up)), sorted([f"{i},{7 + sum(range(2, i + 1))}", "1,8"]))
    # The row leaves the table; what is copied stays over a restart.
    p.produce(t, [("k7", '{"v":1}')])
    equal(p.at(a, look_up), ["1,8"])
    equal(p.at(a, "SELECT COUNT(*) AS n FROM c;"), ["1999"])
    p.stop(a)
    p.produce(t, [("k8", '{"v":1}')])
    a = p.server(0)
    p.at(a, look_up)
    eventually(lambda: is_kept(a), 20, "the copy after a restart")
    equal(p.at(a, look_up), ["2,9"])
    equal(p.at(a, "SELECT COUNT(*) AS n FROM c;"), ["1999"])
    # Another table of that name is another one.
    p.at(a, f"DROP TABLE c DELETE TOPIC; CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c2')}') AS SELECT k, MAX(v) AS n, 0 AS s FROM t GROUP BY k;")
    for server in (a, b, a):
        equal(sorted(p.at(server, look_up)), ["7,0", "8,0"])
        eventually(lambda: is_kept(server), 20, "the copy of the new table")
    p.stop(a)
    p.stop(b)


@case
def states_are_those_of_all_processes(p):
    """Two servers run a query; the topic it writes to refuses its records in one of them, whose user lacks a right."""
    if p.broker.sasl is None:
        return
    t, u = p.topic("t"), p.topic("u")
    acls = ["kafka.admin.AclCommand", "--bootstrap-server", p.broker.bootstrap]
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2);"
          f"CREATE STREAM u WITH (KAFKA_TOPIC='{u}') AS SELECT * FROM t;")
    a, b = p.server(0), p.server(1)
    for server, other in ((a, b), (b, a)):
        eventually(lambda: [l for l in p.at(server, "SHOW QUERIES;") if ",RUNNING:2,u," in l], 30, lambda: p.at(server, "SHOW QUERIES;"))
        contains(p.explained(server, query_of(p, "u"))["ksqlHostQueryStatus"].get(other.address.split("//")[1]), "RUNNING")
    contains("\n".join(p.sql("SHOW QUERIES;")), "RUNNING:2")
    p.stop(b)
    eventually(lambda: [l for l in p.at(a, "SHOW QUERIES;") if ",RUNNING,u," in l], 30, lambda: p.at(a, "SHOW QUERIES;"))
    user = f"worker-{os.getpid()}"
    p.broker.java("kafka.admin.ConfigCommand", "--bootstrap-server", p.broker.bootstrap, "--alter", "--add-config", "SCRAM-SHA-512=[password=word]",
                  "--entity-type", "users", "--entity-name", user)
    p.broker.java(*acls, "--add", "--allow-principal", f"User:{user}", "--operation", "All", "--topic", "_confluent-ksql-" + p.service,
                  "--group", "_confluent-ksql-" + p.service, "--transactional-id", "_confluent-ksql-" + p.service, "--transactional-id", p.service,
                  "--resource-pattern-type", "prefixed")
    p.broker.java(*acls, "--add", "--allow-principal", f"User:{user}", "--operation", "Read", "--operation", "Describe", "--topic", t, "--topic", "ksql_processing_log")
    p.broker.java(*acls, "--add", "--allow-principal", f"User:{user}", "--operation", "Describe", "--topic", u)
    limited = ["security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-512", f"sasl.username={user}", "sasl.password=word",
               f"ssl.ca.location={os.path.join(p.broker.folder, 'ca.pem')}"]
    c = p.server(2, limited, bootstrap=p.broker.sasl_ssl)
    eventually(lambda: [l for l in p.at(a, "SHOW QUERIES;") if ",RUNNING:2,u," in l], 30, lambda: p.at(a, "SHOW QUERIES;"))
    sent = 0

    def is_refused():
        """Records come until the third one has some of them."""
        nonlocal sent
        p.produce(t, [(f"k{i}", '{"v":1}') for i in range(20)])
        sent += 20
        return [l for l in p.at(a, "SHOW QUERIES;") if "RUNNING:1,ERROR:1" in l]
    text = eventually(is_refused, 40, lambda: p.at(a, "SHOW QUERIES;") + p.at(c, "SHOW QUERIES;"))[0]
    contains(text, "TOPIC_AUTHORIZATION_FAILED")
    eventually(lambda: len(p.consume(u)) == sent, 30, "what the other one writes instead")
    # The word of one that is gone counts no more; it is in ERROR again when it comes back.
    p.stop(c, signal.SIGKILL)
    eventually(lambda: [l for l in p.at(a, "SHOW QUERIES;") if ",RUNNING,u," in l], 30, lambda: p.at(a, "SHOW QUERIES;"))
    c = p.server(2, limited, bootstrap=p.broker.sasl_ssl)
    eventually(is_refused, 40, lambda: p.at(a, "SHOW QUERIES;") + p.at(c, "SHOW QUERIES;"))
    p.broker.java(*acls, "--add", "--allow-principal", f"User:{user}", "--operation", "Write", "--topic", u)
    p.at(c, f"RESUME {query_of(p, 'u')};")
    eventually(lambda: [l for l in p.at(a, "SHOW QUERIES;") if ",RUNNING:2,u," in l], 40, lambda: p.at(a, "SHOW QUERIES;"))
    p.stop(a)
    p.stop(c)


@case
def a_process_that_stands_by_takes_over_at_once(p):
    changes = takes_over(p, 1)
    assert changes < 100, f"{changes} changes were read although there was a copy"


@case
def without_standing_by_the_changelog_is_read(p):
    changes = takes_over(p, 0)
    assert changes > 1500, f"{changes} changes were read although there was no copy"


# ---- faults ----

@case
@alone
def a_broker_that_goes_and_comes_back(p):
    if not p.broker.can_restart():
        return
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2);"
          f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT k, COUNT(*) AS n FROM t GROUP BY k;")
    node = p.node(0)
    p.produce(t, [(f"k{i % 5}", json.dumps({"v": i})) for i in range(1000)])
    equal(table_of(p, "SELECT k, n FROM c;"), {f"k{i}": "200" for i in range(5)})
    p.broker.stop()
    time.sleep(3)
    p.broker.start()
    p.produce(t, [(f"k{i % 5}", json.dumps({"v": i})) for i in range(1000)])
    eventually(lambda: table_of(p, "SELECT k, n FROM c;") == {f"k{i}": "400" for i in range(5)}, 60)
    p.stop(node)


def ask(url):
    with urllib.request.urlopen(url, timeout=LIMIT) as answer:
        return json.load(answer)


@case
@alone
def a_server_waits_for_the_brokers(p):
    if not p.broker.can_restart():
        return
    p.broker.stop()
    with open(os.path.join(p.folder, "server.log"), "wb") as log:
        server = subprocess.Popen([p.program, "server", "--bootstrap-servers", p.broker.bootstrap, "--data", os.path.join(p.folder, "server"), "--listen",
                                   "http://127.0.0.1:0", "--set", f"ksql.service.id={p.service}", "--set", "kafka.connect.timeout.ms=1000", "--set", "ksql.healthcheck.interval.ms=500"],
                                  stdout=log, stderr=log)
    p.nodes.append(server)

    def said(text):
        with open(os.path.join(p.folder, "server.log"), encoding="utf-8") as f:
            return text in f.read()
    eventually(lambda: said("Not ready, trying again"), 20)
    p.broker.start()
    eventually(lambda: said('"Ready"'), 30)
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2);"
          f"CREATE STREAM u WITH (KAFKA_TOPIC='{p.topic('u')}') AS SELECT k, v FROM t;")
    p.produce(t, [("a", '{"v":1}')])
    eventually(lambda: p.consume(p.topic("u")) == ['a {"v":1}'], 40, "what the server writes")
    with open(os.path.join(p.folder, "server.log"), encoding="utf-8") as f:
        url = re.search(r"listening at (http://[0-9.:]+)", f.read())[1]
    equal(ask(url + "/info")["KsqlServerInfo"]["kafkaClusterId"], p.broker.cluster)
    equal(ask(url + "/v1/metadata/id")["scope"]["clusters"]["kafka-cluster"], p.broker.cluster)
    eventually(lambda: ask(url + "/healthcheck")["isHealthy"], 20, "a healthy server")
    p.broker.stop()
    sick = eventually(lambda: [h for h in [ask(url + "/healthcheck")] if not h["isHealthy"]], 20, "the broker that is away")[0]
    equal({name: part["isHealthy"] for name, part in sick["details"].items()}, {"metastore": True, "kafka": False, "commandRunner": True})
    p.broker.start()
    eventually(lambda: ask(url + "/healthcheck")["isHealthy"], 40, "the broker that is back")
    p.stop(server, signal.SIGTERM)
    equal(server.returncode, 0)


@case
def a_topic_that_is_deleted_and_made_again(p):
    t, u = p.topic("t"), p.topic("u")
    create = f"(k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=1);"
    p.sql(f"CREATE STREAM t {create} CREATE STREAM u WITH (KAFKA_TOPIC='{u}') AS SELECT * FROM t; INSERT INTO t VALUES ('a', 1);")
    server = p.server(0, ["ksql.query.retry.backoff.initial.ms=500"])
    eventually(lambda: len(p.consume(u)) == 1, 30, "a row")
    p.sql(f"CREATE STREAM raw {create} DROP STREAM raw DELETE TOPIC;")
    text = eventually(lambda: [l for l in p.at(server, "SHOW QUERIES;") if "ERROR" in l], 40, lambda: p.at(server, "SHOW QUERIES;"))[0]
    contains(text, t)
    p.sql(f"CREATE STREAM raw2 {create}")
    p.produce(t, [("b", '{"v":2}')])
    eventually(lambda: len(p.consume(u)) == 2, 40, "a row of the new topic")
    eventually(lambda: [l for l in p.at(server, "SHOW QUERIES;") if "RUNNING" in l], 20, "RUNNING")
    p.stop(server)


@case
def a_topic_that_grows_in_partitions(p):
    """Queries go on if keys may move; where state would have to move with them they are in ERROR and say so."""
    if p.broker.class_path is None:
        return
    t = p.topic("t")
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=2);"
          f"SET 'auto.offset.reset' = 'latest'; CREATE STREAM u WITH (KAFKA_TOPIC='{p.topic('u')}') AS SELECT k, v FROM t; UNSET 'auto.offset.reset';"
          f"CREATE TABLE g WITH (KAFKA_TOPIC='{p.topic('g')}') AS SELECT v % 3 AS m, COUNT(*) AS n FROM t GROUP BY v % 3;"
          f"CREATE TABLE c WITH (KAFKA_TOPIC='{p.topic('c')}') AS SELECT k, COUNT(*) AS n FROM t GROUP BY k;")
    server = p.server(0)
    p.produce(t, [(f"k{i}", json.dumps({"v": i})) for i in range(300)])
    eventually(lambda: len(p.consume(p.topic("u"))) == 300, 30, "rows")
    p.broker.java("kafka.admin.TopicCommand", "--bootstrap-server", p.broker.bootstrap, "--alter", "--topic", t, "--partitions", "4")
    p.produce(t, [(f"k{i}", json.dumps({"v": i})) for i in range(300)])
    eventually(lambda: len(p.consume(p.topic("u"))) == 600, 40, lambda: p.at(server, "SHOW QUERIES;"))
    eventually(lambda: sorted(p.consume(p.topic("g")))[-1:] and table_of(p, "SELECT m, n FROM g;") == {"0": "200", "1": "200", "2": "200"}, 40, "counts")
    text = eventually(lambda: [l for l in p.at(server, "SHOW QUERIES;") if "ERROR" in l], 40, lambda: p.at(server, "SHOW QUERIES;"))
    equal(len(text), 1)
    contains(text[0], "has 2 partitions, the query needs 4")
    p.stop(server)


@case
def rights_that_lack_and_are_given(p):
    if p.broker.sasl is None:
        return
    t, u = p.topic("t"), p.topic("u")
    acls = ["kafka.admin.AclCommand", "--bootstrap-server", p.broker.bootstrap]
    p.broker.java(*acls, "--add", "--allow-principal", "User:limited", "--operation", "All", "--topic", "*", "--group", "*", "--transactional-id", "*", "--cluster")
    p.broker.java(*acls, "--add", "--deny-principal", "User:limited", "--operation", "Write", "--topic", u)
    p.sql(f"CREATE STREAM t (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=1);"
          f"CREATE STREAM u WITH (KAFKA_TOPIC='{u}') AS SELECT * FROM t;")
    server = p.server(0, ["security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN", "sasl.username=limited", "sasl.password=limited-word",
                          "ksql.query.retry.backoff.initial.ms=500", "ksql.query.retry.backoff.max.ms=1000"], bootstrap=p.broker.sasl)
    p.produce(t, [("a", '{"v":1}')])
    text = eventually(lambda: [l for l in p.at(server, "SHOW QUERIES;") if "ERROR" in l], 30, lambda: p.at(server, "SHOW QUERIES;"))[0]
    contains(text, "TOPIC_AUTHORIZATION_FAILED")
    contains(text, u)
    contains(text, "needs an ACL")
    p.broker.java(*acls, "--remove", "--force", "--deny-principal", "User:limited", "--operation", "Write", "--topic", u)
    eventually(lambda: p.consume(u) == ['a {"v":1}'], 30, lambda: p.at(server, "SHOW QUERIES;"))
    eventually(lambda: [l for l in p.at(server, "SHOW QUERIES;") if "RUNNING" in l], 20, "RUNNING")
    p.broker.java(*acls, "--add", "--deny-principal", "User:limited", "--operation", "Read", "--topic", t)
    p.produce(t, [("b", '{"v":2}')])
    text = eventually(lambda: [l for l in p.at(server, "SHOW QUERIES;") if "ERROR" in l], 30, lambda: p.at(server, "SHOW QUERIES;"))[0]
    contains(text, "TOPIC_AUTHORIZATION_FAILED")
    p.broker.java(*acls, "--remove", "--force", "--topic", "*", "--group", "*", "--transactional-id", "*", "--cluster")
    p.broker.java(*acls, "--remove", "--force", "--topic", t)
    with open(os.path.join(p.folder, "node0.err"), encoding="utf-8") as f:
        assert "limited-word" not in f.read(), "a password was logged"
    p.stop(server)


@case
def a_record_that_is_too_large(p):
    t, u = p.topic("t"), p.topic("u")
    p.sql(f"CREATE STREAM t (k STRING KEY, v STRING) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS=1);"
          "INSERT INTO t VALUES ('a', 'x');")
    p.fails(f"CREATE STREAM u WITH (KAFKA_TOPIC='{u}') AS SELECT k, LPAD(v, 3000000, 'x') AS v FROM t; SELECT COUNT(*) FROM u; INSERT INTO t VALUES ('b', LPAD('y', 3000000, 'y'));",
            "MSG_SIZE_TOO_LARGE")
    contains("\n".join(p.sql("SELECT COUNT(*) FROM u; SHOW QUERIES;")), "MSG_SIZE_TOO_LARGE")


def run_case(function, broker, options):
    """Its name, and what failed."""
    name = function.__name__
    with tempfile.TemporaryDirectory() as folder:
        place = Place(broker, os.path.join(options.bin, "sluice"), name[:24].replace("_", "-"), folder, options.seed or 0)
        began = time.time()
        try:
            function(place)
            failure = None
        except Exception as e:      # a case that breaks is one that fails
            failure = str(e) if isinstance(e, AssertionError) else repr(e)
            for node in (0, 1):
                path = os.path.join(folder, f"node{node}.err")
                if os.path.exists(path):
                    with open(path, encoding="utf-8", errors="replace") as f:
                        failure += f"\nnode{node}: " + f.read()[-500:]
        finally:
            place.close()
        if options.verbose:
            print(f"kafka: {name}: {time.time() - began:.1f} s", flush=True)
        return name, failure


def run_all(options):
    from check import Skipped
    try:
        if shutil.which("kcat") is None:
            raise NoBroker("kcat, the independent witness, is not installed (apt-get install kcat)")
        broker = Broker.find(options.build, "broker", more="auto.create.topics.enable=false")
    except NoBroker as why:
        raise Skipped(f"no broker: {why}")
    try:
        wanted = [f for f in CASES if not options.only or options.only in f.__name__]
        # Cases wait most of the time.
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            broker.is_shared = True
            yield from pool.map(lambda f: run_case(f, broker, options), [f for f in wanted if f not in ALONE])
        broker.is_shared = False
        for function in wanted:
            if function in ALONE:
                yield run_case(function, broker, options)
    finally:
        broker.close()
