"""What a terminal shows of long work: the share done and the time left, erased before anything else, and nothing where there is no terminal."""

import fcntl
import http.server
import os
import pty
import re
import select
import struct
import subprocess
import tempfile
import termios
import threading
import time

CASES = []
LIMIT = 300     # seconds for what takes some: another program may have the machine
READING = re.compile(r"(?:[\d.]+(?: [kM])? rows), [\d.]+ MB, [\d.]+(?: [kM])? rows/s, (\d+) %, (?:\d+ s|\d+ min|\d+ h \d+ min) left")
ERASE = "\r\x1b[K"


def case(function):
    CASES.append(function)
    return function


class Slow(http.server.ThreadingHTTPServer):
    """Serves /rows.csv: half of it at once, the rest a piece at a time until `go` is set, so that reading takes as long as the test wants."""

    def __init__(self, text):
        super().__init__(("127.0.0.1", 0), Handler)
        self.text = text
        self.go = threading.Event()
        self.daemon_threads = True
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """The program goes away when it has what it wants."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/rows.csv"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        text = self.server.text
        if "Range" in self.headers:
            return self.send_range(text, *re.fullmatch(r"bytes=(\d*)-(\d+)", self.headers["Range"]).groups())
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        at = len(text) // 2
        try:
            self.wfile.write(text[:at])
            while at < len(text):
                # the sample that finds the types reads a megabyte, and then leaves
                waited = self.server.go.wait(0.05)
                step = len(text) - at if waited else 2000
                self.wfile.write(text[at:at + step])
                self.wfile.flush()
                at += step
        except OSError:
            pass

    def send_range(self, text, first, last):
        """A piece of a Parquet file, after a while; its end, with the footer, at once."""
        if first != "":
            time.sleep(0.1)
        first, last = (int(first), int(last)) if first != "" else (max(len(text) - int(last), 0), len(text) - 1)
        piece = text[first:last + 1]
        self.send_response(206)
        self.send_header("Content-Length", str(len(piece)))
        self.send_header("Content-Range", f"bytes {first}-{first + len(piece) - 1}/{len(text)}")
        self.end_headers()
        self.wfile.write(piece)

    def log_message(self, *arguments):
        pass


class Place:
    """An empty folder, the program, and a terminal."""

    def __init__(self, options, folder):
        self.sluice = os.path.join(options.bin, "sluice")
        self.folder = folder
        self.environment = dict(os.environ, HOME=folder, TZ="UTC", TMPDIR=folder)

    def begin(self, *arguments, out_is_terminal=False, columns=120):
        """Starts the program with its errors on a terminal."""
        self.terminal, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
        self.child = subprocess.Popen([self.sluice, *arguments], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                      stdout=slave if out_is_terminal else open(os.path.join(self.folder, "out.txt"), "wb"), stderr=slave, close_fds=True)
        os.close(slave)
        self.shown = ""
        self.until = time.monotonic() + LIMIT

    def read(self):
        """More of what the terminal shows; False: the program has ended."""
        assert time.monotonic() < self.until, f"no end; the terminal shows {self.shown!r}"
        ready, _, _ = select.select([self.terminal], [], [], 1)
        if not ready:
            return True
        try:
            data = os.read(self.terminal, 65536)
        except OSError:     # the other side is closed
            return False
        self.shown += data.decode(errors="replace")
        return data != b""

    def wait_for(self, pattern):
        while not re.search(pattern, self.shown):
            assert self.read(), f"ended without {pattern!r}: {self.shown!r}"

    def end(self):
        while self.read():
            pass
        os.close(self.terminal)
        status = self.child.wait(timeout=LIMIT)
        assert status == 0, f"exit status {status}: {self.shown!r}"
        with open(os.path.join(self.folder, "out.txt"), encoding="utf-8") as f:
            return f.read()


def rows(n):
    return ("k,v,t\n" + "".join(f"{i * 7919 % 1000003},{i},text of row {i}\n" for i in range(n))).encode()


@case
def a_long_query_shows_its_share_and_the_time_left(p):
    server = Slow(rows(100000))
    p.begin("--no-header", "-c", f"SELECT COUNT(*), SUM(v) FROM '{server.url}'")
    p.wait_for(READING)
    shares = [int(share) for share in READING.findall(p.shown)]
    assert all(40 <= share < 100 for share in shares), shares
    server.go.set()
    assert p.end() == "100000,4999950000\n"
    assert p.shown.endswith(ERASE), p.shown
    server.shutdown()


@case
def it_is_erased_before_the_rows(p):
    server = Slow(rows(100000))
    p.begin("--output", "csv", "--no-header", "-c", f"SELECT COUNT(*), SUM(v) FROM '{server.url}'", out_is_terminal=True)
    p.wait_for(READING)
    server.go.set()
    while p.read():
        pass
    assert p.shown.endswith(ERASE + "100000,4999950000\r\n"), p.shown
    assert p.child.wait(timeout=LIMIT) == 0
    server.shutdown()


@case
def it_is_erased_before_an_error(p):
    server = Slow(rows(100000) + b"no,row\n")
    p.begin("-c", f"SELECT COUNT(*), SUM(v) FROM '{server.url}' WITH (STRICT=true)")
    p.wait_for(READING)
    server.go.set()
    while p.read():
        pass
    assert ERASE + "error: " in p.shown, p.shown
    assert p.child.wait(timeout=LIMIT) == 1
    server.shutdown()


@case
def it_fits_a_narrow_terminal(p):
    server = Slow(rows(100000))
    p.begin("--no-header", "-c", f"SELECT COUNT(*) FROM '{server.url}'", columns=20)
    p.wait_for(r"\x1b\[K[\d.]+(?: k)? rows, ")
    p.wait_for(r"rows, .*\r\x1b\[K.*\r\x1b\[K")
    server.go.set()
    p.end()
    lines = [line for line in p.shown.split(ERASE) if line]
    assert lines and all(len(line) <= 19 for line in lines), lines
    server.shutdown()


@case
def nothing_is_shown_without_a_terminal(p):
    server = Slow(rows(100000))
    child = subprocess.Popen([p.sluice, "--no-header", "-c", f"SELECT COUNT(*) FROM '{server.url}'"], cwd=p.folder, env=p.environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(2)       # longer than it takes a terminal to be told; on a machine so slow that nothing would be told yet this shows nothing, and passes
    server.go.set()
    out, err = child.communicate(timeout=LIMIT)
    assert (child.returncode, out, err) == (0, "100000\n", ""), (child.returncode, out, err)
    server.shutdown()


def says_what_it_does(p, sql, what, expected):
    """After reading, which the server makes last long enough, the work that follows is named."""
    server = Slow(rows(100000))
    p.begin("--no-header", "--set", "memory.limit=2M", "-c", sql.replace("URL", server.url))
    p.wait_for(READING)
    server.go.set()
    out = p.end()
    assert out == expected, out
    for word in what:
        assert re.search(r"rows, [\d.]+ MB, " + word, p.shown), f"no {word!r} in {p.shown!r}"
    assert " 100 %" not in p.shown
    assert p.shown.endswith(ERASE), p.shown
    server.shutdown()


@case
def merging_of_sorted_runs_is_named(p):
    says_what_it_does(p, "SELECT v FROM (SELECT v, t FROM 'URL' ORDER BY k) WHERE v < 1 AND t <> ''", [r"merging sorted runs, \d+ %"], "0\n")


@case
def windows_are_named(p):
    says_what_it_does(p, "SELECT SUM(s) FROM (SELECT v + COUNT(*) OVER (ORDER BY k) AS s, t FROM 'URL') WHERE t <> ''",
                      [r"merging sorted runs, \d+ %", r"computing windows, \d+ %"], "10000000000\n")


@case
def merging_of_groups_is_named(p):
    says_what_it_does(p, "SELECT COUNT(*), MAX(n) FROM (SELECT t, COUNT(*) AS n FROM 'URL' GROUP BY t)", [r"merging groups, \d+ %"], "100000,1\n")


@case
def joining_of_parts_is_named(p):
    with open(os.path.join(p.folder, "side.csv"), "wb") as f:
        f.write(rows(100000))
    says_what_it_does(p, "SELECT COUNT(*), SUM(b.v) FROM 'URL' a JOIN 'side.csv' b ON a.t = b.t", [r"joining parts, \d+ %"], "100000,4999950000\n")


@case
def parquet_is_told_by_its_rows(p):
    # by bytes read of those of the file, a column that is a small part of it would end at some percent
    series = "SELECT x, REPEAT(CAST(x AS VARCHAR), 20) AS t FROM GENERATE_SERIES(1, 200000) AS g(x)"
    subprocess.run([p.sluice, "-c", f"COPY ({series}) TO 'rows.parquet' (ROW_GROUP_SIZE 5000)"], cwd=p.folder, env=p.environment, check=True, capture_output=True,
                   timeout=LIMIT)
    with open(os.path.join(p.folder, "rows.parquet"), "rb") as f:
        server = Slow(f.read())
    for threads in ("1", "2"):
        p.begin("--no-header", "--threads", threads, "-c", f"SELECT COUNT(*), SUM(x) FROM '{server.url.replace('.csv', '.parquet')}'")
        out = p.end()
        assert out == "200000,20000100000\n", out
        shares = [int(share) for share in READING.findall(p.shown)]
        assert shares and shares == sorted(shares) and shares[-1] >= 80, p.shown
    server.shutdown()


def run_all(options):
    for function in CASES:
        name = function.__name__.replace("_", " ")
        if options.only not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="sluice-progress-") as folder:
            try:
                function(Place(options, folder))
                yield name, None
            except (AssertionError, subprocess.SubprocessError) as e:
                yield name, str(e)
