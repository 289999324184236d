#!/usr/bin/env python3
"""sluice beside Kafka Streams: the same query over the same topic of the same broker, in turn; processor time of the process.

  bench/kafka_streams.py [--records 2000000] [--runs 3] [--bin build/sluice] [--guarantee exactly_once_v2]

Maven brings Kafka Streams (bench/kafka_streams/pom.xml); it needs a JDK.  The JVM's own start and compilation count: they belong to a run as
sluice's start does, and the more records the less they weigh.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile

from kafka_bench import ROOT, STREAM, Bench, cpu_of

QUERIES = {
    "filter": ("STREAM", "SELECT k, id, country, amount, quantity FROM a WHERE quantity > 0"),
    "count": ("TABLE", "SELECT k, COUNT(*) AS n FROM a GROUP BY k"),
    "tumbling": ("TABLE", "SELECT k, COUNT(*) AS n FROM a WINDOW TUMBLING (SIZE 10 SECONDS, GRACE PERIOD 24 HOURS) GROUP BY k"),
}


def compile_streams(build):
    """The class path of the program."""
    source = os.path.join(ROOT, "bench", "kafka_streams")
    folder = os.path.join(build, "kafka", "streams")
    classes = os.path.join(folder, "classes")
    libraries = os.path.join(folder, "lib")
    if not os.path.isdir(libraries):
        subprocess.run(["mvn", "-q", "-B", "-f", os.path.join(source, "pom.xml"), "dependency:copy-dependencies", "-DoutputDirectory=" + libraries], check=True, stdout=subprocess.DEVNULL)
    path = os.path.join(libraries, "*")
    subprocess.run(["javac", "-cp", path, "-d", classes, os.path.join(source, "StreamsBench.java")], check=True)
    return classes + ":" + path


def run_streams(bench, path, query, topic, guarantee):
    folder = tempfile.mkdtemp()
    try:
        return cpu_of(["java", "-Xmx1g", "-cp", path, "StreamsBench", bench.broker.bootstrap, query, "bench-a", topic, str(bench.records), guarantee, folder], folder)[0]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=2000000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "sluice"))
    parser.add_argument("--guarantee", default="exactly_once_v2")
    options = parser.parse_args()
    with Bench(options) as bench:
        path = compile_streams(bench.build)
        bench.fill()
        print(f"{options.records} records, {options.guarantee}, commit every 100 ms; medians of {options.runs} runs in turn")
        print(f"{'query':10} {'Kafka Streams':>28} {'sluice':>28} {'times':>6}")
        for name, (kind, sql) in QUERIES.items():
            used = {"streams": [], "sluice": []}
            for run in range(options.runs):
                topic = f"streams-{name}-{run}"
                bench.sql(f"CREATE STREAM made (k STRING KEY) WITH (KAFKA_TOPIC='{topic}', {STREAM}); DROP STREAM made;")
                used["streams"].append(run_streams(bench, path, name, topic, options.guarantee))
                used["sluice"].append(bench.query(kind, sql, options.guarantee)[0])
                bench.same_rows(topic, bench.last_topic, kind)
                bench.drop_last()
            theirs, ours = (statistics.median(used[who]) for who in ("streams", "sluice"))
            print(f"{name:10} {theirs:8.2f} s {options.records / theirs / 1e6:8.3f} M/CPU-s {ours:8.2f} s {options.records / ours / 1e6:8.3f} M/CPU-s {theirs / ours:6.1f}", flush=True)


if __name__ == "__main__":
    main()
