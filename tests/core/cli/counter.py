"""A shop's command line on a data folder of its own, and a ledger to fill it behind the command line's back."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from relay.core.cli import main
from relay.core.ledger.sqlite import SqliteLedger
from tests.services import SetClock

PROFILE = """
shop: {name: {en: Test, zh: 测试}, timezone: Asia/Shanghai}
plugins:
  - use: auth.api_key
  - use: billing.token_ratio
groups:
  plain: {ratio: "1"}
  hyacinth: {ratio: "1.5"}
  members: {ratio: "0.5", memberships: [vip]}
memberships:
  vip: {ratio: "0.9"}
prices:
  gpt-4o: {model_ratio: "1.25"}
  fast: {model_ratio: "0.1"}
channels:
  - name: one
    use: channels.simulator
    models: [gpt-4o, {name: fast, upstream: gpt-4o-mini}]
    groups: [plain, hyacinth, members]
keys: {prefix: ak-, group: hyacinth}
"""


class Counter:
    """The command line of one shop."""

    def __init__(self, folder: Path) -> None:
        self.profile = folder / "shop.yaml"
        self.profile.write_text(PROFILE)
        self.data = folder / "data"

    def run(self, *words: str) -> Result:
        """Run one command with ``--data``."""
        return CliRunner().invoke(main, [*words, "--data", str(self.data)])

    def ask(self, *words: str) -> Any:
        """Run one command that must succeed; return its JSON."""
        result = self.run(*words, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    def refused(self, *words: str) -> tuple[int, str]:
        """Run one command that must fail; return its exit code and the last line of its error."""
        result = self.run(*words)
        assert result.exit_code != 0
        assert result.stdout == ""
        return result.exit_code, result.stderr.splitlines()[-1]

    def open_account(self, name: str = "alice", *words: str) -> None:
        """Create an account."""
        self.ask("account", "create", name, *words)

    def book(self, work: Callable[[SqliteLedger], Awaitable[None]]) -> None:
        """Do *work* on the ledger, at `NOW`."""

        async def booking() -> None:
            async with SqliteLedger.open(self.data, clock=SetClock()) as ledger:
                await work(ledger)

        asyncio.run(booking())
