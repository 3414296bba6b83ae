"""Claims are written once the answer has ended, and whatever fails at them disturbs nobody."""

from pathlib import Path

import pytest

from relay.core.errors import LedgerUnavailableError
from tests.chats import CHAT
from tests.shops import serving
from tests.upstreams import Upstream, document

EMPTY = {**CHAT, "choices": [{"index": 0, "message": {"content": ""}, "finish_reason": "stop"}]}


async def test_an_empty_answer_is_claimed_once(tmp_path: Path) -> None:
    """The rule of the shop gives all of it back."""
    async with Upstream(lambda _: document(EMPTY)).opened() as upstream, serving(tmp_path, upstream.url) as shop:
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
    async with Upstream(lambda _: document(EMPTY)).opened() as upstream, serving(tmp_path, upstream.url) as shop:

        async def claim(*_: object) -> None:
            raise LedgerUnavailableError("the disk is full")

        shop.shop.ledger.claim = claim  # type: ignore[method-assign,assignment] # a full disk, for this one call
        responses = [await shop.chat() for _ in range(2)]
        assert [response.json() for response in responses] == [EMPTY] * 2
    assert [record.msg for record in caplog.records if record.name in ("relay", "uvicorn.error")] == [
        "claim.unfiled"
    ] * 2
