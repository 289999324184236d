#!/usr/bin/env python3
"""Load on `sluice server` on this machine: look-ups, push queries, idle persistent queries, malformed requests.

  bench/server_load.py [--bin build] [--seconds 10] pull | push | idle | malformed

Prints what was asked for, what came, and what the server took: seconds of processor, memory resident at most.  Everything stops by
itself; nothing but 127.0.0.1 is spoken to.
"""

import argparse
import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")
STREAM = "CREATE STREAM s (id INT KEY, v STRING) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"


class Server:
    def __init__(self, binary, folder, *arguments):
        self.command = [os.path.abspath(binary), "server", "--data", "d", "--listen", "http://127.0.0.1:0", *arguments]
        self.folder = folder
        self.start()

    def start(self):
        began = time.time()
        self.process = subprocess.Popen(self.command, cwd=self.folder, stderr=subprocess.PIPE, text=True, env=dict(os.environ, HOME=self.folder))
        line = self.process.stderr.readline()
        while "127.0.0.1:" not in line:
            assert line, "the server did not start"
            line = self.process.stderr.readline()
        self.port = int("".join(c for c in line.rsplit("127.0.0.1:", 1)[1].split()[0] if c.isdigit()))
        threading.Thread(target=lambda: [None for _ in self.process.stderr], daemon=True).start()
        while self.post("/ksql", {"ksql": "SHOW STREAMS;"})[0] != 200:
            time.sleep(0.01)
        return time.time() - began

    def stop(self):
        self.process.terminate()
        self.process.wait(60)

    def post(self, path, body):
        data = json.dumps(body).encode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as s:
            s.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            out = b""
            while True:
                got = s.recv(65536)
                if not got:
                    break
                out += got
        return int(out.split()[1]), out.partition(b"\r\n\r\n")[2].decode(errors="replace")

    def ksql(self, sql):
        status, text = self.post("/ksql", {"ksql": sql})
        assert status == 200, text

    def processor(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self, name="VmHWM"):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(l.split()[1]) / 1024 for l in f if l.startswith(name))

    def insert(self, lines):
        """An upload to /inserts-stream; lines is a generator of bytes, which may take its time."""
        curl = subprocess.Popen(["curl", "-s", "--http2-prior-knowledge", "-N", "-X", "POST", "-T", "-", f"http://127.0.0.1:{self.port}/inserts-stream"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        acknowledged = []
        reader = threading.Thread(target=lambda: acknowledged.append(sum(b'"ok"' in l for l in curl.stdout)), daemon=True)
        reader.start()
        curl.stdin.write(b'{"target":"S"}\n')
        for line in lines:
            curl.stdin.write(line)
            curl.stdin.flush()
        curl.stdin.close()
        reader.join(60)
        curl.wait(60)
        return acknowledged[0]


def build_tool(folder):
    tool = os.path.join(folder, "http_load")
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-std=c17", "-D_GNU_SOURCE", "-o", tool, os.path.join(HERE, "http_load.c")], check=True)
    return tool


def row(i, v):
    return b'{"ID":%d,"V":"%s"}\n' % (i, v)


def pull(server, tool, options):
    keys = 20000
    server.ksql(STREAM + "CREATE TABLE t AS SELECT id, COUNT(*) AS n, LATEST_BY_OFFSET(v) AS v FROM s GROUP BY id;")
    server.insert([b"".join(row(i, b"value %d" % i) for i in range(keys))])
    while server.post("/query-stream", {"sql": f"SELECT * FROM t WHERE id = {keys - 1};"})[1].count("\n") < 2:
        time.sleep(0.05)
    busy = threading.Event()

    def changes():
        """1,000 rows a second, so that the table's query has work all the time."""
        for i in itertools.count():
            if busy.is_set():
                return
            yield b"".join(row((i * 100 + k) % keys, b"change %d" % i) for k in range(100))
            time.sleep(0.1)

    feeder = threading.Thread(target=server.insert, args=(changes(),), daemon=True)
    feeder.start()
    for rate in [0] + ([options.rate] if options.rate else []):
        before = server.processor()
        out = json.loads(subprocess.run([tool, "pull", str(server.port), "16", str(options.seconds), "T", str(keys), str(rate)], capture_output=True,
                                        text=True, check=True).stdout)
        used = server.processor() - before
        print(f"pull: {out['requests']} look-ups of {keys} keys over 16 connections, {out['per_second']}/s"
              f"{' of ' + str(rate) + ' asked for' if rate else ''}; p50 {out['p50_ms']} ms, p99 {out['p99_ms']} ms; "
              f"server: {used / out['requests'] * 1e6:.1f} us of processor each with its query's 1,000 rows/s, {server.memory():.0f} MB")
    busy.set()
    feeder.join(60)


def push(server, tool, options):
    server.ksql(STREAM)
    n, rate = options.queries, 1000
    consumer = subprocess.Popen([tool, "push", str(server.port), str(n + 1), str(options.seconds + 8), "SELECT * FROM s EMIT CHANGES;", "1"],
                                stdout=subprocess.PIPE, text=True)
    time.sleep(4)
    before, began = server.processor(), time.time()

    def lines():
        for tick in range(int(options.seconds * 100)):
            yield b"".join(row(tick * 10 + k, b"a value of some length") for k in range(rate // 100))
            wait = began + (tick + 1) / 100 - time.time()
            if wait > 0:
                time.sleep(wait)
    sent = int(options.seconds * rate)
    acknowledged = server.insert(lines())
    took = time.time() - began
    out = json.loads(consumer.communicate(timeout=120)[0])
    used = server.processor() - before
    print(f"push: {n} queries x {rate} rows/s x {took:.0f} s, one more client stalled: {acknowledged} of {sent} rows acknowledged, "
          f"{out['least']} to {out['most']} delivered to each; server: {used:.1f} s of processor in {took:.0f} s, {server.memory():.0f} MB")


def idle(server, tool, options):
    n = options.queries
    server.ksql(STREAM)
    for i in range(n):
        server.ksql(f"CREATE STREAM p{i} AS SELECT id, v FROM s WHERE id > {i};")
    time.sleep(3)
    before, began = server.processor(), time.time()
    time.sleep(options.seconds)
    share = (server.processor() - before) / (time.time() - began)
    resident = server.memory("VmRSS")
    server.stop()
    restart = server.start()
    print(f"idle: {n} persistent queries: {resident:.0f} MB resident, {100 * share:.1f} % of a core, {restart:.2f} s from restart to the first answer")


def malformed(server, tool, options):
    """Requests with bytes changed, cut, doubled; the server has to go on answering."""
    seeds = [b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /ksql HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\n{\"ksql\":\"SHOW STREAMS;\"}\n",
             b"POST /query-stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n{\"sql\":\"SELECT 1;\"}\r\n\r\n0\r\n\r\n",
             b"GET /ws/query?request=%7B%22ksql%22%3A%22SELECT%201%3B%22%7D HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x85\x01\x02\x03\x04hello",
             b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x05\x01\x05\x00\x00\x00\x01\x82\x84\x86\x41\x01x"]
    r = random.Random(options.seed)
    n = 0
    for n in range(1, options.requests + 1):
        data = bytearray(r.choice(seeds))
        for _ in range(r.randint(1, 6)):
            at = r.randrange(len(data) + 1)
            kind = r.randrange(4)
            if kind == 0 and at < len(data):
                data[at] = r.randrange(256)
            elif kind == 1:
                del data[at:at + r.randint(1, 8)]
            elif kind == 2:
                data[at:at] = bytes(r.randrange(256) for _ in range(r.randint(1, 8)))
            else:
                data[at:at] = data[:r.randint(0, len(data))]
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as s:
            s.settimeout(0.002)
            try:
                s.sendall(data)
                s.recv(4096)
            except OSError:
                pass
        if n % 1000 == 0:
            assert server.post("/ksql", {"ksql": "SHOW STREAMS;"})[0] == 200, f"no answer after {n} requests of seed {options.seed}"
    print(f"malformed: {n} requests (seed {options.seed}); the server answers, {server.memory():.0f} MB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--queries", type=int, default=None)
    parser.add_argument("--requests", type=int, default=10000)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("what", choices=["pull", "push", "idle", "malformed"])
    options = parser.parse_args()
    if options.what in ("push", "pull", "idle") and shutil.which("curl") is None:
        sys.exit("curl is needed: it speaks HTTP/2 to /inserts-stream")
    if options.queries is None:
        options.queries = 1000 if options.what == "idle" else 500
    with tempfile.TemporaryDirectory() as folder:
        server = Server(os.path.join(options.bin, "sluice"), folder, "--set", "ksql.max.push.queries=10000")
        try:
            globals()[options.what](server, build_tool(folder), options)
        finally:
            server.stop()
            assert server.process.returncode == 0, f"the server ended with status {server.process.returncode}"


if __name__ == "__main__":
    main()
