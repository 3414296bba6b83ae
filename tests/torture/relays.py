"""A shop in a data folder, served by `relay run` in processes of their own that can be killed."""

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relay.core.keys import api_key_digest, new_api_key
from relay.core.ledger.operations import CreateAccount, CreateKey
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.money import NANO
from relay.core.profile.structs import Keys
from tests.torture.customers import Customer

RELAY = str(Path(sys.executable).with_name("relay"))
PROFILE = """
shop: {{name: {{en: Torture, zh: 受刑}}}}
plugins:
  - use: auth.api_key
  - use: routing.priority_weighted
  - use: billing.token_ratio
groups:
  plain: {{ratio: "1"}}
prices:
  gpt-sim: {{model_ratio: "1", completion_ratio: "4"}}
  claude-sim: {{model_ratio: "1", completion_ratio: "4"}}
channels:
  - {{name: o1, use: channels.openai, base_url: "{url}", keys: ["file:key"], models: [gpt-sim], groups: [plain]}}
  - {{name: o2, use: channels.openai, base_url: "{url}", keys: ["file:key"], models: [gpt-sim], groups: [plain]}}
  - {{name: a1, use: channels.anthropic, base_url: "{url}", keys: ["file:key"], models: [claude-sim], groups: [plain]}}
  - {{name: a2, use: channels.anthropic, base_url: "{url}", keys: ["file:key"], models: [claude-sim], groups: [plain]}}
"""
READY = re.compile(rb"relay ready on (http://127\.0\.0\.1:\d+): ")
START_S_MAX = 60.0


@dataclass(frozen=True)
class Account:
    """An account, its gift at the opening, and how many customers buy on it."""

    name: str
    gift_nano: int
    customer_count: int
    cap_nano: int | None = None
    """The cap of each of its keys."""


class Relay:
    """One `relay run`; *output* takes what it logs."""

    def __init__(self, folder: Path, *, failpoint: str = "", preload: str = "") -> None:
        self.url = ""
        """Where it serves, once it is ready."""
        words = [RELAY, "run", "--profile", str(folder / "shop.yaml"), "--data", str(folder / "data")]
        words += ["--port", "0"]
        environment = {**os.environ, "RELAY_FAILPOINT": failpoint, "LD_PRELOAD": preload}
        self.died_at = 0.0
        """When it was found dead, in seconds since 1970."""
        with (folder / "relay.log").open("ab") as log:
            self._process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=log)

    async def is_ready(self) -> bool:
        """Wait until it serves; say whether it does, for it may die before."""
        assert self._process.stdout is not None
        async with asyncio.timeout(START_S_MAX):
            ready = READY.match(await asyncio.to_thread(self._process.stdout.readline))
        self.url = ready[1].decode() if ready is not None else ""
        return ready is not None

    async def die_within(self, delay_s: float) -> bool:
        """Kill it after *delay_s*; say whether it died by itself before, which is its failpoint's work."""
        death = asyncio.create_task(asyncio.to_thread(self._process.wait))
        has_died, _ = await asyncio.wait([death], timeout=delay_s)
        self._process.kill()
        assert await death == -signal.SIGKILL, "it ends by being killed, and in no other way"
        self.died_at = self.died_at or time.time()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return bool(has_died)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Relay]:
    """Serve a data folder, beside others that may do so too, and kill the process in the end."""
    relay = Relay(folder)
    try:
        assert await relay.is_ready()
        yield relay
    finally:
        await relay.die_within(0)


async def open_shop(folder: Path, url: str, accounts: Sequence[Account], dice: random.Random) -> list[Customer]:
    """Lay a shop that sells from *url* into *folder*; return its customers, each with a key."""
    (folder / "shop.yaml").write_text(PROFILE.format(url=url))
    (folder / "key").write_text("sk-upstream-of-the-torture")
    customers: list[Customer] = []
    async with SqliteLedger.open(folder / "data", is_demo=False) as ledger:
        for account in accounts:
            await ledger.create_account(
                CreateAccount(
                    account_id=f"acc_{account.name}", name=account.name, gift_nano=account.gift_nano, actor="test"
                )
            )
            for place in range(account.customer_count):
                api_key = new_api_key("sk-")
                customer = Customer(f"key_{account.name}_{place}", api_key, random.Random(dice.random()))
                customers.append(customer)
                await ledger.create_key(
                    CreateKey(
                        key_id=customer.key_id,
                        account=account.name,
                        name="",
                        digest=api_key_digest(api_key, Keys()),
                        last4=api_key[-4:],
                        group="plain",
                        cap_nano=account.cap_nano,
                        actor="test",
                    )
                )
    return customers


def ask_relay(folder: Path, *words: str) -> Any:
    """Return what a command of relay's prints; it exits 0 or 1."""
    command = [RELAY, *words, "--data", str(folder / "data"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def credits(nano: int) -> str:
    """Return nano-credits as the command line takes them.

    >>> credits(50_000_000)
    '0.050000000'
    """
    return f"{nano // NANO}.{nano % NANO:09d}"
