"""Exactly-once under fire, at size: `make check-kafka-long`; a short form of it is a case of `make check-kafka`.

Three processes of one service run a windowed aggregation and a stream-table join over 12 partitions, while records come in, processes are
killed with -9 at random, and the broker is stopped and killed.  What a read-committed reader (kcat) then finds is compared with what the input
topic holds, worked out here, and with what a bounded query makes of it.
"""

import bisect
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "kafka"))
from broker import Broker, NoBroker  # noqa: E402
from cli_test import equal  # noqa: E402

# A member that was killed is missed, and its open transaction ended, after this long.
QUICK = ["consumer.session.timeout.ms=2000", "consumer.heartbeat.interval.ms=500", "producer.transaction.timeout.ms=3000"]
PARTITIONS = 12
NODES = 3
KEYS = 1000
WINDOW_MS = 10 * 60 * 1000
FIRST_MS = (int(time.time() * 1000) // WINDOW_MS - 36) * WINDOW_MS      # hours ago, not years: brokers remove what is older than a topic's retention


def record(i):
    """The i-th record: key, value.  Event times go back by up to 700 ms."""
    ts = FIRST_MS + i * 10 - (i % 8) * 100
    return f"k{(i * 7919) % KEYS}", f'{{"id":{i},"amount":{i % 1013},"ts":{max(ts, FIRST_MS)}}}'


class Feeder:
    """Writes records with one kcat that stays, and waits for a broker that is away."""

    def __init__(self, p, topic):
        self.sent = 0
        self.process = subprocess.Popen(["kcat", "-b", p.broker.bootstrap, "-P", "-E", "-q", "-t", topic, "-K", "\t", "-X", "topic.partitioner=murmur2_random",
                                         "-X", "enable.idempotence=true", "-X", "linger.ms=20", "-X", "message.timeout.ms=600000"],
                                        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def send(self, n):
        self.process.stdin.write("".join("%s\t%s\n" % record(i) for i in range(self.sent, self.sent + n)))
        self.process.stdin.flush()
        self.sent += n

    def send_over(self, n, seconds):
        began = time.time()
        for part in range(20):
            self.send(n * (part + 1) // 20 - n * part // 20)
            time.sleep(max(0.0, began + seconds * (part + 1) / 20 - time.time()))

    def close(self):
        self.process.stdin.close()
        equal(self.process.wait(1200), 0, "kcat, which writes the input")


def read_topic(p, topic):
    """All committed records in order of their partitions: (partition, key, value), bytes; a tombstone's value is None."""
    reader = subprocess.Popen(["kcat", "-b", p.broker.bootstrap, "-C", "-e", "-q", "-t", topic, "-o", "beginning", "-X", "isolation.level=read_committed",
                               "-f", "%p %K %S \n%k%s\n"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    stream = reader.stdout
    while True:
        head = stream.readline()
        if not head:
            break
        partition, key_size, size = (int(n) for n in head.split())
        key = stream.read(max(key_size, 0))
        value = stream.read(size) if size >= 0 else None
        stream.read(1)
        yield partition, key, value
    equal(reader.wait(300), 0, f"kcat, which reads {topic}")


def where_from(places, ids):
    """Of each partition that has any: how many, the first, the last."""
    text = {}
    for i in ids:
        n, first, _ = text.get(places[i], (0, i, i))
        text[places[i]] = (n + 1, first, i)
    return text


def check_join(p, topic, places):
    """Every record of the input once, with the name of its own key."""
    seen = bytearray(len(places))
    wrong = 0
    for _, key, value in read_topic(p, topic):
        row = json.loads(value)
        wrong += row["name"] != "n" + key.decode()[1:] or record(row["id"])[0] != key.decode()
        seen[row["id"]] = min(seen[row["id"]] + 1, 255)
    lost = [i for i, n in enumerate(seen) if n == 0]
    doubled = [i for i, n in enumerate(seen) if n > 1]
    equal((len(lost), len(doubled), wrong), (0, 0, 0),
          f"joined rows that are lost ({where_from(places, lost)}), doubled ({where_from(places, doubled)}), or another key's")


def wanted_windows(sent):
    """(key, start of the window): (rows, sum of amount), worked out from the records themselves."""
    wanted = {}
    for i in range(sent):
        key, value = record(i)
        start = int(value[value.rindex(":") + 1:-1]) // WINDOW_MS * WINDOW_MS
        n, total = wanted.get((key, start), (0, 0))
        wanted[(key, start)] = (n + 1, total + i % 1013)
    return wanted


def last_windows(p, topic):
    """The table's topic read to its end: the last value of each windowed key (the key's bytes, then eight of the window's start)."""
    last = {}
    for _, key, value in read_topic(p, topic):
        where = (key[:-8].decode(), struct.unpack(">q", key[-8:])[0])
        if value is None:
            last.pop(where, None)
            continue
        row = json.loads(value)
        last[where] = (row["n"], row["total"])
    return last


def same_tables(found, wanted, what):
    different = [(k, found.get(k), wanted.get(k)) for k in sorted(set(found) | set(wanted)) if found.get(k) != wanted.get(k)]
    equal(different[:5], [], f"{len(different)} of {len(wanted)} rows of {what} differ (key, found, wanted)")


def server(p, index):
    """A process that takes part in running the queries, and tries again if the broker is away when it starts."""
    log = open(os.path.join(p.folder, f"node{index}.err"), "ab")
    process = subprocess.Popen([p.program, "server", "--bootstrap-servers", p.broker.bootstrap, "--listen", "http://127.0.0.1:0",
                                "--data", os.path.join(p.folder, f"node{index}"), "--set", f"ksql.service.id={p.service}"]
                               + [word for s in QUICK for word in ("--set", s)], stdout=log, stderr=log, cwd=p.folder)
    log.close()
    p.nodes.append(process)
    return process


class Fire:
    """Kills processes and the broker, and counts."""

    def __init__(self, p, say):
        self.p = p
        self.say = say
        self.nodes = [server(p, i) for i in range(NODES)]
        self.kills = self.restarts = 0

    def kill(self, how_many):
        for victim in self.p.random.sample(range(NODES), how_many):
            self.p.stop(self.nodes[victim], signal.SIGKILL)
            self.nodes[victim] = None
            self.kills += 1
        time.sleep(self.p.random.uniform(0, 2))
        for i in range(NODES):
            if self.nodes[i] is None:
                self.nodes[i] = server(self.p, i)

    def restart_broker(self):
        """One time it may close what is open, the next it is killed like the others."""
        if not self.p.broker.can_restart():
            return
        self.p.broker.stop(kill=self.restarts % 2 == 1)
        time.sleep(self.p.random.uniform(0, 3))
        self.p.broker.start()
        self.restarts += 1

    def all_run(self):
        for i, node in enumerate(self.nodes):
            assert node.poll() is None, f"process {i} ended by itself with status {node.returncode}"


def fire(p, records, kills, restarts, seconds=(4.0, 12.0), say=lambda text: None):
    t, s, w, j = (p.topic(n) for n in "tswj")
    p.sql(f"CREATE TABLE s (k STRING PRIMARY KEY, name STRING, ts BIGINT) WITH (KAFKA_TOPIC='{s}', VALUE_FORMAT='JSON', PARTITIONS={PARTITIONS}, TIMESTAMP='ts');"
          f"CREATE STREAM t (k STRING KEY, id BIGINT, amount BIGINT, ts BIGINT) WITH (KAFKA_TOPIC='{t}', VALUE_FORMAT='JSON', PARTITIONS={PARTITIONS}, TIMESTAMP='ts');")
    # Inputs are taken in the order of event time: what is joined with is older.
    p.produce(s, [(f"k{i}", json.dumps({"name": f"n{i}", "ts": FIRST_MS - 1})) for i in range(KEYS)])
    p.sql(f"CREATE TABLE w WITH (KAFKA_TOPIC='{w}') AS SELECT k, COUNT(*) AS n, SUM(amount) AS total FROM t WINDOW TUMBLING (SIZE 10 MINUTES) GROUP BY k;"
          f"CREATE STREAM j WITH (KAFKA_TOPIC='{j}') AS SELECT t.k AS k, t.id AS id, s.name AS name FROM t JOIN s ON t.k = s.k;")
    began = time.time()
    under = Fire(p, say)
    feeder = Feeder(p, t)
    p.nodes.append(feeder.process)
    restart_at = [kills * (i + 1) // (restarts + 1) for i in range(restarts)]
    while under.kills < kills:
        share = records // (kills + 1)
        # What is fed and what happens to the processes have nothing to do with each other.
        feeding = threading.Thread(target=feeder.send_over, daemon=True, args=(share, p.random.uniform(*seconds)))
        feeding.start()
        if bisect.bisect_right(restart_at, under.kills) > under.restarts:
            under.restart_broker()
            say(f"{time.time() - began:.0f} s: the broker was {'stopped' if under.restarts % 2 == 1 else 'killed'} and is back")
        feeding.join()
        under.all_run()
        under.kill(2 if p.random.random() < 0.2 and under.kills + 2 <= kills else 1)
        say(f"{time.time() - began:.0f} s: {under.kills} kills, {feeder.sent} records")
    feeder.send(max(0, records - feeder.sent))
    feeder.close()
    p.nodes.remove(feeder.process)
    say(f"{time.time() - began:.0f} s: all {feeder.sent} records are there; {under.kills} processes killed, broker restarted {under.restarts} times")
    # A bounded query waits for the queries that feed its sources; what kcat reads below must be there by then, so both are asked.
    counted = p.sql("SELECT COUNT(*) AS n FROM j;", timeout=1800)
    windows = p.sql("SELECT COUNT(*) AS n FROM w;", timeout=1800)
    under.all_run()
    say(f"{time.time() - began:.0f} s: the queries have read them")
    places = {}
    for n, (partition, _, value) in enumerate(read_topic(p, t), 1):
        places[json.loads(value)["id"]] = partition
    equal((n, sorted(places) == list(range(feeder.sent))), (feeder.sent, True), "records of the input, each once")
    check_join(p, j, places)
    equal(counted, [str(feeder.sent)], "rows of j as a bounded query counts them")
    wanted = wanted_windows(feeder.sent)
    equal(windows, [str(len(wanted))], "rows of w as a bounded query counts them")
    same_tables(last_windows(p, w), wanted, "w as kcat reads it")
    for what, sql in (("w", "SELECT k, WINDOWSTART, n, total FROM w;"),
                      ("the bounded query", "SELECT k, WINDOWSTART, COUNT(*) AS n, SUM(amount) AS total FROM t WINDOW TUMBLING (SIZE 10 MINUTES) GROUP BY k;")):
        rows = [r.split(",") for r in p.sql(sql, timeout=1800)]
        equal(len(rows), len(wanted), f"rows of {what}")
        same_tables({(k, int(start)): (int(n), int(total)) for k, start, n, total in rows}, wanted, what)
    say(f"{time.time() - began:.0f} s: {feeder.sent} joined rows once each, {len(wanted)} windows equal to the bounded result")
    for node in under.nodes:
        p.stop(node)


def run_all(options):
    """As many kills as FIRE_KILLS says (30), among FIRE_RECORDS (2,000,000)."""
    from check import Skipped
    from kafka_test import Place
    kills = int(os.environ.get("FIRE_KILLS", "30"))
    records = int(os.environ.get("FIRE_RECORDS", "2000000"))
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    print(f"kafka_long: {records} records, {kills} kills, --seed {seed}", flush=True)
    try:
        broker = Broker.find(options.build, "broker-long")
    except NoBroker as why:
        raise Skipped(f"no broker: {why}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            place = Place(broker, os.path.join(options.bin, "sluice"), "long", folder, seed)
            failure = None
            try:
                fire(place, records, kills, 2, say=lambda text: print("kafka_long: " + text, flush=True))
            except (AssertionError, subprocess.TimeoutExpired, NoBroker) as e:
                failure = str(e) or repr(e)
                for node in range(NODES):
                    path = os.path.join(folder, f"node{node}.err")
                    if os.path.exists(path):
                        with open(path, encoding="utf-8", errors="replace") as f:
                            failure += f"\nnode{node}: " + f.read()[-1000:]
            finally:
                place.close()
            yield "exactly_once_under_fire_at_size", failure
    finally:
        broker.close()
