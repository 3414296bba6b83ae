"""Requests that come twice, over real sockets: one is carried out, and what the other is told."""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chats import CHAT, LOTS, balances
from tests.shops import Running, reselling, serving
from tests.upstreams import Received, Step, document

NAMED = {"Idempotency-Key": "order 17"}
TEXTS = {
    "en": "request '{id}' already used this idempotency key, is 'posted' and cost {charge} credits, so this request "
    "was not carried out and costs nothing; use a new key to send it again",
    "zh": "请求 {id} 此前已使用该幂等键，状态为 posted，已扣费 {charge}；本次请求未执行，不扣费；如需重新请求，请更换幂等键",
}


async def chat(shop: Running, headers: dict[str, str], **fields: Any) -> httpx.Response:
    return await shop.client.post(
        "/v1/chat/completions", json=shop.chat_body(**fields), headers={**shop.headers, **headers}
    )


@pytest.mark.parametrize("locale", ["en", "zh"])
async def test_a_name_that_was_paid_for_is_answered_with_its_request(tmp_path: Path, locale: str) -> None:
    """The second is a 409 that no client repeats; it is not sent, not charged, and leaves no row."""
    async with reselling(tmp_path, lambda _: document(CHAT)) as (upstream, shop):
        first = await chat(shop, NAMED)
        second = await chat(shop, {**NAMED, "accept-language": locale})
        [row] = await shop.log()
        held = balances(shop.rows(LOTS))
    message = TEXTS[locale].format(id=first.headers["x-request-id"], charge="0.006")
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": "idempotency_key_used"}
    assert (second.status_code, second.json()) == (409, {"error": error})
    assert second.headers["x-should-retry"] == "false"
    assert len(upstream.received) == 1
    assert held == (10_000_000_000 - row["charge_nano"], 0)


SPOKEN: dict[str, tuple[dict[str, Any], dict[str, str], Callable[[Any], object], object]] = {
    "/v1/messages": (
        {"model": "gpt-4o-mini", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
        {"anthropic-version": "2023-06-01"},
        lambda answer: (answer["type"], answer["error"]["type"]),
        ("error", "invalid_request_error"),
    ),
    "/v1/responses": (
        {"model": "gpt-4o-mini", "input": "hi"},
        {},
        lambda answer: (answer["error"]["code"], answer["error"]["type"]),
        ("idempotency_key_used", "invalid_request_error"),
    ),
    "/v1beta/models/gpt-4o-mini:generateContent": (
        {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
        {},
        lambda answer: (answer["error"]["status"], answer["error"]["details"][0]["reason"]),
        ("ALREADY_EXISTS", "idempotency_key_used"),
    ),
}


@pytest.mark.parametrize("path", SPOKEN)
async def test_a_repeat_is_refused_in_the_caller_s_own_dialect(tmp_path: Path, path: str) -> None:
    """Names are an account's, whichever endpoint it asks them of."""
    body, headers, read, expected = SPOKEN[path]
    async with reselling(tmp_path, lambda _: document(CHAT)) as (upstream, shop):
        first = await chat(shop, NAMED)
        second = await shop.client.post(path, json=body, headers={**shop.headers, **headers, **NAMED})
    assert (second.status_code, read(second.json())) == (409, expected)
    assert first.headers["x-request-id"] in second.text
    assert len(upstream.received) == 1


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_request_under_way_is_not_begun_again(tmp_path: Path, is_stream: bool) -> None:
    """The second is told that the first is open, while the first is still waited for."""
    is_sent = asyncio.Event()

    def wait(_: Received) -> list[Step]:
        is_sent.set()
        return [30.0]

    async with reselling(tmp_path, wait) as (upstream, shop):
        first = asyncio.create_task(chat(shop, NAMED, stream=is_stream))
        await is_sent.wait()
        second = await chat(shop, NAMED, stream=is_stream)
        first.cancel()
        [row] = await shop.log()
    told = f"request '{row['request_id']}' already used this idempotency key and is 'open', so this request was not"
    assert second.status_code == 409
    assert second.json()["error"]["message"].startswith(told)
    assert len(upstream.received) == 1


async def test_a_request_that_failed_may_be_sent_again_under_its_name(tmp_path: Path) -> None:
    """Voided, because nothing came of it: the SDK that repeats it gets its answer."""
    answers = iter([document({"error": {"message": "bad"}}, 400), document(CHAT)])
    async with reselling(tmp_path, lambda _: next(answers)) as (_, shop):
        statuses = [(await chat(shop, NAMED)).status_code for _ in range(3)]
        log = await shop.log(count=2)
    assert statuses == [400, 200, 409]
    assert sorted(row["charge_nano"] for row in log) == [0, 6_000_000]


@pytest.mark.parametrize("headers", [{}, {"idempotency-key": ""}])
async def test_without_a_name_every_request_is_carried_out(tmp_path: Path, headers: dict[str, str]) -> None:
    """Nothing is kept of them."""
    async with reselling(tmp_path, lambda _: document(CHAT)) as (upstream, shop):
        statuses = [(await chat(shop, headers)).status_code for _ in range(2)]
        kept = shop.rows("select * from idempotency_key")
    assert (statuses, kept, len(upstream.received)) == ([200, 200], [], 2)


@pytest.mark.parametrize("name", ["x" * 256, "a\tb", "caf\xe9"])
async def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """Too long, or not of ASCII that can be printed: nothing is sent."""
    async with serving(tmp_path, "http://127.0.0.1:9") as shop:
        answer = await chat(shop, {"idempotency-key": name.encode("latin-1")})  # type: ignore[dict-item]
        kept = shop.rows("select * from reservation")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "bad_idempotency_key", "idempotency-key")
    assert kept == []


async def test_the_longest_name_is_taken_and_only_its_digest_kept(tmp_path: Path) -> None:
    """255 characters; whoever reads the database does not learn it."""
    async with reselling(tmp_path, lambda _: document(CHAT)) as (_, shop):
        answer = await chat(shop, {"idempotency-key": "x" * 255})
        [kept] = shop.rows("select account_id, length(digest) as size, request_id from idempotency_key")
    assert kept == {"account_id": "acc_alice", "size": 32, "request_id": answer.headers["x-request-id"]}


@pytest.mark.parametrize(
    ("count", "expected"), [("0", []), ("2", [2]), ("02", [2]), ("-1", []), ("x", []), ("\xb2", []), ("12345", [])]
)
async def test_a_client_that_asks_again_by_itself_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, count: str, expected: list[int]
) -> None:
    """By the number of its try, with the request that is held for it."""
    caplog.set_level(logging.INFO, "relay")
    async with reselling(tmp_path, lambda _: document(CHAT)) as (_, shop):
        answer = await chat(shop, {"x-stainless-retry-count": count.encode("latin-1")})  # type: ignore[dict-item]
    events = [record.__dict__["fields"] for record in caplog.records if record.msg == "request.retried"]
    request_id = answer.headers["x-request-id"]
    assert json.dumps(events) == json.dumps([{"request_id": request_id, "retry_count": n} for n in expected])
