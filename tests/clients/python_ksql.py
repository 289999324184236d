"""PyPI ksql: statements, and a push query over /query."""

import collections
import collections.abc
import json
import sys

# The library under it (hyper) was written for Pythons in which these stood there.
for name in ("Iterable", "Mapping", "MutableMapping", "MutableSet", "Sized"):
    setattr(collections, name, getattr(collections.abc, name))

from ksql import KSQLAPI

client = KSQLAPI(f"http://127.0.0.1:{sys.argv[1]}")
assert client.get_ksql_version(), "no version"
client.ksql("CREATE STREAM py_s (id INT KEY, v STRING) WITH (KAFKA_TOPIC='py_s', VALUE_FORMAT='JSON', PARTITIONS=1);")
for row in ("(1, 'a')", "(2, 'b')"):
    try:
        client.ksql(f"INSERT INTO py_s VALUES {row};")
    except IndexError:
        pass        # the client takes the first of the entities, and INSERT VALUES has none, with ksqlDB too
streams = client.ksql("SHOW STREAMS;")
assert any(s["name"] == "PY_S" for s in streams[0]["streams"]), streams
properties = {"auto.offset.reset": "earliest"}
pieces = []
try:
    for piece in client.query("SELECT * FROM py_s EMIT CHANGES LIMIT 2;", stream_properties=properties):
        pieces.append(piece)
except RuntimeError:
    pass                # how its generators end since Python 3.7
text = "".join(pieces)
rows = [e["row"]["columns"] for e in json.loads(text) if "row" in e]
assert rows == [[1, "a"], [2, "b"]], text
print("ok")
