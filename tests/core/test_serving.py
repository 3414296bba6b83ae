"""The announcement, and what a server is allowed and given; signals are in tests/faults/test_stopping.py."""

import json
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.core.listening import listen

ROOT = Path(__file__).parent.parent.parent


def test_what_opened_the_shop_is_looked_through_no_more() -> None:
    """What is there when serving begins is set aside, and young objects may grow to ten thousand."""
    script = (
        "import gc; from relay.core.serving import spare_collector; spare_collector();"
        "print(gc.get_threshold(), gc.get_freeze_count() > 10_000)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "(10000, 20, 50) True\n"


@pytest.mark.slow
def test_a_shop_that_is_announced_serves(tmp_path: Path) -> None:
    """The ready line comes first, and what it names answers at once, a port that the system chose."""
    command = [sys.executable, "-m", "relay", "run", "--profile", "minimal.yaml", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        ready = re.fullmatch(
            r"relay ready on (http://127\.0\.0\.1:[1-9]\d*): Minimal, data in var/minimal\n", server.stdout.readline()
        )
        assert ready is not None
        answer = httpx.get(f"{ready[1]}/livez")
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)

    assert (answer.status_code, answer.text) == (200, "ok")


@contextmanager
def served(folder: Path, **process: Any) -> Iterator[int]:
    """Serve a shop in a process of its own, and give its port."""
    command = [sys.executable, "-m", "relay", "run", "--profile", "minimal.yaml", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, **process) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline().split(": ")[0].rpartition(":")[2])
        finally:
            server.terminate()


def ask(connection: socket.socket, lines: str, body: bytes = b"") -> bytes:
    """Send a request and return the first bytes of the answer."""
    connection.sendall(lines.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
    return connection.recv(15)


def send_on(connection: socket.socket) -> None:
    """Send a byte now and then, for half a minute."""
    for _ in range(300):
        connection.sendall(b"{")
        time.sleep(0.1)


@pytest.mark.slow
def test_an_idle_connection_outlives_one_that_was_refused_and_sends_on(tmp_path: Path) -> None:
    """What is sent behind a refusal is dropped for seconds only; between requests, customers let go first."""
    with (
        served(tmp_path) as port,
        socket.create_connection(("127.0.0.1", port), timeout=20) as idle,
        socket.create_connection(("127.0.0.1", port), timeout=20) as refused,
    ):
        assert ask(idle, "GET /livez HTTP/1.1\nhost: x") == b"HTTP/1.1 200 OK"
        upload = "POST /v1/chat/completions HTTP/1.1\nhost: x\nauthorization: Bearer no\nconnection: close\n"
        assert ask(refused, upload + "content-length: 9000000", b"{" * 1_500_000) == b"HTTP/1.1 401 Un"
        with pytest.raises(ConnectionError):
            send_on(refused)
        idle.recv(65536)
        assert ask(idle, "GET /livez HTTP/1.1\nhost: x") == b"HTTP/1.1 200 OK"


def relay(folder: Path, *arguments: str) -> Any:
    """Run a command beside the server, and return what it prints."""
    command = [sys.executable, "-m", "relay", *arguments, "--json"]
    return json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout)


@pytest.mark.slow
def test_a_neighbour_is_not_believed_where_a_request_came_from(tmp_path: Path) -> None:
    """Not even one on the same machine, unless the profile trusts it. No answer tells what serves, no log of rubbish."""
    errors = tmp_path / "errors"
    with errors.open("w") as told, served(tmp_path, stderr=told) as port:
        relay(tmp_path, "account", "create", "alice", "--credit", "1")
        api_key = relay(tmp_path, "key", "create", "--account", "alice", "--ips", "203.0.113.0/24")["key"]
        lines = f"GET /v1/models HTTP/1.1\nhost: x\nauthorization: Bearer {api_key}\nx-forwarded-for: 203.0.113.7"
        with socket.create_connection(("127.0.0.1", port), timeout=20) as neighbour:
            assert ask(neighbour, lines) == b"HTTP/1.1 403 Fo"
            head, _, body = neighbour.recv(65536).partition(b"\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port), timeout=20) as scanner:
            assert ask(scanner, "rubbish") == b"HTTP/1.1 400 Ba"
    names = [line.partition(b":")[0] for line in head.split(b"\r\n")[1:]]
    assert names == [b"date", b"x-request-id", b"request-id", b"content-type", b"x-should-retry", b"content-length"]
    assert json.loads(body)["error"]["code"] == "access_denied"
    assert errors.read_text() == ""


@pytest.mark.slow
def test_more_customers_than_a_shell_allows_files_are_served(tmp_path: Path) -> None:
    """The limit that may be raised is raised."""

    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 512))

    with served(tmp_path, preexec_fn=few_files) as port, ExitStack() as connections:
        for _ in range(200):
            idle = connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            assert ask(idle, "GET /livez HTTP/1.1\nhost: x") == b"HTTP/1.1 200 OK"


@pytest.mark.slow
def test_a_shop_that_cannot_be_announced_serves(tmp_path: Path) -> None:
    """Nobody takes its output any more: that closes no shop."""
    with listen("127.0.0.1", 0) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "relay", "run", "--profile", "minimal.yaml", "--port", port]
    with (
        open("/dev/full", "w") as full,
        subprocess.Popen(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True) as server,
    ):
        try:
            with httpx.Client(transport=httpx.HTTPTransport(retries=7), timeout=60) as client:
                answer = client.get(f"http://127.0.0.1:{port}/livez")
        finally:
            server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=20)

    assert (answer.status_code, answer.text) == (200, "ok")
    assert (server.returncode, errors) == (-signal.SIGTERM, "")


STRAY = """
import asyncio
from contextlib import asynccontextmanager

from relay import Plugin, PluginConfig


async def fail():
    raise ValueError("a prompt")


class Stray(Plugin[PluginConfig]):
    config_type = PluginConfig

    @asynccontextmanager
    async def lifespan(self):
        asyncio.create_task(fail())
        await asyncio.sleep(0)
        yield
"""


@pytest.mark.slow
def test_what_a_task_of_a_plugin_raises_is_logged_without_its_words(tmp_path: Path) -> None:
    """Nobody awaits it, and its message may quote a prompt; the place names the plugin's file."""
    (tmp_path / "stray.py").write_text(STRAY)
    minimal = (ROOT / "profiles" / "minimal.yaml").read_text()
    (tmp_path / "shop.yaml").write_text(minimal.replace("plugins:\n", "plugins:\n  - use: ./stray.py\n"))
    command = [sys.executable, "-m", "relay", "run", "--profile", "shop.yaml", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        server.stdout.readline()
        server.send_signal(signal.SIGTERM)
        _, told = server.communicate(timeout=20)
    [event] = [json.loads(line) for line in told.splitlines()]
    assert (event["event"], event["error"], event["where"]) == ("task.failed", "ValueError", f"{tmp_path}/stray.py:9")
