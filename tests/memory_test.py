"""memory.limit is honest: what files are read and written through counts, and is given back early where there is little of it."""

import os
import subprocess
import sys
import tempfile

CASES = []
LIMIT = 300     # seconds for what takes some milliseconds: another program may have the machine
PROGRAM_MB = 24     # of the program itself, its libraries and the batches under way


# What is resident at most includes the process that a program was started from.  So a small one starts it.
MEASURE = """
import os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
with open(sys.argv[1], "w") as f:
    print(os.waitstatus_to_exitcode(status), usage.ru_maxrss, file=f)
"""


def case(function):
    CASES.append(function)
    return function


class Place:
    """An empty folder and the program in it."""

    def __init__(self, options, folder):
        self.sluice = os.path.join(options.bin, "sluice")
        self.folder = folder
        self.environment = dict(os.environ, HOME=folder, TZ="UTC", TMPDIR=folder)
        with open(self.sluice, "rb") as f:
            program = f.read()
        # sanitizers keep freed memory
        self.measures = b"__asan_init" not in program and b"__tsan_init" not in program

    def run(self, sql, limit="1G", threads=1):
        """Exit status, output, errors, and the most megabytes resident."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err, tempfile.NamedTemporaryFile("r") as measured:
            subprocess.run([sys.executable, "-S", "-E", "-c", MEASURE, measured.name, self.sluice, "--no-header", "--threads", str(threads), "--set",
                            f"memory.limit={limit}", "-c", sql], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                           timeout=LIMIT)
            out.seek(0)
            err.seek(0)
            status, kilobytes = measured.read().split()
            return int(status), out.read(), err.read(), int(kilobytes) / 1024

    def value(self, sql, **how):
        status, out, err, _ = self.run(sql, **how)
        assert status == 0, f"exit status {status}: {err}"
        return out

    def copies(self, sql, limit, most_mb):
        """A statement that succeeds and stays below so many megabytes."""
        status, _, err, mb = self.run(sql, limit)
        assert status == 0, f"exit status {status}: {err}"
        assert not self.measures or mb < most_mb, f"{mb:.0f} MB resident, not below {most_mb}: {sql}"
        return mb


def equal(actual, expected):
    assert actual == expected, f"expected {expected[:200]!r}, got {actual[:200]!r}"


# 300,000 rows with texts of 500 bytes that are all different: 160 MB
MADE = "SELECT x AS id, x % 100 AS p, REPEAT(CAST(CAST(x AS BIGINT) * 7919 % 1000003 AS VARCHAR) || 'abcdefgh', 36) AS t FROM GENERATE_SERIES(1, 300000) AS g(x)"
LONG = "SELECT * FROM 'made.parquet'"
CHECK = "SELECT COUNT(*), SUM(LENGTH(t)), SUM(id * p), MIN(t), MAX(t) FROM "


@case
def row_groups_end_early_where_there_is_no_room_for_them(p):
    p.value(f"COPY ({MADE}) TO 'made.parquet'")
    p.copies(f"COPY ({LONG}) TO 'long.parquet'", "32M", 32 + PROGRAM_MB)
    p.copies(f"COPY ({LONG}) TO 'whole.parquet'", "1G", 1000)
    expected = p.value(f"{CHECK} ({LONG})")
    equal(p.value(f"{CHECK} 'long.parquet'"), expected)
    equal(p.value(f"{CHECK} 'whole.parquet'"), expected)
    assert os.path.getsize(os.path.join(p.folder, "long.parquet")) < 1.2 * os.path.getsize(os.path.join(p.folder, "whole.parquet"))


@case
def files_of_partitions_share_the_limit(p):
    p.value(f"COPY ({MADE}) TO 'made.parquet'")
    for form in ("FORMAT='PARQUET'", "FORMAT='CSV'", "FORMAT='JSON', COMPRESSION='gzip'"):
        folder = "of_" + form.split("'")[1]
        p.copies(f"COPY ({LONG}) TO '{folder}' (PARTITION_BY=p, {form})", "32M", 32 + PROGRAM_MB)
        equal(p.value(f"SELECT COUNT(*), SUM(LENGTH(t)), SUM(id * p) FROM '{folder}'"), p.value(f"SELECT COUNT(*), SUM(LENGTH(t)), SUM(id * p) FROM ({LONG})"))
        assert len(os.listdir(os.path.join(p.folder, folder))) == 100


@case
def a_file_that_many_partitions_are_written_to_under_a_tiny_limit_is_whole(p):
    sql = "SELECT x, x % 40 AS p FROM GENERATE_SERIES(1, 6000) AS g(x)"
    p.copies(f"COPY ({sql}) TO 'tiny' (PARTITION_BY=p, FORMAT='CSV', COMPRESSION='gzip')", "2M", 8 + PROGRAM_MB)
    equal(p.value("SELECT COUNT(*), SUM(x * p) FROM 'tiny'"), p.value(f"SELECT COUNT(*), SUM(x * p) FROM ({sql})"))


@case
def pages_of_parquet_count(p):
    # 40 columns, each with a page of about a megabyte in memory at once
    columns = ", ".join(f"REPEAT(CAST(x * {7919 + c} % 1000003 AS VARCHAR), 8) AS c{c}" for c in range(40))
    p.value(f"COPY (SELECT x, {columns} FROM GENERATE_SERIES(1, 30000) AS g(x)) TO 'broad.parquet'")
    every = " + ".join(f"LENGTH(c{c})" for c in range(40))
    sql = f"SELECT SUM({every}) FROM 'broad.parquet'"
    expected = p.value(sql)
    assert p.value(sql, limit="128M") == expected
    status, out, err, _ = p.run(sql, "20M")
    assert (status, out) == (1, ""), err
    assert "Out of memory for reading 'broad.parquet': its buffers need " in err and "the limit is 20 MB" in err and "read fewer columns" in err, err
    assert p.value("SELECT SUM(LENGTH(c7)) FROM 'broad.parquet'", limit="20M") == p.value("SELECT SUM(LENGTH(c7)) FROM 'broad.parquet'")


@case
def a_sort_leaves_room_for_the_pages_that_it_reads(p):
    p.value(f"COPY ({MADE}) TO 'long.parquet'")
    sql = "SELECT SUM(n * id) FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY t, id) AS n FROM 'long.parquet')"
    expected = p.value(sql)
    status, out, err, mb = p.run(sql, "40M")
    assert (status, out) == (0, expected), err
    assert not p.measures or mb < 40 + PROGRAM_MB, f"{mb:.0f} MB resident"


@case
def a_page_that_is_larger_than_the_limit_is_named(p):
    p.value("COPY (SELECT REPEAT(CAST(x AS VARCHAR) || 'abcdefghij', 3000000) AS t FROM GENERATE_SERIES(1, 2) AS g(x)) TO 'page.parquet'")
    status, _, err, _ = p.run("SELECT LENGTH(t) FROM 'page.parquet'", "20M")
    assert status == 1 and "Out of memory for 'page.parquet': column `t`, row group 0 has a page of " in err, err
    assert p.value("SELECT LENGTH(t) FROM 'page.parquet'") == "33000000\n33000000\n"


@case
def a_row_of_text_that_is_larger_than_the_limit_is_refused(p):
    with open(os.path.join(p.folder, "row.csv"), "w", encoding="utf-8") as f:
        f.write("a,b\n1,x\n2," + "y" * (40 << 20) + "\n")
    status, _, err, _ = p.run("SELECT a, LENGTH(b) FROM 'row.csv' WITH (SCHEMA='a INT, b VARCHAR')", "20M")
    assert status == 1 and "Out of memory for reading 'row.csv'" in err, err
    assert p.value("SELECT a, LENGTH(b) FROM 'row.csv' WITH (SCHEMA='a INT, b VARCHAR')") == f"1,1\n2,{40 << 20}\n"


def run_all(options):
    for function in CASES:
        name = function.__name__.replace("_", " ")
        if options.only not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="sluice-memory-") as folder:
            try:
                function(Place(options, folder))
                yield name, None
            except AssertionError as e:
                yield name, str(e)
