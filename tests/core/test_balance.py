"""A key's balance, as OpenAI's old pages tell it: what is left, and what was spent, to the nano-credit."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from relay.core.clock import SystemClock
from relay.core.ledger.operations import RevokeKey, SetKeyGroup
from tests.shops import PROFILE, Running, serving
from tests.upstreams import Received, Step, Upstream, document

ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}
"""5 tokens of input at 2000 nano-credits and 2 of output at 8000: 0.000026 credits."""


def answer(_: Received) -> list[Step]:
    """Answer every question alike."""
    return document(ANSWER)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream(answer).opened() as opened:
        yield opened


@pytest.fixture
async def shop(tmp_path: Path, upstream: Upstream) -> AsyncIterator[Running]:
    async with serving(tmp_path, upstream.url) as running:
        yield running


async def pages(shop: Running, base: str = "/v1") -> tuple[str, str]:
    """Return the bodies of both pages."""
    shown = [
        await shop.client.get(f"{base}/dashboard/billing/{page}", headers=shop.headers)
        for page in ("subscription", "usage")
    ]
    assert [(one.status_code, one.headers["content-type"]) for one in shown] == [(200, "application/json")] * 2
    return shown[0].text, shown[1].text


def subscription(limit: str, until: int = 0) -> str:
    return (
        f'{{"object":"billing_subscription","has_payment_method":true,"soft_limit_usd":{limit},'
        f'"hard_limit_usd":{limit},"system_hard_limit_usd":{limit},"access_until":{until}}}'
    )


def usage(cents: str) -> str:
    return f'{{"object":"list","total_usage":{cents}}}'


@pytest.mark.parametrize("base", ["/v1", ""])
async def test_a_new_key_has_its_accounts_credit(shop: Running, base: str) -> None:
    """Under both bases, as numbers, whole ones too."""
    assert await pages(shop, base) == (subscription("10"), usage("0"))


async def test_what_was_spent_is_told_in_cents_and_the_limit_stays(shop: Running) -> None:
    """The limit less the usage is what the account has."""
    await shop.chat()
    await shop.log()
    assert await pages(shop) == (subscription("10"), usage("0.0026"))


async def test_a_top_up_raises_the_limit(shop: Running) -> None:
    """At once, by what was paid."""
    await shop.chat()
    await shop.log()
    await shop.top_up("2.5")
    assert await pages(shop) == (subscription("12.5"), usage("0.0026"))


async def test_juhes_script_gets_its_three_figures(shop: Running) -> None:
    """As on its page: the limit, the usage through a hundred, and the difference, with two places."""
    await shop.chat()
    await shop.log()
    limit, used = (json.loads(page) for page in await pages(shop))
    total_limit, total_usage = limit.get("hard_limit_usd"), used.get("total_usage", 0) / 100
    assert f"{total_limit:.2f} {total_usage:.2f} {total_limit - total_usage:.2f}" == "10.00 0.00 10.00"


async def test_days_that_are_asked_for_change_nothing(shop: Running) -> None:
    """NextChat asks for this month's, and shows what is left by it."""
    await shop.chat()
    await shop.log()
    path = "/dashboard/billing/usage?start_date=2020-01-01&end_date=2020-02-01"
    assert (await shop.client.get(path, headers=shop.headers)).text == usage("0.0026")


async def test_a_key_with_a_cap_has_what_is_left_of_it(tmp_path: Path, upstream: Upstream) -> None:
    """However much the account has; and until when is told."""
    expires_at = (SystemClock().now() + timedelta(days=3)).replace(microsecond=0)
    async with serving(tmp_path, upstream.url, cap_nano=3_000_000_000, expires_at=expires_at) as shop:
        await shop.chat()
        await shop.log()
        assert await pages(shop) == (subscription("3", int(expires_at.timestamp())), usage("0.0026"))


