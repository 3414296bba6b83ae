"""A shop as its operator runs it: the command line makes account and keys, `relay run` serves."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.docs.test_quickstart import READY

RELAY = str(Path(sys.executable).with_name("relay"))
FAULTS = ("context", "401", "429", "500", "529", "error-midway", "cut-text", "reset-midway")
"""Behaviours of the simulator, each sold as the models ``gpt-NAME`` and ``claude-NAME``."""
PRICE = '{model_ratio: "1", completion_ratio: "4"}'
"""A token of input is 2000 nano-credits, of output 8000."""
SPOKEN = "dialects: [openai_chat, anthropic_messages, embeddings], "
"""Responses and Gemini are left to the hub, so that their customers are translated for."""
SOLD = ("gpt-sim", "claude-sim", "embedding-sim")
PROFILE = """
shop: {name: {en: Kiosk, zh: 小店}}
plugins:
  - use: auth.api_key
  - use: routing.priority_weighted
  - use: billing.token_ratio
groups:
  plain: {ratio: "1"}
prices:
"""


class Shop:
    """A serving shop with the accounts ``alice``, who has credit, and ``poor``, who has next to none."""

    def __init__(self, folder: Path, upstream_url: str) -> None:
        self.url = ""
        self._data = folder / "data"
        self._profile = folder / "kiosk.yaml"
        self._profile.write_text(_profile(upstream_url))
        (folder / "upstream.key").write_text("sk-upstream-of-the-kiosk")
        self.api_key = ""
        self.limited_key = ""
        """May ask for gpt-sim alone."""
        self.poor_key = ""

    @contextmanager
    def serving(self) -> Iterator["Shop"]:
        """Serve in a process of its own, accounts and keys made beside it."""
        words = [RELAY, "run", "--profile", str(self._profile), "--data", str(self._data), "--port", "0"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            try:
                assert server.stdout is not None
                ready = READY.match(server.stdout.readline())
                assert ready is not None
                self.url = ready[1]
                self._open_accounts()
                yield self
            finally:
                server.terminate()
                server.wait(20)

    def _open_accounts(self) -> None:
        self.relay("account", "create", "alice", "--credit", "100")
        self.relay("account", "create", "poor", "--credit", "0.000001")
        self.api_key = self.relay("key", "create", "--account", "alice")["key"]
        self.limited_key = self.relay("key", "create", "--account", "alice", "--models", "gpt-sim")["key"]
        self.poor_key = self.relay("key", "create", "--account", "poor")["key"]

    def relay(self, *words: str) -> Any:
        """Return what a command of relay's prints."""
        command = [RELAY, *words, "--data", str(self._data), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def row(self, request_id: str | None) -> dict[str, Any]:
        """Return the log row of a request, read beside the server."""
        [found] = self.rows("select * from request_log where request_id = ?", request_id)
        return found

    def rows(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        """Read the database beside the server."""
        with closing(sqlite3.connect(f"file:{self._data / 'relay.db'}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, arguments)]


def _profile(upstream_url: str) -> str:
    channels = [("honest", "channels.simulator", "[" + ", ".join(SOLD) + "]", SPOKEN)]
    # A channel for each, so that the shop's patience with one is not spent by another.
    broken = {f"{family}-{name}": name for family in ("gpt", "claude") for name in FAULTS}
    channels += [
        (model, "channels.simulator", f"[{{name: {model}, upstream: m+{name}}}]", SPOKEN)
        for model, name in broken.items()
    ]
    upstream = f'base_url: {upstream_url}, keys: ["file:upstream.key"], '
    channels += [
        ("scripted-openai", "channels.openai", "[gpt-scripted]", upstream),
        ("scripted-anthropic", "channels.anthropic", "[claude-scripted]", upstream),
    ]
    models = [*SOLD, *broken, "gpt-scripted", "claude-scripted"]
    prices = "".join(f"  {model}: {PRICE}\n" for model in models)
    lines = "".join(
        f'  - {{name: "{name}", use: {use}, {address}models: {names}, groups: [plain]}}\n'
        for name, use, names, address in channels
    )
    return f"{PROFILE}{prices}channels:\n{lines}"
