"""Requests for the books: what a ledger is told about them, in the shortest true form."""

from fractions import Fraction
from typing import Any

import msgspec

from relay import (
    Attempt,
    Candidate,
    Channel,
    Charge,
    ChargeLine,
    Evidence,
    PriceFacts,
    Principal,
    RequestRecord,
    Usage,
)
from relay.core.ledger.operations import CreateAccount, CreateKey, Reserve
from tests.services import NOW

CREDIT = 10**9

FACTS = PriceFacts(
    account_id="acct_alice",
    key_id="key_1",
    group="plain",
    membership="default",
    dialect="openai_chat",
    operation="chat",
    channel="one",
    model="gpt-4o",
    model_sent="gpt-4o-2024",
    model_returned="gpt-4o-2024-08-06",
    at=NOW,
    stream=True,
)
CHARGE = Charge(
    lines=(
        ChargeLine(rule="billing.x", item="input_tokens", count=3, factors=(("price", Fraction(1, 3)),)),
        ChargeLine(
            rule="billing.x", item="output_tokens", count=1, factors=(("price", Fraction(1, 8)), ("ratio", Fraction(2)))
        ),
    )
)
"""1.25 credits: three thirds, and a quarter."""
ATTEMPT = Attempt(
    candidate=Candidate(
        channel=Channel(name="one", use="x", dialects=("openai_chat",), models={}, groups=frozenset()),
        key_id="one#0",
        model_sent="gpt-4o-2024",
        dialect="openai_chat",
    ),
    started_at=NOW,
    duration_ms=10,
    status=200,
)


def account(name: str, **fields: Any) -> CreateAccount:
    """An account whose id is told by its name."""
    return CreateAccount(account_id=f"acct_{name}", name=name, actor="test", **fields)


def key(key_id: str, of: str = "alice", **fields: Any) -> CreateKey:
    """A key of the account *of*."""
    values: dict[str, Any] = {"name": "first", "group": "plain", "last4": "4f2a", "digest": key_id.encode(), **fields}
    return CreateKey(key_id=key_id, account=of, actor="test", **values)


def reserve(request_id: str, amount_nano: int) -> Reserve:
    """A hold on alice's account, by her first key."""
    principal = Principal(account_id="acct_alice", key_id="key_1", key_version=1, group="plain", membership="default")
    return Reserve(
        request_id=request_id, principal=principal, amount_nano=amount_nano, facts=FACTS, price_version="v1", at=NOW
    )


def record(request_id: str, **changes: Any) -> RequestRecord:
    """A complete answer that cost `CHARGE`."""
    complete = RequestRecord(
        request_id=request_id,
        facts=FACTS,
        usage=Usage(input_tokens=3, cache_read_tokens=2, output_tokens=1),
        outcome="complete",
        evidence=Evidence(has_text=True, is_end_seen=True),
        charge=CHARGE,
        attempts=(ATTEMPT,),
        duration_ms=12,
    )
    return msgspec.structs.replace(complete, **changes)
