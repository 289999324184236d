"""Parquet between DuckDB and sluice: what DuckDB writes is read, what is written from that is read by DuckDB, and nothing has changed.

DuckDB is Python's module `duckdb`, also from build/python (`pip install --target build/python duckdb`).
"""

import importlib
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROWS = 5000
# A column: what DuckDB writes (of the row number i), and what it should be when it has gone through sluice ({} is the column).
COLUMNS = {
    "id": ("i", "{}"),
    "yes_no": ("CASE WHEN i % 7 = 3 THEN NULL ELSE i % 2 = 0 END", "{}"),
    "i8": ("(i % 256 - 128)::TINYINT", "{}::INT"),
    "i16": ("(i * 37 % 65536 - 32768)::SMALLINT", "{}::INT"),
    "i32": ("(i * 400009 - 1000000000)::INT", "{}"),
    "i64": ("i * 1000000007 * 97 - 200000000000000", "{}"),
    "i128": ("i::HUGEINT * 1000000007 * 1000000007", "{}::DOUBLE"),
    "u8": ("(i % 256)::UTINYINT", "{}::INT"),
    "u16": ("(i % 65536)::USMALLINT", "{}::INT"),
    "u32": ("(i * 800000)::UINTEGER", "{}::BIGINT"),
    "u64": ("18446744073709551615::UBIGINT - i::UBIGINT", "{}::DECIMAL(20, 0)"),
    "d4": ("((i % 700) * 1.37)::DECIMAL(4, 1)", "{}"),
    "d9": ("(i * -1.37)::DECIMAL(9, 2)", "{}"),
    "d18": ("(i * 123456.789)::DECIMAL(18, 4)", "{}"),
    "d38": ("(i::HUGEINT * -123456789012345)::DECIMAL(38, 6)", "{}"),
    "f32": ("(i / 7.0)::FLOAT", "{}::DOUBLE"),
    "f64": ("CASE i % 11 WHEN 0 THEN 'inf'::DOUBLE WHEN 1 THEN '-inf'::DOUBLE WHEN 2 THEN NULL ELSE i / 7.0 END", "{}"),
    "day": ("DATE '1960-12-01' + i::INT", "{}"),
    "clock": ("TIME '00:00:00' + to_microseconds(i * 7777777)", "date_trunc('milliseconds', DATE '2000-01-01' + {})::TIME"),
    "ts": ("TIMESTAMP '1969-12-31 23:00:00' + to_microseconds(i * 1234567891)", "date_trunc('milliseconds', {})"),
    "ts_s": ("(TIMESTAMP '1970-01-01' + to_seconds(i * 3))::TIMESTAMP_S", "{}::TIMESTAMP"),
    "ts_ms": ("(TIMESTAMP '1970-01-01' + to_milliseconds(i * 12345))::TIMESTAMP_MS", "{}::TIMESTAMP"),
    "ts_ns": ("(TIMESTAMP '1970-01-01' + to_microseconds(i * 3456))::TIMESTAMP_NS", "date_trunc('milliseconds', {}::TIMESTAMP)"),
    "ts_tz": ("TIMESTAMPTZ '1970-01-01 00:00:00+00' + to_microseconds(i * 99999)", "date_trunc('milliseconds', timezone('UTC', {}))"),
    "span": ("to_months((i % 5)::INT) + to_days((i % 30)::INT) + to_seconds(i)", "{}"),
    "uuid": ("('00000000-0000-0000-0000-' || lpad(i::VARCHAR, 12, '0'))::UUID", "{}::VARCHAR"),
    "colour": ("(CASE i % 3 WHEN 0 THEN 'red' WHEN 1 THEN 'green' ELSE NULL END)::ENUM ('red', 'green', 'blue')", "{}::VARCHAR"),
    "bytes": ("('x' || i)::BLOB", "{}"),
    "bits": ("'101'::BIT", "{}::VARCHAR"),
    "some": ("CASE WHEN i % 5 = 0 THEN NULL ELSE 'text ' || i END", "{}"),
    "few": ("CASE i % 3 WHEN 0 THEN 'a' WHEN 1 THEN '' ELSE repeat('ü', 30) END", "{}"),
    "long": ("repeat('ü', (i % 400)::INT) || i", "{}"),
    "list": ("CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN [] ELSE [i, NULL, i + 1] END", "{}"),
    "fixed": ("[i, i + 1]::BIGINT[2]", "{}::BIGINT[]"),
    "struct": ("CASE WHEN i % 4 = 0 THEN NULL ELSE {{'a': i, 'b': CASE WHEN i % 3 = 0 THEN NULL ELSE 's' || i END, 'c': [i::VARCHAR]}} END", "{}"),
    "map": ("CASE WHEN i % 4 = 0 THEN NULL ELSE MAP(['k' || i, 'l'], [i, NULL]) END", "{}"),
    "lists": ("[[i], NULL, []]", "{}"),
    "structs": ("CASE WHEN i % 6 = 0 THEN [] ELSE [{{'x': i, 'y': ['p', NULL]}}, NULL] END", "{}"),
    "nothing": ("NULL::INT", "{}"),
}
# How DuckDB writes, and how sluice does from it.
FILES = [
    ("COMPRESSION uncompressed, PARQUET_VERSION v1", "COMPRESSION none"),
    ("COMPRESSION snappy, PARQUET_VERSION v1, ROW_GROUP_SIZE 2048", "COMPRESSION snappy, ROW_GROUP_SIZE 1000"),
    ("COMPRESSION gzip, PARQUET_VERSION v1, DICTIONARY_SIZE_LIMIT 1", "COMPRESSION gzip"),
    ("COMPRESSION zstd, PARQUET_VERSION v2", "COMPRESSION zstd"),
    ("COMPRESSION lz4, PARQUET_VERSION v2, ROW_GROUP_SIZE 2048", "COMPRESSION lz4"),
    ("COMPRESSION lz4_raw, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1", "COMPRESSION snappy"),
    ("COMPRESSION brotli, PARQUET_VERSION v1", "ROW_GROUP_SIZE 100"),
]


