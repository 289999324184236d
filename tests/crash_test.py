"""kill -9 at random moments under load: what came out equals what an undisturbed run gives, per key and in order.

A followed file grows while queries run: it is copied into a topic of 4 partitions, from which a filter, a repartitioned
count, a session window, an EMIT FINAL window and tables with TTL are fed.  The program is killed and started again; at the end every
record of every output topic is compared, each key by itself, in order.  `make check-crash KILLS=50 SEED=7`.
"""

import collections
import csv
import io
import json
import os
import random
import signal
import subprocess
import tempfile
import time

SETUP = """
SET 'cache.max.bytes.buffering' = '0';
SET 'commit.interval.ms' = '20';
CREATE STREAM source (k STRING, g STRING, v BIGINT, ts BIGINT) WITH (PATH='events.jsonl', FORMAT='JSON', TIMESTAMP='ts', FOLLOW=true);
CREATE STREAM events WITH (KAFKA_TOPIC='events', VALUE_FORMAT='JSON', PARTITIONS=4) AS SELECT * FROM source PARTITION BY k;
CREATE STREAM filtered WITH (KAFKA_TOPIC='filtered') AS SELECT k, v FROM events WHERE v % 3 = 0;
CREATE TABLE counted WITH (KAFKA_TOPIC='counted') AS SELECT g, COUNT(*) AS n FROM events GROUP BY g;
CREATE TABLE sessions WITH (KAFKA_TOPIC='sessions') AS SELECT k, COUNT(*) AS n, SUM(v) AS total FROM events
  WINDOW SESSION (3 SECONDS) GROUP BY k;
CREATE TABLE finals WITH (KAFKA_TOPIC='finals') AS SELECT k, COUNT(*) AS n, SUM(v) AS total FROM events
  WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 2 SECONDS) GROUP BY k EMIT FINAL;
CREATE TABLE rested WITH (KAFKA_TOPIC='rested', TTL='3 SECONDS') AS SELECT k, COUNT(*) AS n FROM events GROUP BY k;
CREATE TABLE brief WITH (KAFKA_TOPIC='brief', TTL='1 SECOND') AS SELECT k, n FROM rested;
"""

# The changes of the tables are read as streams over their topics.
LOGS = """
CREATE STREAM counted_log (g STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='counted', VALUE_FORMAT='JSON');
CREATE STREAM sessions_log (k STRING KEY, n BIGINT, total BIGINT) WITH (KAFKA_TOPIC='sessions', VALUE_FORMAT='JSON', WINDOW_TYPE='SESSION');
CREATE STREAM finals_log (k STRING KEY, n BIGINT, total BIGINT)
  WITH (KAFKA_TOPIC='finals', VALUE_FORMAT='JSON', WINDOW_TYPE='TUMBLING', WINDOW_SIZE='10 SECONDS');
CREATE STREAM rested_log (k STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='rested', VALUE_FORMAT='JSON');
CREATE STREAM brief_log (k STRING KEY, n BIGINT) WITH (KAFKA_TOPIC='brief', VALUE_FORMAT='JSON');
"""

READS = {
    "events": "SELECT k, ROWPARTITION AS part, ROWOFFSET AS place, g, v, ts FROM events;",
    "filter": "SELECT k, ROWPARTITION AS part, ROWOFFSET AS place, v FROM filtered;",
    "count": "SELECT g, ROWPARTITION AS part, ROWOFFSET AS place, n FROM counted_log;",
    "sessions": "SELECT k, ROWPARTITION AS part, ROWOFFSET AS place, WINDOWSTART AS s, WINDOWEND AS e, n, total FROM sessions_log;",
    "finals": "SELECT k, ROWPARTITION AS part, ROWOFFSET AS place, WINDOWSTART AS s, n, total FROM finals_log;",
    "rested": "SELECT k, ROWPARTITION AS part, ROWOFFSET AS place, ROWTIME AS t, n FROM rested_log;",
    "brief": "SELECT k, ROWPARTITION AS part, ROWOFFSET AS place, ROWTIME AS t, n FROM brief_log;",
    "table rested": "SELECT k, 0 AS part, 0 AS place, n FROM rested;",
    "table counted": "SELECT g, 0 AS part, 0 AS place, n FROM counted;",
    "table sessions": "SELECT k, 0 AS part, WINDOWSTART AS place, n, total FROM sessions;",
    "table finals": "SELECT k, 0 AS part, WINDOWSTART AS place, n, total FROM finals;",
}


