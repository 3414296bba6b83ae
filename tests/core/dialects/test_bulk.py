"""A request of more values than a shop takes is refused by the field that has them, before any is read."""

from pathlib import Path

import msgspec
import pytest

from relay.core.dialects.bulk import COMMAS_MAX, VALUES_MAX, check_bulk
from relay.core.errors import BadRequestError
from tests.shops import reselling
from tests.upstreams import document

CODE = rb"if (a[0] && b) { say(\"{[,\\\", \"\", c) }"
"""Brackets, commas and quotes of a text, one of them behind an escaped backslash."""


def body(**fields: bytes) -> bytes:
    return b"{" + b",".join(b'"%b":%b' % (name.encode(), value) for name, value in fields.items()) + b"}"


def listed(item: bytes, count: int) -> bytes:
    return b"[" + b",".join([item] * count) + b"]"


def is_crowded(data: bytes) -> bool:
    try:
        check_bulk(data)
    except BadRequestError as refusal:
        told = refusal.reason, refusal.param, refusal.params
        return told == ("too_many_values", None, {"values_max": "250000", "numbers_max": "1000000"})
    return False


@pytest.mark.parametrize("item", [b'""', b"[]", b"{}", b'"%b"' % CODE, b' "a" '])
def test_as_many_values_as_are_taken_pass_and_not_one_more(item: bytes) -> None:
    """The body, the list and their two names are five of them."""
    assert not is_crowded(body(messages=listed(item, VALUES_MAX - 5), model=b'"m"'))
    assert is_crowded(body(messages=listed(item, VALUES_MAX - 4), model=b'"m"'))


def test_many_names_are_many_values() -> None:
    """Each costs as much as a text."""
    data = b"{" + b",".join(b'"field_%d":1' % index for index in range(VALUES_MAX + 1)) + b"}"
    assert is_crowded(data)


def test_numbers_are_many_more() -> None:
    """A prompt may come as the numbers of its tokens."""
    assert not is_crowded(body(input=listed(b"7", COMMAS_MAX)))
    assert is_crowded(body(model=b'"m"', input=listed(b"7", COMMAS_MAX + 1)))


def test_what_stands_in_a_text_is_none() -> None:
    """A long text of code is one value, however many brackets, commas and quotes it has."""
    assert not is_crowded(body(prompt=b'"%b"' % (CODE * 200_000)))


@pytest.mark.parametrize("data", [b'"' + rb"\"" * 500_000, b"\\" * 1_000_001, b"]" * 1_000_000])
def test_what_is_no_json_is_left_to_whoever_reads_it(data: bytes) -> None:
    """A text that does not end is one."""
    assert not is_crowded(data)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/chat/completions", {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": ""}] * 60_000}),
        (
            "/v1/chat/completions",
            {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": ""}] * 60_000},
        ),
        (
            "/v1/messages",
            {"model": "gpt-4o-mini", "max_tokens": 1, "messages": [{"role": "user", "content": []}] * 60_000},
        ),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "messages": [], "input": [], "z": [[]] * 250_000}),
    ],
)
async def test_a_crowded_request_costs_nothing_and_goes_nowhere(
    path: str, fields: dict[str, object], tmp_path: Path
) -> None:
    """It is told how many are taken, on the native way as on a translated one."""
    async with reselling(tmp_path, lambda _: document({})) as (upstream, running):
        answer = await running.client.post(path, json=fields, headers=running.headers)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith(
            "the request has too many values: at most 250000 strings, objects and lists, "
        )
        assert not upstream.received
        assert not running.rows("select * from reservation")


async def test_a_long_talk_is_none_too_many(tmp_path: Path) -> None:
    """Sixteen thousand messages go to another dialect's channel, as do the thousand tools that come with them."""
    said = {"role": "assistant", "content": [{"type": "text", "text": "a"}]}
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "output_tokens": 1},
    }
    async with reselling(tmp_path, lambda _: document(answer), credit="100") as (upstream, running):
        talk = [{"role": "user", "content": "b"}, said] * 8000
        tools = [{"type": "function", "function": {"name": f"f{index}"}} for index in range(1000)]
        got = await running.chat(model="claude-sonnet-4-5", messages=talk, tools=tools)
        assert got.status_code == 200, got.text
        sent = msgspec.json.decode(upstream.received[0].body)
        assert (len(sent["messages"]), len(sent["tools"])) == (16_000, 1000)