def find_duckdb():
    sys.path.append(os.path.join(ROOT, "build", "python"))
    try:
        return importlib.import_module("duckdb")
    except ImportError:
        return None


def make_table(db):
    db.execute("SET TimeZone = 'UTC'")
    columns = ", ".join(f'{made.replace("{{", "{").replace("}}", "}")} AS "{name}"' for name, (made, _) in COLUMNS.items())
    db.execute(f"CREATE TABLE t AS SELECT {columns} FROM range({ROWS}) r(i)")
    wanted = ", ".join(f'{there.format(chr(34) + name + chr(34))} AS "{name}"' for name, (_, there) in COLUMNS.items())
    db.execute(f"CREATE VIEW wanted AS SELECT {wanted} FROM t")


def types_of(db, what):
    return {row[0]: row[1] for row in db.execute(f"DESCRIBE SELECT * FROM {what}").fetchall()}


def there_and_back(db, sluice, folder, written, copied):
    """What is wrong, or None."""
    db.execute(f"COPY t TO '{folder}/there.parquet' (FORMAT parquet, {written})")
    done = subprocess.run([sluice, "-c", f"COPY (SELECT * FROM 'there.parquet') TO 'back.parquet' ({copied})"], cwd=folder, capture_output=True,
                          text=True, errors="replace", timeout=60)
    if done.returncode != 0:
        return done.stderr
    wanted, back = types_of(db, "wanted"), types_of(db, f"'{folder}/back.parquet'")
    for name in wanted:
        if wanted[name] != back.get(name):
            return f"{name} is {back.get(name)}, not {wanted[name]}"
        rows = db.execute(f"""SELECT COUNT(*), MIN(w.id) FROM wanted w FULL JOIN '{folder}/back.parquet' b USING (id)
                              WHERE w."{name}" IS DISTINCT FROM b."{name}" """).fetchone()
        if rows[0] > 0:
            pair = db.execute(f"""SELECT w."{name}"::VARCHAR, b."{name}"::VARCHAR FROM wanted w FULL JOIN '{folder}/back.parquet' b USING (id)
                                  WHERE COALESCE(w.id, b.id) = {rows[1] or 0}""").fetchall()
            return f"{name} differs in {rows[0]} rows, first in {rows[1]}: {pair}"
    return None


def run_all(options, skipped):
    duckdb = find_duckdb()
    if duckdb is None:
        raise skipped("there is no DuckDB (pip install --target build/python duckdb)")
    sluice = os.path.abspath(os.path.join(options.bin, "sluice"))
    with tempfile.TemporaryDirectory() as folder:
        db = duckdb.connect()
        make_table(db)
        for written, copied in FILES:
            yield f"parquet {written}; {copied}", there_and_back(db, sluice, folder, written, copied)
