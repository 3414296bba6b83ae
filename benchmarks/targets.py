"""What is measured: how each target is started, reached and asked.

A target is data. A further relay is a further `Target`, whose channel is the mock upstream.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

HERE = Path(__file__).parent
MOCK_PORT = 18100
"""Where lab/mock.c listens; nginx.conf and profile.yaml name it too."""
NGINX_PORT = 18101
RELAY_PORT = 18102
CREDIT = "1000000"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One thing under load. An empty command: nothing is started, the port is already served."""

    name: str
    port: int
    command: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    headers: tuple[str, ...] = ()
    ready_path: str | None = None
    """Answers 200 once the target serves; None: it serves as soon as it accepts connections."""
    start_s: float = 20.0
    """The longest it may take to serve."""


DIRECT = Target(name="direct", port=MOCK_PORT)
"""The upstream without a relay: what latency is added to."""


def nginx_target(folder: Path) -> Target | None:
    """Return nginx with its files in *folder*, or None where it is not installed."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if nginx is None:
        return None
    folder.mkdir()
    command = (nginx, "-p", str(folder), "-c", str(HERE / "nginx.conf"), "-e", "stderr")
    return Target(name="nginx", port=NGINX_PORT, command=command)


def relay_target(folder: Path) -> Target:
    """Return relay with a new database in *folder*, and a customer with credit in it."""
    shop = ("--profile", str(HERE / "profile.yaml"), "--data", str(folder))
    _relay("account", "create", "benchmark", "--credit", CREDIT, *shop)
    created = json.loads(_relay("key", "create", "--account", "benchmark", "--json", *shop))
    return Target(
        name="relay",
        port=RELAY_PORT,
        command=(*RELAY, "run", "--host", "127.0.0.1", "--port", str(RELAY_PORT), *shop),
        environment={"BENCHMARK_UPSTREAM_KEY": "sk-upstream"},
        headers=(f"Authorization: Bearer {created['key']}",),
        ready_path="/livez",
    )


RELAY = (sys.executable, "-m", "relay")


def _relay(*arguments: str) -> str:
    done = subprocess.run((*RELAY, *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"benchmarks: relay {' '.join(arguments[:2])} failed: {done.stderr.strip()}")
    return done.stdout
