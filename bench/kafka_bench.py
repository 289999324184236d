#!/usr/bin/env python3
"""Topic to topic on Kafka: sluice against librdkafka alone, and the time from a record to its result.

  bench/kafka_bench.py [--records 1000000] [--bin build/sluice]

The broker is that of the tests (tests/kafka/README.md).  CPU time is the process's own; the broker has the same processors.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "kafka"))
from broker import Broker  # noqa: E402


def sluice(options, broker, folder, *arguments):
    return [os.path.abspath(options.bin), "--bootstrap-servers", broker.bootstrap, "--data", os.path.join(folder, "data"),
            "--set", "ksql.service.id=bench_", *arguments]


def rate(options, broker, folder, name, sql, settings=()):
    """One query over what is there; CPU and elapsed time from its start to its last commit."""
    command = sluice(options, broker, folder, "--no-header", *settings, "-c", sql)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.time()
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=300)
    took = time.time() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    print(f"{name}: {took:.2f} s, {used:.2f} s CPU, {used / options.records * 1e9:.0f} ns a record; {done.stdout.strip()}", flush=True)


def latency(options, broker, folder):
    """From producing a record to its result in the output topic, one at a time."""
    base = ["--set", "queries.run=always"]
    subprocess.run(sluice(options, broker, folder, "-c", "CREATE STREAM l (k STRING KEY, v BIGINT) WITH (KAFKA_TOPIC='bench-l', VALUE_FORMAT='JSON', PARTITIONS=1);"
                          "CREATE STREAM lo WITH (KAFKA_TOPIC='bench-lo') AS SELECT k, v + 1 AS w FROM l;"), check=True, capture_output=True, cwd=folder)
    node = subprocess.Popen(sluice(options, broker, folder, *base, "-c", "PRINT '_confluent-ksql-bench__command_topic'"), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, cwd=folder)
    done = subprocess.run([os.path.join(ROOT, "build", "kafka_copy"), broker.bootstrap, "bench-l", "bench-lo", "200", "latency"], capture_output=True,
                          text=True, timeout=120)
    node.kill()
    node.wait()
    print("record to result, one at a time, exactly once: " + (done.stdout + done.stderr).strip())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1000000)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "sluice"))
    options = parser.parse_args()
    build = os.path.join(ROOT, "build")
    subprocess.run(["cc", "-O2", os.path.join(ROOT, "bench", "kafka_copy.c"), "-lrdkafka", "-o", os.path.join(build, "kafka_copy")], check=True)
    broker = Broker.find(build, "bench")
    try:
        with tempfile.TemporaryDirectory() as folder:
            setup = ("CREATE STREAM a (k STRING KEY, id BIGINT, name STRING, v DOUBLE) WITH (KAFKA_TOPIC='bench-a', VALUE_FORMAT='JSON', PARTITIONS=4);"
                     "CREATE STREAM x (k STRING KEY, id BIGINT) WITH (KAFKA_TOPIC='bench-copy', VALUE_FORMAT='JSON', PARTITIONS=4);")
            subprocess.run(sluice(options, broker, folder, "-c", setup), check=True, capture_output=True, cwd=folder)
            text = "".join(f'k{i % 5000}\t{{"id":{i},"name":"customer number {i % 5000} of the bench","v":{i % 977}.25}}\n' for i in range(options.records))
            subprocess.run(["kcat", "-b", broker.bootstrap, "-P", "-t", "bench-a", "-K", "\t", "-z", "lz4", "-X", "topic.partitioner=murmur2_random"],
                           input=text, text=True, check=True)
            done = subprocess.run([os.path.join(build, "kafka_copy"), broker.bootstrap, "bench-a", "bench-copy", str(options.records)], capture_output=True, text=True)
            print("librdkafka alone, copy: " + done.stdout.strip(), flush=True)
            rate(options, broker, folder, "bounded COUNT(*), SUM(v)", "SELECT COUNT(*), SUM(v) FROM a;")
            rate(options, broker, folder, "CSAS, all columns, exactly once", "CREATE STREAM b1 WITH (KAFKA_TOPIC='bench-b1') AS SELECT * FROM a; SELECT COUNT(*) FROM b1 WHERE rowoffset < 0;")
            rate(options, broker, folder, "CSAS, all columns, at least once", "CREATE STREAM b2 WITH (KAFKA_TOPIC='bench-b2') AS SELECT * FROM a; SELECT COUNT(*) FROM b2 WHERE rowoffset < 0;",
                 ["--set", "processing.guarantee=at_least_once"])
            rate(options, broker, folder, "CTAS, COUNT and SUM by key (5,000)", "CREATE TABLE c WITH (KAFKA_TOPIC='bench-c') AS SELECT k, COUNT(*) AS n, SUM(v) AS s FROM a GROUP BY k; SELECT COUNT(*) FROM c WHERE n < 0;")
            rate(options, broker, folder, "CTAS, COUNT by another column", "CREATE TABLE d WITH (KAFKA_TOPIC='bench-d') AS SELECT name, COUNT(*) AS n FROM a GROUP BY name; SELECT COUNT(*) FROM d WHERE n < 0;")
            latency(options, broker, folder)
    finally:
        broker.close()


if __name__ == "__main__":
    main()
