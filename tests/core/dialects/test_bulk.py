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


def crowded(data: bytes) -> str | None:
    with pytest.raises(BadRequestError) as refused:
        check_bulk(data)
    assert refused.value.reason == "too_many_values"
    assert refused.value.params == {"values_max": "100000", "numbers_max": "1000000"}
    return refused.value.param


@pytest.mark.parametrize("item", [b'""', b"[]", b"{}", b'"%b"' % CODE, b' "a" '])
def test_as_many_values_as_are_taken_pass_and_not_one_more(item: bytes) -> None:
    """The body, the list and their two names are five of them."""
    check_bulk(body(messages=listed(item, VALUES_MAX - 5), model=b'"m"'))
    assert crowded(body(messages=listed(item, VALUES_MAX - 4), model=b'"m"')) in ("messages", "model")


@pytest.mark.parametrize(
    ("member", "field"),
    [
        (b'{"role":"user","content":"a"}', "messages"),
        (b'{"a":{"b":[[],{}]}}', "messages"),
        (b"[]", "messages"),
    ],
)
def test_the_field_that_holds_them_is_named(member: bytes, field: str) -> None:
    """Not one within it, and not one behind it."""
    data = body(model=b'"m"', tools=listed(b"[]", 9), messages=listed(member, VALUES_MAX), stop=b'["a"]')
    assert crowded(data) == field


def test_many_names_are_many_values() -> None:
    """Each costs as much as a text."""
    data = b"{" + b",".join(b'"field_%d":1' % index for index in range(VALUES_MAX + 1)) + b"}"
    assert crowded(data) == "field_99999"


@pytest.mark.parametrize("name", [b"my password is", rb"\"password\"", rb"mes\\sages", rb"\u0070assword"])
def test_a_name_that_is_none_is_not_repeated(name: bytes) -> None:
    """A customer may have a secret stand there, quoted or not."""
    assert crowded(b'{"%b":' % name + listed(b"[]", VALUES_MAX) + b"}") is None


@pytest.mark.parametrize("data", [b'["secret",%b]', b'{"":["secret"],"" :%b}', b'"secret",%b'])
def test_a_text_is_not_taken_for_a_name(data: bytes) -> None:
    """Not one of the top level's either, whose document is no object."""
    assert crowded(data % listed(b"[]", VALUES_MAX + 1)) is None


def test_numbers_are_many_more() -> None:
    """A prompt may come as the numbers of its tokens."""
    check_bulk(body(input=listed(b"7", COMMAS_MAX)))
    assert crowded(body(model=b'"m"', input=listed(b"7", COMMAS_MAX + 1))) == "input"


def test_what_stands_in_a_text_is_none() -> None:
    """A long text of code is one value, however many brackets, commas and quotes it has."""
    check_bulk(body(prompt=b'"%b"' % (CODE * 200_000)))


@pytest.mark.parametrize("data", [b"[" * 400_000, b'{"a":' * 400_000, body(messages=b'{"a":[' * 200_000)])
def test_what_is_nested_deeper_than_any_reader_goes_is_left_to_it(data: bytes) -> None:
    """It is refused for that, which tells more."""
    check_bulk(data)


@pytest.mark.parametrize("data", [b'"' + rb"\"" * 200_000, b"\\" * 400_001, b"]" * 400_000])
def test_what_is_no_json_is_left_to_whoever_reads_it(data: bytes) -> None:
    """A text that does not end is one."""
    check_bulk(data)


@pytest.mark.parametrize("data", [b'{"a":"%b"', b'{"a":"%b" '])
def test_what_breaks_off_is_left_to_whoever_reads_it(data: bytes) -> None:
    """Behind the last text may stand nothing at all."""
    check_bulk(data % (b"[" * 400_000))


def test_quotes_alone_have_no_field() -> None:
    """They are texts, and no JSON."""
    assert crowded(b'"' * 400_000) is None


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/chat/completions", {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": ""}] * 25_000}),
        (
            "/v1/chat/completions",
            {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": ""}] * 25_000},
        ),
        (
            "/v1/messages",
            {"model": "gpt-4o-mini", "max_tokens": 1, "messages": [{"role": "user", "content": []}] * 25_000},
        ),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "messages": [], "input": [], "z": [[]] * 100_000}),
    ],
)
async def test_a_crowded_request_costs_nothing_and_goes_nowhere(
    path: str, fields: dict[str, object], tmp_path: Path
) -> None:
    """It is told which field, on the native way as on a translated one."""
    async with reselling(tmp_path, lambda _: document({})) as (upstream, running):
        answer = await running.client.post(path, json=fields, headers=running.headers)
        field = "z" if "z" in fields else "messages"
        assert answer.status_code == 400
        assert answer.json()["error"]["message"].startswith(
            f"with the field '{field}' the request has too many values: at most 100000 strings, objects and lists, "
        )
        assert not upstream.received
        assert not running.rows("select * from reservation")


async def test_a_long_talk_is_none_too_many(tmp_path: Path) -> None:
    """Six thousand messages go to another dialect's channel, as do the thousand tools that come with them."""
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
        talk = [{"role": "user", "content": "b"}, said] * 3000
        tools = [{"type": "function", "function": {"name": f"f{index}"}} for index in range(1000)]
        got = await running.chat(model="claude-sonnet-4-5", messages=talk, tools=tools)
        assert got.status_code == 200, got.text
        sent = msgspec.json.decode(upstream.received[0].body)
        assert (len(sent["messages"]), len(sent["tools"])) == (6000, 1000)
