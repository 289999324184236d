"""Files behind addresses: a web server on the loopback interface, with and without ranges, that can misbehave."""

import gzip
import http.server
import os
import re
import tempfile
import threading

from cli_test import Place, contains, equal

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.server.requests.append((path, self.headers.get("Range")))
        if path.startswith("/to/"):
            return self.answer(302, b"", {"Location": "/" + path[4:]})
        if path == "/loop":
            return self.answer(301, b"", {"Location": "/loop"})
        data = self.server.files.get(path)
        if data is None:
            return self.answer(404, b"not here")
        m = re.match(r"bytes=(\d*)-(\d*)$", self.headers.get("Range", ""))
        if not m or "whole" in query:
            return self.answer(200, data, cut="cut" in query)
        first = int(m[1]) if m[1] else max(len(data) - int(m[2]), 0)
        last = min(int(m[2]), len(data) - 1) if m[1] else len(data) - 1
        etag = str(len(self.server.requests)) if "changes" in query else "1"
        self.answer(206, data[first:last + 1], {"Content-Range": f"bytes {first}-{last}/{len(data)}", "ETag": f'"{etag}"'})

    def answer(self, status, body, headers={}, cut=False):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True


class Server:
    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None
        self.server.requests, self.server.files = [], {}
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        for name in ("groups", "types", "codec_zstd"):
            with open(os.path.join(HERE, "data", "parquet", name + ".parquet"), "rb") as f:
                self.server.files[f"/{name}.parquet"] = f.read()
        text = "a,b\n" + "".join(f"{i},row {i}\n" for i in range(200000))
        self.server.files["/t.csv"] = text.encode()
        self.server.files["/t.csv.gz"] = gzip.compress(text.encode())
        self.server.files["/t.jsonl"] = b'{"a":1,"b":"x"}\n{"a":2,"b":null}\n'
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def case(function):
    CASES.append(function)
    return function


def rows(p, sql, *more):
    status, out, err = p.run("--no-header", *more, "-c", sql)
    equal(status, 0, err)
    return out.splitlines()


def failure(p, sql, *more):
    status, out, err = p.run(*more, "-c", sql)
    equal(status, 1, out)
    return err


@case
def text_files(p, s):
    equal(rows(p, f"SELECT COUNT(*), SUM(a), MAX(b) FROM '{s.url}/t.csv'"), ["200000,19999900000,row 99999"])
    equal(rows(p, f"SELECT COUNT(*), SUM(a) FROM '{s.url}/t.csv.gz?token=x'"), ["200000,19999900000"])
    equal(rows(p, f"SELECT a, b FROM '{s.url}/t.jsonl' t"), ["1,x", "2,"])
    equal(rows(p, f"SELECT b FROM '{s.url}/to/t.csv' LIMIT 1"), ["row 0"])
    contains("\n".join(rows(p, f"DESCRIBE '{s.url}/t.csv'")), "a,BIGINT")


@case
def parquet_reads_what_it_needs(p, s):
    equal(rows(p, f"SELECT COUNT(*), SUM(id) FROM '{s.url}/groups.parquet' WHERE id >= 2000"), ["1000,2499500"])
    # the file is so small that its end, asked for at once, is all of it; pages are asked for again
    pages = sorted({r for _, r in s.server.requests if not re.match(r"bytes=(-8|0-\d+)$", r)})
    equal(len(pages), 1, str(pages))
    equal(int(re.match(r"bytes=(\d+)", pages[0])[1]) > 9000, True, pages[0])
    del s.server.requests[:]
    equal(rows(p, f"SELECT COUNT(*) FROM '{s.url}/groups.parquet'"), ["3000"])
    equal({r for _, r in s.server.requests}, {"bytes=-8", f"bytes=0-{len(s.server.files['/groups.parquet']) - 1}"})
    equal(rows(p, f"SELECT COUNT(*), SUM(id), COUNT(grp) FROM '{s.url}/to/groups.parquet'"), ["3000,4498500,2400"])


@case
def parquet_without_ranges_is_fetched_whole(p, s):
    equal(rows(p, f"SELECT COUNT(*), SUM(id) FROM '{s.url}/groups.parquet?whole' WHERE id < 10"), ["10,45"])
    equal(rows(p, f"SELECT i32 FROM '{s.url}/types.parquet?whole' WHERE i32 > 0", "--threads", "1"), ["2147483647"])


@case
def streams_over_addresses_end(p, s):
    sql = f"""CREATE STREAM s WITH (PATH='{s.url}/codec_zstd.parquet'); CREATE TABLE t AS SELECT grp, COUNT(*) AS n FROM s GROUP BY grp;
        SELECT SUM(n) FROM t;"""
    equal(rows(p, sql), ["50"])


@case
def what_goes_wrong_is_said(p, s):
    contains(failure(p, f"SELECT * FROM '{s.url}/none.csv'"), "/none.csv' cannot be read: HTTP status 404 Not Found")
    contains(failure(p, f"SELECT * FROM '{s.url}/none.parquet'"), "HTTP status 404")
    contains(failure(p, "SELECT * FROM 'http://127.0.0.1:1/t.csv'"), "Nothing answers at that address and port")
    contains(failure(p, f"SELECT * FROM '{s.url}/loop'"), "redirected more than 5 times")
    contains(failure(p, f"SELECT SUM(a) FROM '{s.url}/t.csv?cut'"), "cannot be read")
    contains(failure(p, f"SELECT SUM(id) FROM '{s.url}/groups.parquet?changes'"), "has changed while it was read")
    contains(failure(p, f"COPY (SELECT 1 AS a) TO '{s.url}/x.csv'"), "is an address")
    contains(failure(p, f"SELECT * FROM '{s.url}/t.csv' WITH (FOLLOW=true)"), "FOLLOW waits for files to grow")
    secret = failure(p, f"SELECT * FROM '{s.url.replace('//', '//me:secret@')}/none.csv?key=hidden' WITH (FORMAT='CSV')")
    message = [l for l in secret.splitlines() if l.startswith("error")][0]
    if "secret" in message or "hidden" in message:
        raise AssertionError("the message shows what it should not: " + message)


def run_all(options):
    for function in CASES:
        if options.only not in function.__name__:
            continue
        with tempfile.TemporaryDirectory(prefix="sluice-test-") as folder, Server() as server:
            try:
                function(Place(options, folder), server)
                yield function.__name__, None
            except Exception as e:      # any trouble is a failure of this test
                yield function.__name__, f"{type(e).__name__}: {e}"
