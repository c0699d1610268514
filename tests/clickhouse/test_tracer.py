"""The tracer against a real ClickHouse engine: 100,000 records, and none is lost or doubled while the server restarts."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
TRACER = ROOT / "target/debug/examples/tracer"
PASSWORD = "secret-canary-of-the-tracer"
PATIENCE = 120


def free_port():
    """The tracer has to know it before the first life begins. From 32768 on, connections get ports."""
    for port in range(31_000, 32_768):
        with socket.socket() as taken:
            with contextlib.suppress(OSError):
                taken.bind(("127.0.0.1", port))
                return port
    raise AssertionError("no free port")


class Server:
    """The engine behind its HTTP front, on one port and one directory through all its lives."""

    def __init__(self, directory):
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        front = [sys.executable, str(HERE / "front.py"), str(self.port), str(self.directory / "engine")]
        self.process = subprocess.Popen(front, env={**os.environ, "CLICKHOUSE_PASSWORD": PASSWORD})
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask("SELECT 1")
            except (urllib.error.URLError, ConnectionError):
                assert self.process.poll() is None and time.monotonic() < deadline, "the server does not come up"
                time.sleep(0.1)

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def ask(self, statement):
        request = urllib.request.Request(f"{self.url}/?query={urllib.parse.quote(statement)}", b"", method="POST")
        request.add_header("x-clickhouse-user", "default")
        request.add_header("x-clickhouse-key", PASSWORD)
        return urllib.request.urlopen(request, timeout=PATIENCE).read().decode().strip()

    def rows(self):
        try:
            return int(self.ask("SELECT count() FROM traces.requests"))
        except urllib.error.HTTPError:
            return 0


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    yield server
    server.stop()


def tracer(server, spool, count):
    command = [str(TRACER), server.url, str(spool), str(count)]
    environment = {**os.environ, "CLICKHOUSE_PASSWORD": PASSWORD}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_nothing_is_lost_or_doubled_while_the_server_restarts(server, tmp_path):
    server.start()
    run = tracer(server, tmp_path / "spool", 100_000)
    deadline = time.monotonic() + PATIENCE
    while server.rows() == 0:
        assert time.monotonic() < deadline, run.stdout.read()
        time.sleep(0.02)
    server.stop()
    # The tracer goes on without it: every record finds its place on disk.
    assert run.stdout.readline() == "traced 100000\n"
    server.start()
    told = run.stdout.read()
    assert run.wait(PATIENCE) == 0 and told.endswith("sent\n"), told
    assert server.ask("SELECT count(), uniqExact(id), sum(input_tokens), uniqExact(tags['number']) FROM traces.requests") == (
        f"100000\t100000\t{sum(range(100_000))}\t100000"
    )
    assert server.ask("SELECT any(status), any(outcome), any(model), any(cost_microcents) FROM traces.requests") == "200\tok\tgpt-4o\t3"
    assert not list((tmp_path / "spool").iterdir()), "what the server has leaves the disk"


def test_what_a_killed_gateway_left_is_sent_by_the_next_one(server, tmp_path):
    run = tracer(server, tmp_path / "spool", 5_000)
    assert run.stdout.readline() == "traced 5000\n", "a server that is not there holds nothing up"
    run.kill()
    run.wait()
    assert PASSWORD not in "".join(path.read_text() for path in (tmp_path / "spool").iterdir())
    server.start()
    run = tracer(server, tmp_path / "spool", 1)
    told = run.stdout.read()
    assert run.wait(PATIENCE) == 0, told
    assert server.rows() == 5_001


def test_a_segment_that_is_sent_twice_is_taken_once(server, tmp_path):
    server.start()
    tracer(server, tmp_path / "spool", 0).wait(PATIENCE)
    run = tracer(server, tmp_path / "spool", 10)
    assert run.wait(PATIENCE) == 0
    statement = "INSERT INTO traces.requests FORMAT JSONEachRow"
    query = urllib.parse.urlencode({"query": statement, "insert_deduplication_token": "one-and-the-same"})
    row = b'{"id": "x", "started_at": "2026-11-21T22:00:00.123456Z", "client_api": "a", "endpoint": "e", "outcome": "ok", "cache": "bypass"}\n'
    for _ in range(2):
        request = urllib.request.Request(f"{server.url}/?{query}&date_time_input_format=best_effort", row, method="POST")
        request.add_header("x-clickhouse-user", "default")
        request.add_header("x-clickhouse-key", PASSWORD)
        urllib.request.urlopen(request, timeout=PATIENCE).read()
    assert server.rows() == 11
