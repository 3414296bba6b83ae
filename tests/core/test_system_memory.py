"""A model that refuses system text within a conversation is asked without it from then on."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay.core.exchange import Candidate, Channel
from relay.core.system_memory import REMEMBERED_S, SystemMemory
from tests.chats import MESSAGE
from tests.services import SetClock
from tests.shops import reselling
from tests.upstreams import Received, Step, document

CHANNEL = Channel(name="aws", use="x", dialects=("anthropic_messages",), models={}, groups=frozenset())
OLDER = Candidate(channel=CHANNEL, key_id="aws#0", model_sent="claude-4-5", dialect="anthropic_messages")
TURNS = [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}]


def refused(words: str) -> list[Step]:
    return document({"type": "error", "error": {"type": "invalid_request_error", "message": words}}, status=400)


def test_a_model_is_remembered_for_some_hours() -> None:
    """To the second, from its last refusal."""
    clock = SetClock()
    memory = SystemMemory(clock)
    memory.remember(OLDER)
    clock.time += timedelta(seconds=REMEMBERED_S)
    assert memory.refuses(OLDER)
    clock.time += timedelta(seconds=1)
    assert not memory.refuses(OLDER)
    memory.remember(OLDER)
    assert memory.refuses(OLDER)


@pytest.mark.parametrize(
    ("changes", "refuses"),
    [
        ({"key_id": "aws#1"}, True),
        ({"model_sent": "claude-4-8"}, False),
        ({"dialect": "openai_chat"}, False),
        ({"channel": msgspec.structs.replace(CHANNEL, name="other")}, False),
    ],
)
def test_others_are_asked_as_before(changes: dict[str, Any], refuses: bool) -> None:
    """Other models and channels; the keys of one channel lead to the same model."""
    memory = SystemMemory(SetClock())
    memory.remember(OLDER)
    assert memory.refuses(msgspec.structs.replace(OLDER, **changes)) == refuses


async def test_a_later_turn_is_not_refused_first(tmp_path: Path) -> None:
    """It goes upstream once, with the text as the user's; the charge is that of one answer."""

    def script(received: Received) -> list[Step]:
        if b'"role":"system"' in received.body:
            return refused("role 'system' is not supported on this model")
        return document(MESSAGE)

    async with reselling(tmp_path, script) as (upstream, shop):
        await shop.messages(messages=TURNS)
        later = await shop.messages(messages=[*TURNS, {"role": "assistant", "content": "Hm"}, *TURNS])
        charges = [row["charge_nano"] for row in await shop.log(count=2)]
    assert later.json() == MESSAGE
    assert [[turn["role"] for turn in json.loads(each.body)["messages"]] for each in upstream.received] == [
        ["user", "system"],
        ["user", "user"],
        ["user", "user", "assistant", "user", "user"],
    ]
    assert charges == [60_000, 60_000]


async def test_what_a_model_takes_stays_the_systems(tmp_path: Path) -> None:
    """In each turn: an answer alone says nothing of a refusal."""
    async with reselling(tmp_path, lambda _: document(MESSAGE)) as (upstream, shop):
        for _ in range(2):
            await shop.messages(messages=TURNS)
    assert [json.loads(each.body)["messages"][1]["role"] for each in upstream.received] == ["system", "system"]


async def test_what_is_refused_all_the_same_is_not_remembered(tmp_path: Path) -> None:
    """A customer's own words may be in a refusal, so words alone must not change what others say."""
    words = "messages[1].name: 'role system is not supported' does not match"

    async with reselling(tmp_path, lambda _: refused(words)) as (upstream, shop):
        await shop.messages(messages=TURNS)
        upstream.script = lambda _: document(MESSAGE)
        await shop.messages(messages=TURNS)
    assert [json.loads(each.body)["messages"][1]["role"] for each in upstream.received] == ["system", "user", "system"]