async def test_a_cap_above_the_accounts_credit_gives_none(tmp_path: Path, upstream: Upstream) -> None:
    """What is left is what can be spent."""
    async with serving(tmp_path, upstream.url, credit="1.5", cap_nano=3_000_000_000) as shop:
        assert await pages(shop) == (subscription("1.5"), usage("0"))


async def test_a_key_that_is_used_up_says_so_by_its_balance(tmp_path: Path, upstream: Upstream) -> None:
    """It is refused for everything else, and is no unknown key here."""
    async with serving(tmp_path, upstream.url, cap_nano=0) as shop:
        assert (await shop.chat()).json()["error"]["code"] == "api_key_exhausted"
        assert await pages(shop) == (subscription("0"), usage("0"))


async def test_a_key_that_has_expired_says_since_when(tmp_path: Path, upstream: Upstream) -> None:
    """It is refused for everything else."""
    expires_at = (SystemClock().now() - timedelta(days=1)).replace(microsecond=0)
    async with serving(tmp_path, upstream.url, expires_at=expires_at) as shop:
        assert (await shop.chat()).json()["error"]["code"] == "api_key_expired"
        assert (await pages(shop))[0] == subscription("10", int(expires_at.timestamp()))


async def test_what_is_held_counts_as_left(shop: Running, upstream: Upstream) -> None:
    """A request that is under way has spent nothing yet."""
    arrived = asyncio.Event()

    def waiting(_: Received) -> list[Step]:
        arrived.set()
        return [30.0]

    upstream.script = waiting
    asking = asyncio.ensure_future(shop.chat())
    await arrived.wait()
    assert shop.rows("select held_nano > 0 as is_held from api_key") == [{"is_held": 1}]
    assert await pages(shop) == (subscription("10"), usage("0"))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def refusal(shop: Running, headers: dict[str, str]) -> tuple[int, str]:
    answered: httpx.Response = await shop.client.get("/v1/dashboard/billing/subscription", headers=headers)
    return answered.status_code, answered.json()["error"]["code"]


async def test_a_key_that_is_none_is_refused(shop: Running) -> None:
    """NextChat tells 401 apart."""
    assert await refusal(shop, {}) == (401, "api_key_missing")
    assert await refusal(shop, {"authorization": "Bearer sk-wrong"}) == (401, "invalid_api_key")


async def test_a_revoked_key_shows_nothing_from_then_on(shop: Running) -> None:
    """What was remembered of it does not count."""
    await pages(shop)
    await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
    assert await refusal(shop, shop.headers) == (401, "api_key_revoked")


async def test_a_key_of_a_group_that_is_gone_still_has_its_balance(shop: Running) -> None:
    """It can be moved to another group."""
    await shop.shop.ledger.set_key_group(SetKeyGroup(key_id=shop.key_id, group="gone", actor="test"))
    assert await pages(shop) == (subscription("10"), usage("0"))


async def test_only_a_head_and_another_method(shop: Running) -> None:
    """The pages are read, never written."""
    head = await shop.client.head("/v1/dashboard/billing/usage", headers=shop.headers)
    posted = await shop.client.post("/v1/dashboard/billing/usage", headers=shop.headers)
    assert (head.status_code, head.content) == (200, b"")
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET")


async def test_a_browser_may_ask(shop: Running) -> None:
    """NextChat does."""
    path, origin = "/dashboard/billing/subscription", {"origin": "https://chat.example"}
    asked = {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    allowed = await shop.client.options(path, headers=origin | asked)
    shown = await shop.client.get(path, headers=origin | shop.headers)
    assert (allowed.status_code, allowed.headers["access-control-allow-headers"]) == (204, "authorization")
    assert (shown.status_code, shown.headers["access-control-allow-origin"]) == (200, "*")


async def test_a_shop_that_does_not_serve_it_says_so(tmp_path: Path, upstream: Upstream) -> None:
    """``endpoints`` leaves ``billing`` out."""
    async with serving(tmp_path, upstream.url, profile=PROFILE + "endpoints: [openai_chat, models]\n") as shop:
        assert await refusal(shop, shop.headers) == (404, "unknown_endpoint")
