#!/usr/bin/env python3
"""Makes the files of tests/data/parquet with pyarrow and DuckDB (pip install pyarrow duckdb).  They are checked in: this is how they came to be."""

import datetime
import decimal
import os

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "parquet")
D = decimal.Decimal
UTC = datetime.timezone.utc


def write(name, table, **options):
    pq.write_table(table, os.path.join(HERE, name), **options)


def types():
    n = None
    return pa.table({
        "flag": pa.array([True, n, False], pa.bool_()),
        "i8": pa.array([-128, n, 127], pa.int8()),
        "i32": pa.array([-2**31, n, 2**31 - 1], pa.int32()),
        "i64": pa.array([-2**63, n, 2**63 - 1], pa.int64()),
        "u16": pa.array([0, n, 65535], pa.uint16()),
        "u32": pa.array([0, n, 2**32 - 1], pa.uint32()),
        "u64": pa.array([0, n, 2**64 - 1], pa.uint64()),
        "half": pa.array([1.5, n, -0.25], pa.float16()),
        "single": pa.array([1.5, n, -0.25], pa.float32()),
        "double": pa.array([1e300, n, -0.1], pa.float64()),
        "d9": pa.array([D("-123456.789"), n, D("0.001")], pa.decimal128(9, 3)),
        "d18": pa.array([D("-1234567890123.45678"), n, D("1")], pa.decimal128(18, 5)),
        "d38": pa.array([D("-1234567890123456789012345678.0123456789"), n, D("1")], pa.decimal128(38, 10)),
        "text": pa.array(["", n, "ünïcödé and long enough"], pa.string()),
        "bytes": pa.array([b"", n, b"\x00\xff"], pa.binary()),
        "fixed": pa.array([b"abcd", n, b"\x00\x01\x02\x03"], pa.binary(4)),
        "day": pa.array([datetime.date(1969, 12, 31), n, datetime.date(2024, 2, 29)], pa.date32()),
        "t_ms": pa.array([0, n, 86399999], pa.time32("ms")),
        "t_us": pa.array([1999, n, 86399999999], pa.time64("us")),
        "ts_ms": pa.array([-1, n, 1700000000123], pa.timestamp("ms")),
        "ts_us": pa.array([-1, n, 1700000000123456], pa.timestamp("us", tz="UTC")),
        "ts_ns": pa.array([-1, n, 1700000000123456789], pa.timestamp("ns")),
        "nothing": pa.array([n, n, n], pa.null()),
    })


def nested():
    n = None
    return pa.table({
        "id": pa.array([1, 2, 3, 4, 5], pa.int32()),
        "list": pa.array([[1, n, 3], [], n, [4], [5, 6]], pa.list_(pa.int32())),
        "lists": pa.array([[["a"], [], n], n, [], [["b", n]], [["c"], ["d"]]], pa.list_(pa.list_(pa.string()))),
        "struct": pa.array([{"x": 1, "y": {"z": "a"}}, {"x": n, "y": n}, n, {"x": 4, "y": {"z": n}}, {"x": 5, "y": {"z": "e"}}],
                           pa.struct([("x", pa.int32()), ("y", pa.struct([("z", pa.string())]))])),
        "map": pa.array([[("k", 1), ("l", n)], [], n, [("m", 2)], [("n", 3)]], pa.map_(pa.string(), pa.int64())),
        "structs": pa.array([[{"a": 1, "b": ["p", "q"]}, n], n, [], [{"a": n, "b": n}], [{"a": 2, "b": []}]],
                            pa.list_(pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]))),
    })


def numbers(rows):
    return pa.table({
        "id": pa.array(range(rows), pa.int64()),
        "grp": pa.array([f"group {i % 7}" if i % 5 else None for i in range(rows)], pa.string()),
        "val": pa.array([i * 0.5 if i % 3 else None for i in range(rows)], pa.float64()),
        "small": pa.array([i % 100 for i in range(rows)], pa.int32()),
    })


def main():
    os.makedirs(HERE, exist_ok=True)
    write("types.parquet", types())
    write("types_plain.parquet", types(), use_dictionary=False, compression="none", data_page_version="2.0")
    write("int96.parquet", pa.table({"ts": pa.array([datetime.datetime(2024, 5, 6, 7, 8, 9, 123000), None])}), use_deprecated_int96_timestamps=True)
    write("nested.parquet", nested())
    write("nested_v2.parquet", nested(), data_page_version="2.0", use_dictionary=False, data_page_size=16, write_batch_size=1, compression="zstd")
    for codec in ("none", "snappy", "gzip", "zstd", "lz4", "brotli"):
        write(f"codec_{codec}.parquet", numbers(50), compression=codec)
    write("groups.parquet", numbers(3000), row_group_size=1000, data_page_size=2000, write_batch_size=100, compression="zstd")
    write("delta.parquet", numbers(300), use_dictionary=False, compression="gzip",
          column_encoding={"id": "DELTA_BINARY_PACKED", "grp": "DELTA_BYTE_ARRAY", "val": "BYTE_STREAM_SPLIT", "small": "DELTA_BINARY_PACKED"})
    write("delta_length.parquet", numbers(300), use_dictionary=False, column_encoding={"grp": "DELTA_LENGTH_BYTE_ARRAY", "id": "PLAIN", "val": "PLAIN", "small": "BYTE_STREAM_SPLIT"})
    # a dictionary that grows too large: its page is followed by plain ones
    write("fallback.parquet", pa.table({"t": [f"text number {i % 400}" for i in range(1200)]}), dictionary_pagesize_limit=2000, write_batch_size=100,
          data_page_size=1000, compression="gzip")
    write("empty.parquet", numbers(0))
    duckdb.sql(f"""COPY (SELECT i::INTEGER AS i, 'n' || i % 3 AS t, i * 1.5::DECIMAL(9,2) AS d, uuid_of AS u, INTERVAL 14 MONTHS + INTERVAL 3 DAYS AS span
        FROM range(10) r(i), (SELECT '01234567-89ab-cdef-0123-456789abcdef'::UUID AS uuid_of))
        TO '{HERE}/duck.parquet' (FORMAT PARQUET)""")
    # two row groups of the same range: even and odd numbers, told apart only by Bloom filters
    duckdb.sql(f"""COPY (SELECT CASE WHEN i < 2048 THEN i % 50 * 2 ELSE i % 50 * 2 + 1 END AS v, 'text ' || CASE WHEN i < 2048 THEN i % 50 * 2 ELSE i % 50 * 2 + 1 END AS t
        FROM range(4096) r(i)) TO '{HERE}/bloom.parquet' (FORMAT PARQUET, ROW_GROUP_SIZE 2048)""")


if __name__ == "__main__":
    main()
