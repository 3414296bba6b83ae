"""What is priced is what is sent, however a body is written; what relay does not know steers nothing.

Rows 40, 45 and 46 of field/reliability.md 3.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from tests.faults.forms import FORMS, Form
from tests.faults.wire import Reply, request, send
from tests.shops import Running, reselling
from tests.upstreams import Received, Step, Upstream, document

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT = {
    "object": "chat.completion",
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
}
MESSAGE = {
    "type": "message",
    "model": "m",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1000, "output_tokens": 500},
}
VECTORS = {
    "object": "list",
    "model": "m",
    "data": [{"index": 0, "embedding": [0.5]}],
    "usage": {"prompt_tokens": 1000, "total_tokens": 1000},
}


def answer(received: Received) -> list[Step]:
    """Answer each endpoint in its form."""
    return document({"/v1/chat/completions": CHAT, "/v1/messages": MESSAGE, "/v1/embeddings": VECTORS}[received.path])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Running, Upstream]]:
    async with reselling(tmp_path_factory.mktemp("shop"), answer) as (upstream, running):
        yield running, upstream


async def ask(shop: tuple[Running, Upstream], form: Form, body: bytes, path: str = "", **headers: str) -> Reply:
    """Ask with alice's key, and forget what the upstream received before."""
    running, upstream = shop
    upstream.received.clear()
    return await send(running.url, request(path or form.path, body, {"x-api-key": running.api_key, **headers}))


def booked(shop: tuple[Running, Upstream], reply: Reply) -> dict[str, Any]:
    """Return the log row of the request that *reply* answers."""
    [row] = shop[0].rows("select * from request_log where request_id = ?", reply.headers["x-request-id"])
    return row


PLAIN = [FORMS["chat"], FORMS["messages"], FORMS["embeddings"]]


@pytest.mark.parametrize("form", PLAIN, ids=lambda form: form.name)
@pytest.mark.parametrize("other", [b'"model":"free",', b'"mod\\u0065l":"free",', b'"\\u006dodel":1,'])
async def test_of_a_repeated_key_one_is_priced_and_the_same_is_sent(
    shop: tuple[Running, Upstream], form: Form, other: bytes
) -> None:
    """The last one, whatever the spelling of the first; the upstream sees no second."""
    reply = await ask(shop, form, b"{" + other + form.body()[1:])
    [received] = shop[1].received
    assert reply.status == 200
    assert received.body == form.body()
    assert booked(shop, reply)["model"] == msgspec.json.decode(form.fields["model"])


@pytest.mark.parametrize("form", PLAIN, ids=lambda form: form.name)
@pytest.mark.parametrize("name", [b"model", b"mod\\u0065l"])
async def test_a_repeated_key_whose_last_is_unknown_is_refused_and_not_sent(
    shop: tuple[Running, Upstream], form: Form, name: bytes
) -> None:
    """The other way round the unknown model counts, and no channel has it."""
    reply = await ask(shop, form, form.body()[:-1] + b',"%s":"free"}' % name)
    assert (reply.status, reply.error["code"], shop[1].received) == (503, "model_not_found", [])


async def test_a_repeated_limit_is_held_for_and_sent_once(shop: tuple[Running, Upstream]) -> None:
    """What bounds the hold is what bounds the answer."""
    form = FORMS["chat"]
    await ask(shop, form, b'{"max_tokens":1,"max_\\u0074okens":7,' + form.body()[1:])
    [received] = shop[1].received
    assert received.body == b'{"max_tokens":7,' + form.body()[1:]


async def test_a_repeated_member_inside_stream_options_is_sent_once(shop: tuple[Running, Upstream]) -> None:
    """Whether usage was asked for must not depend on the reader."""
    form = FORMS["chat"]
    await ask(shop, form, form.body(stream_options=b'{"include_usage":false,"include_us\\u0061ge":true}'))
    [received] = shop[1].received
    assert received.document["stream_options"] == {"include_usage": True}
    assert received.body.count(b"include_usage") == 1


async def test_two_limits_of_different_names_are_held_for_by_the_larger(shop: tuple[Running, Upstream]) -> None:
    """Upstreams differ in which they heed: 900 output tokens at 8 000 nano are within the hold."""
    form = FORMS["chat"]
    reply = await ask(shop, form, form.body(max_tokens=b"1", max_completion_tokens=b"900"))
    [held] = shop[0].rows("select held_nano from reservation where request_id = ?", reply.headers["x-request-id"])
    assert held["held_nano"] >= 7_200_000


STEERING = {
    "api_base": b'"http://127.0.0.1:9"',
    "base_url": b'"http://127.0.0.1:9"',
    "api_key": b'"sk-other"',
    "user_config": b'{"channel":"openai-b"}',
    "metadata": b'{"group":"dear","channel":"openai-b"}',
    "group": b'"dear"',
    "channel": b'"openai-b"',
}


@pytest.mark.parametrize("name", STEERING)
async def test_unknown_fields_never_choose_the_way(shop: tuple[Running, Upstream], name: str) -> None:
    """They pass through untouched to the channel and the key that the profile names, at the group's price."""
    form = FORMS["chat"]
    reply = await ask(shop, form, form.body(**{name: STEERING[name]}))
    [received] = shop[1].received
    row = booked(shop, reply)
    assert received.body == form.body(**{name: STEERING[name]})
    assert received.headers["authorization"] == "Bearer sk-upstream-canary-0123456789"
    assert (row["channel"], row["group"], row["charge_nano"]) == ("openai-a", "plain", 6_000_000)


@pytest.mark.parametrize(
    "name", ["x-forwarded-host", "x-channel", "x-group", "openai-organization", "cookie", "user-agent"]
)
async def test_unknown_headers_neither_steer_nor_travel(shop: tuple[Running, Upstream], name: str) -> None:
    """Only what a dialect forwards goes upstream."""
    reply = await ask(shop, FORMS["chat"], FORMS["chat"].body(), **{name: "dear"})
    [received] = shop[1].received
    assert reply.status == 200
    assert set(received.headers) == {
        "host",
        "authorization",
        "content-type",
        "content-length",
        "accept-encoding",
        "accept",
    }


async def test_a_forwarded_address_is_not_believed(tmp_path: Path) -> None:
    """X-Forwarded-For can't open a key's list of addresses, nor can it shut it."""
    form = FORMS["chat"]
    async with reselling(tmp_path, answer, ips=("203.0.113.0/24",)) as (upstream, running):
        headers = dict.fromkeys(("x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip"), "203.0.113.7")
        reply = await ask((running, upstream), form, form.body(), **headers)
        assert (reply.status, reply.error["code"], upstream.received) == (403, "access_denied", [])
        assert "127.0.0.1" in reply.error["message"]


@pytest.mark.parametrize(
    "path",
    [
        "//v1//chat/completions",
        "/chat/completions",
        "/v1/v1/chat/completions",
        "/v1/chat/completions/",
        "/v1/%63hat/completions",
    ],
)
async def test_an_endpoint_is_found_however_its_path_is_written(shop: tuple[Running, Upstream], path: str) -> None:
    """Doubled slashes and the other habits of base URLs lead to the one path upstream."""
    reply = await ask(shop, FORMS["chat"], FORMS["chat"].body(), path)
    assert (reply.status, [one.path for one in shop[1].received]) == (200, ["/v1/chat/completions"])
