"""Claims are written once the answer has ended, and whatever fails at them disturbs nobody."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from relay.core.claims import check_ended
from relay.core.errors import LedgerUnavailableError
from relay.core.exchange import Claim, Principal
from relay.core.ledger.spool import Spool
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.money import NANO
from tests.chats import CHAT
from tests.core.ledger.books import record, reservation
from tests.shops import PROFILE, reselling, serving
from tests.upstreams import document

EMPTY = {**CHAT, "choices": [{"index": 0, "message": {"content": ""}, "finish_reason": "stop"}]}


async def test_an_empty_answer_is_claimed_once(tmp_path: Path) -> None:
    """The rule of the shop gives all of it back."""
    async with reselling(tmp_path, lambda _: document(EMPTY)) as (_, shop):
        await shop.chat()
        [row] = await shop.log()
    claims = shop.rows("select request_id, rule, amount_nano from claim")
    assert claims == [
        {"request_id": row["request_id"], "rule": "compensation.empty_truncated", "amount_nano": row["charge_nano"]}
    ]


async def test_a_claim_that_can_not_be_filed_leaves_the_answer_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer has ended by then: the failure is logged, and nothing more is written."""
    async with reselling(tmp_path, lambda _: document(EMPTY)) as (_, shop):

        async def claim(*_: object) -> None:
            raise LedgerUnavailableError("the disk is full")

        shop.shop.ledger.claim = claim  # type: ignore[method-assign,assignment] # a full disk, for this one call
        responses = [await shop.chat() for _ in range(2)]
        assert [response.json() for response in responses] == [EMPTY] * 2
    logged = [vars(record) for record in caplog.records if record.name in ("relay", "uvicorn.error")]
    assert [(each["msg"], each["fields"]["request_id"]) for each in logged] == [
        ("claim.unfiled", response.headers["x-request-id"]) for response in responses
    ]


async def test_claims_that_can_not_be_asked_for_leave_the_answer_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours there is logged as the claim's, and what was charged stays."""

    async def post_check(*_: object) -> None:
        raise LookupError

    async with reselling(tmp_path, lambda _: document(EMPTY)) as (_, shop):
        monkeypatch.setattr(shop.shop.dispatch, "post_check", post_check)
        assert (await shop.chat()).json() == EMPTY
        [row] = await shop.log()
    assert row["charge_nano"] > 0
    [logged] = [vars(record) for record in caplog.records if record.name == "relay"]
    assert (logged["msg"], logged["fields"]["request_id"]) == ("claim.unfiled", row["request_id"])
    assert shop.rows("select is_checked from reservation") == [{"is_checked": 0}]


TWO_CLAIMS = '''
from relay import Claim, Exact, Plugin, PluginConfig, hookimpl


class TwoConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings: none."""


class Two(Plugin[TwoConfig]):
    """Claims what can't be kept, and a tenth."""

    config_type = TwoConfig

    @hookimpl
    async def post_check(self) -> list[Claim]:
        share = Exact("0.1")
        return [Claim(rule="bad", kind="odd", share=-share), Claim(rule="two", kind="odd", share=share)]
'''


async def test_one_claim_that_can_not_be_filed_drops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither what the plugin claimed wrongly, nor what the ledger did not take."""
    (tmp_path / "two.py").write_text(TWO_CLAIMS)
    profile = PROFILE.replace("plugins:\n", "plugins:\n  - use: ./two.py\n", 1)
    async with reselling(tmp_path, lambda _: document(EMPTY), profile=profile) as (_, shop):
        file = shop.shop.ledger.claim

        async def claim(request_id: str, claim: Claim, amount_nano: int) -> None:
            if claim.rule == "two":
                raise LedgerUnavailableError("the disk is full")
            await file(request_id, claim, amount_nano)

        monkeypatch.setattr(shop.shop.ledger, "claim", claim)
        await shop.chat()
        monkeypatch.undo()
        await shop.chat()
        await shop.log(count=2)
    claims = shop.rows("select rule, amount_nano from claim order by request_id, rule desc")
    assert claims == [
        {"rule": "compensation.empty_truncated", "amount_nano": 6_000_000},
        {"rule": "two", "amount_nano": 600_000},
        {"rule": "compensation.empty_truncated", "amount_nano": 6_000_000},
    ]
    events = [
        (record.message, vars(record)["fields"].get("plugin")) for record in caplog.records if record.name == "relay"
    ]
    assert events == [("plugin.failed", "./two.py"), ("claim.unfiled", None), ("plugin.failed", "./two.py")]
    # The first is looked at again at the next start, as one claim of it is missing.
    checked = shop.rows("select is_checked from reservation order by at, request_id")
    assert checked == [{"is_checked": 0}, {"is_checked": 1}]


async def test_what_can_not_be_looked_through_keeps_no_shop_shut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that can't be read now is read at the next start."""

    async def unchecked() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    async with serving(tmp_path, "http://127.0.0.1:9") as shop:
        monkeypatch.setattr(shop.shop.ledger, "unchecked", unchecked)
        await check_ended(shop.shop.dispatch, shop.shop.ledger)
    assert [record.msg for record in caplog.records if record.name == "relay"] == ["claims.unchecked"]


async def test_what_was_booked_from_the_spool_is_claimed_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process died before it could be booked; a claim that can't be written is tried at the start after that."""
    facts = msgspec.structs.replace(
        record("r1", "alice", "1").facts, account_id="acc_alice", key_id="key_alice", group="plain"
    )
    principal = Principal(
        account_id="acc_alice", key_id="key_alice", key_version=1, group="plain", membership="default"
    )
    async with reselling(tmp_path, lambda _: document(EMPTY)) as (_, shop):
        ledger, dispatch = shop.shop.ledger, shop.shop.dispatch
        async with SqliteLedger.open(shop.data) as dead:
            await dead.reserve(
                msgspec.structs.replace(reservation("r1", "alice", NANO), principal=principal, facts=facts)
            )
            dead.delivered("r1")
            Spool(shop.data).put(msgspec.structs.replace(record("r1", "alice", "1", "empty"), facts=facts))
            await dead.replay()
        file, failures = ledger.claim, [LedgerUnavailableError("the disk is full")]

        async def claim(request_id: str, claim: Claim, amount_nano: int) -> None:
            if failures:
                raise failures.pop()
            await file(request_id, claim, amount_nano)

        monkeypatch.setattr(ledger, "claim", claim)
        for count in (0, 1, 1):
            await check_ended(dispatch, ledger)
            claims = shop.rows("select request_id, kind, amount_nano from claim")
            assert claims == [{"request_id": "r1", "kind": "empty_reply", "amount_nano": NANO}][:count]
        assert shop.rows("select actor, action, subject from audit where subject = 'r1'") == [
            {"actor": "spool", "action": "request.replayed", "subject": "r1"}
        ]
    assert shop.rows("select is_checked from reservation") == [{"is_checked": 1}]
