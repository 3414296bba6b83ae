"""Turns and tools are made of what vendors agree on; anything else is refused where it stands, before it costs anything."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay.core.dialects.turns import CONTENTS, ITEMS, MESSAGES, check_turns
from relay.core.errors import BadRequestError
from tests.core.dialects.recordings import BODIES, STREAMS
from tests.core.dialects.replay import request_fields
from tests.shops import reselling
from tests.upstreams import document

SHAPES = {"messages": MESSAGES, "input": ITEMS, "contents": CONTENTS}


def asked(**members: Any) -> dict[str, msgspec.Raw]:
    return {name: msgspec.Raw(msgspec.json.encode(member)) for name, member in members.items()}


@pytest.mark.parametrize("name", sorted({each.name for each in (*STREAMS, *BODIES)}))
def test_every_recorded_request_passes(name: str) -> None:
    """Whatever a vendor has answered is of these shapes."""
    fields = request_fields(name)
    for turns, shape in SHAPES.items():
        if turns in fields and not name.startswith(("openai-other", "others")):
            check_turns(fields, turns, shape)


@pytest.mark.parametrize(
    ("turns", "value", "param"),
    [
        ("messages", [{"role": 5, "content": "x"}], "messages[0].role"),
        ("messages", [{"role": "user", "content": "x"}, {}], "messages[1]"),
        ("messages", [{"role": "user", "content": True}], "messages[0].content"),
        ("messages", [{"role": "user", "content": [5]}], "messages[0].content[0]"),
        ("messages", [{"role": "user", "content": [{"type": 5}]}], "messages[0].content[0].type"),
        ("messages", [{"role": "user", "content": [{"type": "text", "text": 5}]}], "messages[0].content[0].text"),
        ("messages", [{"role": "user"}, "x"], "messages[1]"),
        ("input", [{"type": "message", "role": "user", "content": 5}], "input[0].content"),
        ("input", [{"type": 5}], "input[0].type"),
        ("contents", [{"role": "user", "parts": 5}], "contents[0].parts"),
        ("contents", {"parts": [{"text": ["x"]}]}, "contents.parts[0].text"),
    ],
)
def test_another_kind_is_refused_where_it_stands(turns: str, value: Any, param: str) -> None:
    """By the path of the member."""
    with pytest.raises(BadRequestError) as refused:
        check_turns(asked(**{turns: value}), turns, SHAPES[turns])
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("turns", "value"),
    [
        ("messages", [{"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]}]),
        ("messages", [{"role": "user", "content": ["plain", {"text": "of a vendor"}]}]),
        ("messages", [{"role": "user", "content": [{"type": "text", "text": {"value": "x"}}]}]),
        ("input", "just a text"),
        ("input", [{"type": "function_call_output", "call_id": "a", "output": 5}]),
        ("contents", {"parts": {"text": "x"}}),
        ("contents", [{"parts": [{"functionResponse": {"name": "f", "response": {}}}]}]),
    ],
)
def test_what_some_vendor_takes_passes(turns: str, value: Any) -> None:
    """The upstream says the rest."""
    check_turns(asked(**{turns: value}), turns, SHAPES[turns])


@pytest.mark.parametrize(
    "odd",
    [b'[{"role":"user","content":"half a \\ud83d"}]', b'[{"role":"user","x":' + b"[" * 5000 + b"]" * 5000 + b"}]"],
)
def test_what_can_not_be_read_here_is_the_upstreams_business(odd: bytes) -> None:
    """Half a character, as JavaScript cuts it, or more brackets than a reader goes into."""
    check_turns({"messages": msgspec.Raw(odd)}, "messages", MESSAGES)


def test_long_turns_are_the_upstreams_business() -> None:
    """Reading them once more would cost every long request more than a refusal is worth."""
    turns = [{"role": "user", "content": "x" * 65_536}, {"role": 5}]
    check_turns(asked(messages=turns), "messages", MESSAGES)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ("/v1/chat/completions", {"messages": [{"role": "user"}], "tools": [{"type": 5}]}, "tools[0].type"),
        ("/v1/messages", {"messages": [{"role": 5}], "max_tokens": 9}, "messages[0].role"),
        ("/v1/messages", {"messages": [{"role": "user"}], "max_tokens": 9, "tools": [{"name": 5}]}, "tools[0].name"),
        ("/v1/responses", {"input": [{"role": "user", "content": [5]}]}, "input[0].content[0]"),
        (
            "/v1beta/models/gpt-4o-mini:generateContent",
            {"contents": [{"parts": [{"text": 5}]}]},
            "contents[0].parts[0].text",
        ),
    ],
)
async def test_nothing_of_it_is_sent_or_held(tmp_path: Path, path: str, body: dict[str, Any], param: str) -> None:
    """A 400 that names the place, on the native way as on a translated one."""
    async with reselling(tmp_path, lambda _: document({})) as (upstream, shop):
        refused = await shop.client.post(path, json={"model": "gpt-4o-mini", **body}, headers=shop.headers)
        assert refused.status_code == 400
        assert param in refused.text
        assert upstream.received == []
        assert shop.rows("SELECT 1 FROM reservation") == []