LIMIT = 600     # seconds for an answer that takes less than one: another program may have the machine


class Failed(Exception):
    pass


class World:
    """A data directory and the file that feeds it."""

    def __init__(self, options, folder):
        self.sluice = os.path.join(options.bin, "sluice")
        self.folder = folder
        os.mkdir(folder)
        self.environment = dict(os.environ, HOME=folder, TZ="UTC")
        self.events = open(os.path.join(folder, "events.jsonl"), "w", encoding="utf-8")

    def append(self, lines):
        self.events.write("".join(lines))
        self.events.flush()

    def run(self, sql):
        try:
            done = subprocess.run([self.sluice, "--output", "csv", "-c", sql], cwd=self.folder, env=self.environment, capture_output=True,
                                  text=True, errors="replace", stdin=subprocess.DEVNULL, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            raise Failed(f"no answer in {LIMIT} s: {sql}")
        if done.returncode:
            raise Failed(f"exit status {done.returncode}: {sql}\n{done.stderr}")
        return done.stdout

    def start(self):
        """A process that goes on for ever: its persistent queries run."""
        return subprocess.Popen([self.sluice, "--output", "csv", "-c", "SELECT v FROM events WHERE v < 0 EMIT CHANGES;"], cwd=self.folder,
                                env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def results(self):
        """Per output and key: the rows in order of partition and offset.  A key is in one partition, so that order is the key's own."""
        self.run(LOGS)
        results = {}
        for name, sql in READS.items():
            rows = list(csv.reader(io.StringIO(self.run(sql))))[1:]
            by_key = collections.defaultdict(list)
            for row in sorted(rows, key=lambda r: (int(r[1]), int(r[2]))):
                by_key[row[0]].append(row[3:])
            results[name] = dict(by_key)
        return results


class Maker:
    """Events: time goes on, some come late, the keys are not equally frequent."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.time = 1_700_000_000_000

    def lines(self, n):
        lines = []
        for _ in range(n):
            self.time += self.random.choice((0, 5, 10, 40))
            late = self.random.choice((0, 0, 0, 0, 700, 15_000))
            lines.append(json.dumps({"k": f"k{int(self.random.random() ** 2 * 60)}", "g": f"g{self.random.randrange(7)}",
                                     "v": self.random.randrange(1000), "ts": self.time - late}) + "\n")
        return lines


def run_all(options):
    seed = options.seed if options.seed is not None else int(os.environ.get("SEED") or time.time())
    chance = random.Random(seed)
    maker = Maker(seed)
    label = f"{options.kills} kills, seed {seed}"
    everything = []
    with tempfile.TemporaryDirectory(prefix="sluice-crash-") as folder:
        try:
            world = World(options, os.path.join(folder, "disturbed"))
            world.run(SETUP)
            for _ in range(options.kills):
                process = world.start()
                end = time.time() + chance.choice((0.03, 0.1, 0.3, 0.6)) * (0.5 + chance.random())
                while time.time() < end:
                    lines = maker.lines(chance.randrange(1, 200))
                    everything += lines
                    world.append(lines)
                    time.sleep(0.004)
                    if process.poll() is not None:
                        raise Failed("the program ended by itself: " + process.stderr.read().decode(errors="replace"))
                process.send_signal(signal.SIGKILL)
                process.wait()
                process.stderr.close()
            disturbed = world.results()
            calm = World(options, os.path.join(folder, "calm"))
            calm.append(everything)
            calm.run(SETUP)
            expected = calm.results()
        except Failed as e:
            yield label, str(e)
            return
    n_events = sum(len(rows) for rows in expected["events"].values())
    yield f"{label}: all events arrived", None if n_events == len(everything) else f"{len(everything)} written, {n_events} read undisturbed"
    for name in READS:
        yield f"{label}: {name}", difference(expected[name], disturbed[name])


def difference(expected, actual):
    if not expected:
        return "nothing came out of the undisturbed run"
    lines = []
    for key in sorted(set(expected) | set(actual)):
        a, b = expected.get(key, []), actual.get(key, [])
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            lines.append(f"key {key}: {len(a)} rows undisturbed, {len(b)} disturbed; at {at}: {a[at:at + 2]} and {b[at:at + 2]}")
    return "\n".join(lines[:8] + [f"{len(lines)} keys differ"]) if lines else None
