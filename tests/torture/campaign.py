"""Kill after kill on one shop, with a judgement after each restart."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

from relay.core.ledger.database import connect_reader, database_path
from tests.torture.answers import Answers
from tests.torture.customers import Customer
from tests.torture.judge import judge
from tests.torture.purchases import Purchase
from tests.torture.relays import Account, Relay, ask_relay, credits, open_shop
from tests.upstreams import Upstream

ACCOUNTS = (
    Account("alice", 10**12, 10),
    Account("bob", 10**12, 8),
    # A stream holds 0.01 credits at first, a whole answer up to 0.034: often there is no room for one more.
    Account("poor", 100_000_000, 4),
    Account("capped", 10**12, 2, cap_nano=20_000_000),
)
TOP_UP_NANO = 50_000_000
UNMARKED_S = 2.0
"""What streams in this time before a kill may go unbilled: 0.75 s of the heartbeat, 0.25 s of the
ledger, and another second for commits on a slow disk, by a machine that does other things too."""
PROBLEMS_SHOWN = 20


@dataclass(frozen=True)
class Kill:
    """When to die: at a failpoint, ``name:count``, at the latest after a while."""

    after_s: float
    failpoint: str = ""
    preload: str = ""
    has_top_up: bool = False
    """Meanwhile, the command line tops an account up; it may outlive the server."""


@dataclass
class Campaign:
    """A shop, its customers, and all that was seen of it so far."""

    folder: Path
    customers: list[Customer]
    purchases: dict[str, Purchase]
    top_ups: dict[str, tuple[str, int]] = field(default_factory=dict)

    async def suffer(self, kill: Kill) -> bool:
        """Restart, judge what the last kill left, trade, and be killed; say whether the failpoint did it."""
        relay = Relay(self.folder, failpoint=kill.failpoint, preload=kill.preload)
        try:
            if not await relay.is_ready():
                return True
            self.check()
            return await self._trade(relay, kill)
        finally:
            await relay.die_within(0)

    def check(self) -> None:
        """Hold everything that was seen so far against the books, while nobody buys."""
        gifts = {account.name: account.gift_nano for account in ACCOUNTS}
        problems = judge(self.folder, list(self.purchases.values()), gifts, self.top_ups, UNMARKED_S)
        assert not problems, "\n".join([f"{len(problems)} problems", *problems[:PROBLEMS_SHOWN]])

    async def _trade(self, relay: Relay, kill: Kill) -> bool:
        count_before = len(self.purchases)
        async with asyncio.TaskGroup() as street:
            for customer in self.customers:
                street.create_task(customer.buy(relay.url, self.purchases))
            if kill.has_top_up:
                street.create_task(self._top_up())
            is_by_failpoint = await relay.die_within(kill.after_s)
        for purchase in list(self.purchases.values())[count_before:]:
            purchase.killed_at = relay.died_at
        return is_by_failpoint

    async def _top_up(self) -> None:
        name, reference = ACCOUNTS[2].name, f"order-{len(self.top_ups)}"
        words = ("account", "top-up", name, credits(TOP_UP_NANO), "--reference", reference)
        await asyncio.to_thread(ask_relay, self.folder, *words)
        self.top_ups[reference] = (name, TOP_UP_NANO)


@asynccontextmanager
async def campaign(folder: Path, dice: random.Random) -> AsyncIterator[Campaign]:
    """Open a shop in *folder* for kills; when they are over, it starts once more and is judged."""
    answers = Answers()
    async with Upstream(answers).opened() as upstream:
        customers = await open_shop(folder, upstream.url, ACCOUNTS, dice)
        with closing(connect_reader(database_path(folder / "data"))) as answers.books:
            running = Campaign(folder, customers, answers.purchases)
            yield running
            await running.suffer(Kill(after_s=0))
            assert ask_relay(folder, "ledger", "verify") == {"ok": True, "problems": []}
