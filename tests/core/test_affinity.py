"""The next turn of a conversation goes where the last one was answered."""

import json
import tracemalloc
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from relay.core.affinity import REMEMBERED_S, Affinity
from relay.core.exchange import Candidate, Channel, Exchange, Principal
from tests.services import NOW, SetClock

FIRST = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
SECOND = [*FIRST, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "And?"}]
CHANNEL = Channel(name="b", use="x", dialects=("openai_chat",), models={}, groups=frozenset())
ANSWERED = Candidate(channel=CHANNEL, key_id="b#1", model_sent="m", dialect="openai_chat")


def asked(key_id: str = "key_1", headers: dict[str, str] | None = None, model: str = "m", **fields: Any) -> Exchange:
    """Return an authenticated exchange with *fields* in its body."""
    made = Exchange(
        id="r", dialect="openai_chat", operation="chat", headers=headers or {}, received_at=NOW, started_s=0.0
    )
    made.model = model
    made.fields = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}
    made.principal = Principal(account_id="a", key_id=key_id, key_version=1, group="plain", membership="default")
    return made


def recalled(affinity: Affinity, first: Exchange, then: Exchange) -> tuple[str, str] | None:
    """Return where *then* would go after *first* was answered by `ANSWERED`."""
    conversation, next_conversation = affinity.conversation_of(first), affinity.conversation_of(then)
    assert conversation is not None
    assert next_conversation is not None
    affinity.remember(conversation, ANSWERED)
    return affinity.recall(next_conversation)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"messages": FIRST}, {"messages": SECOND}),
        ({"system": "S", "messages": FIRST[1:]}, {"system": "S", "messages": SECOND[1:]}),
        ({"instructions": "S", "input": FIRST[1:]}, {"instructions": "S", "input": SECOND[1:]}),
        (
            {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
            {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}, {"role": "model", "parts": [{"text": "Ho"}]}]},
        ),
        ({"prompt_cache_key": "t", "input": "a"}, {"prompt_cache_key": "t", "input": "b"}),
    ],
)
def test_a_talk_is_known_by_how_it_began(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Whatever the dialect calls its system text and its turns."""
    assert recalled(Affinity(SetClock()), asked(**first), asked(**second)) == ("b", "b#1")


@pytest.mark.parametrize("header", ["x-claude-code-session-id", "session-id", "thread-id"])
def test_a_client_s_session_is_a_talk(header: str) -> None:
    """Claude Code and Codex name theirs in a header."""
    first, then = asked(headers={header: "s"}, messages=FIRST), asked(headers={header: "s"}, messages=SECOND[2:])
    assert recalled(Affinity(SetClock()), first, then) == ("b", "b#1")


@pytest.mark.parametrize(
    "then",
    [
        asked(key_id="key_2", messages=SECOND),
        asked(model="other", messages=SECOND),
        asked(messages=[{"role": "user", "content": "Other"}, *SECOND[2:]]),
    ],
)
def test_another_key_model_or_beginning_is_another_talk(then: Exchange) -> None:
    """Nothing of one customer's conversation steers another's."""
    assert recalled(Affinity(SetClock()), asked(messages=FIRST), then) is None


def test_a_question_without_history_goes_anywhere() -> None:
    """The same first question asked a thousand times is spread over all channels."""
    assert recalled(Affinity(SetClock()), asked(messages=FIRST), asked(messages=FIRST)) is None


def test_a_talk_is_forgotten_after_hours() -> None:
    """What the upstream has forgotten is not worth a preference."""
    clock = SetClock()
    affinity = Affinity(clock)
    conversation, later = (
        affinity.conversation_of(asked(messages=FIRST)),
        affinity.conversation_of(asked(messages=SECOND)),
    )
    assert conversation is not None
    assert later is not None
    affinity.remember(conversation, ANSWERED)
    clock.time += timedelta(seconds=REMEMBERED_S + 1)
    assert affinity.recall(later) is None


def test_a_first_question_behind_many_turns_is_not_looked_for() -> None:
    """Eight turns are the beginning: what differs behind them differs in the same conversation, what differs in them does not."""
    answers = [{"role": "assistant", "content": str(index)} for index in range(8)]
    longer = asked(messages=[*answers, *FIRST])
    affinity = Affinity(SetClock())
    assert affinity.conversation_of(asked(messages=[*answers, *SECOND])) == affinity.conversation_of(longer)
    assert affinity.conversation_of(asked(messages=[*answers[1:], *SECOND])) != affinity.conversation_of(longer)


def test_no_object_is_made_of_turns_behind_the_beginning() -> None:
    """A body of a few megabytes can hold a million turns."""
    made, affinity = asked(), Affinity(SetClock())
    made.fields = {"messages": msgspec.Raw(b'[{"role":"user"}' + b",1" * 1_000_000 + b"]")}
    tracemalloc.start()
    conversation = affinity.conversation_of(made)
    _, held_bytes_max = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert conversation is not None
    assert held_bytes_max < 100_000


@pytest.mark.parametrize("fields", [{}, {"messages": "no list"}, {"input": 3}])
def test_what_is_no_talk_is_none(fields: dict[str, Any]) -> None:
    """A body without turns tells nothing."""
    assert Affinity(SetClock()).conversation_of(asked(**fields)) is None
