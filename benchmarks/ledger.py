"""Durable reserve and post, by how many customers at once: ``python -m benchmarks ledger``.

Prints pairs per second and the CPU time of a pair, over all threads.
"""

import asyncio
import time
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from statistics import median

from relay import Attempt, Candidate, Channel, Charge, ChargeLine, Evidence, PriceFacts, Principal, RequestRecord, Usage
from relay.core.clock import new_id
from relay.core.ledger.operations import CreateAccount, CreateKey, Reserve
from relay.core.ledger.sqlite import SqliteLedger

SECONDS = 3.0
CONCURRENCIES = (1, 16, 64, 256)
ACCOUNT_COUNT = 64
AT = datetime(2026, 11, 23, tzinfo=UTC)
CHANNEL = Channel(
    name="aws", use="channels.anthropic", dialects=("anthropic_messages",), models={"m": "m"}, groups=frozenset({"g"})
)


def charge() -> Charge:
    """Return a charge as ``billing.token_ratio`` writes it: two lines of five factors."""
    factors = tuple(
        (name, Fraction("1.5")) for name in ("model_ratio", "group_ratio", "membership", "completion_ratio")
    )
    unit = ("credit_per_quota", Fraction("0.000002"))
    lines = [
        ChargeLine(rule="billing.token_ratio", item=item, count=512, factors=(*factors, unit))
        for item in ("input_tokens", "output_tokens")
    ]
    return Charge(lines=tuple(lines))


CHARGE = charge()


async def pairs(ledger: SqliteLedger, account: str, until_s: float) -> int:
    """Reserve, post and deliver one request after the other."""
    facts = PriceFacts(
        account_id=account,
        key_id=f"key-{account}",
        group="g",
        membership="default",
        dialect="anthropic_messages",
        operation="chat",
        channel="aws",
        model="m",
        model_sent="m",
        at=AT,
        stream=True,
    )
    principal = Principal(account_id=account, key_id=facts.key_id, key_version=1, group="g", membership="default")
    candidate = Candidate(channel=CHANNEL, key_id="k1", model_sent="m", dialect="openai_chat")
    count = 0
    while time.monotonic() < until_s:
        request_id = new_id("req")
        await ledger.reserve(
            Reserve(
                request_id=request_id,
                principal=principal,
                amount_nano=10_000_000,
                facts=facts,
                price_version="v1",
                at=AT,
            )
        )
        await ledger.post(
            RequestRecord(
                request_id=request_id,
                facts=facts,
                usage=Usage(input_tokens=512, output_tokens=512),
                outcome="complete",
                evidence=Evidence(has_text=True, is_end_seen=True, stop_reason="end_turn", output_bytes=2048),
                charge=CHARGE,
                attempts=(Attempt(candidate=candidate, started_at=AT, duration_ms=40, status=200),),
                duration_ms=40,
                first_output_ms=10,
            )
        )
        ledger.delivered(request_id)
        ledger.checked(request_id)
        count += 1
    return count


async def measure(folder: Path, concurrency: int) -> tuple[float, float]:
    """Return pairs per second, and microseconds of CPU time a pair."""
    async with SqliteLedger.open(folder) as ledger:
        accounts = [f"account-{index}" for index in range(ACCOUNT_COUNT)]
        for name in accounts:
            await ledger.create_account(
                CreateAccount(account_id=name, name=name, gift_nano=1_000_000 * 10**9, actor="benchmark")
            )
            await ledger.create_key(
                CreateKey(
                    key_id=f"key-{name}",
                    account=name,
                    name="k",
                    digest=name.encode(),
                    last4="0000",
                    group="g",
                    actor="benchmark",
                )
            )
        began_s, cpu_began_s = time.monotonic(), time.process_time()
        tasks = [pairs(ledger, accounts[index % ACCOUNT_COUNT], began_s + SECONDS) for index in range(concurrency)]
        count = sum(await asyncio.gather(*tasks))
        return count / (time.monotonic() - began_s), (time.process_time() - cpu_began_s) / count * 1e6


def measure_ledger(folder: Path, rounds: int) -> None:
    """Print the median of *rounds* for each concurrency, on a database of its own each time."""
    print(f"{'at once':>8} {'pairs/s':>8} {'CPU us/pair':>12}")
    for concurrency in CONCURRENCIES:
        data = [folder / f"ledger-{concurrency}-{index}" for index in range(rounds)]
        rates, costs_us = zip(*[asyncio.run(measure(path, concurrency)) for path in data], strict=True)
        print(f"{concurrency:>8} {median(rates):>8.0f} {median(costs_us):>12.0f}")
