"""What is sent instead of a request that was refused for system text within its conversation."""

import json
from pathlib import Path

import msgspec
import pytest

from relay.core.dialects.system_refusals import said_by_the_user
from relay.core.errors import UpstreamStatusError
from relay.core.exchange import ChannelRequest, Dialect
from tests.chats import CHAT, MESSAGE
from tests.shops import reselling
from tests.upstreams import Received, Step, document

REFUSALS = [
    "role 'system' is not supported on this model",
    'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an '
    "input message role.",
    "messages[1].role: unknown variant `system`, expected `user` or `assistant`",
    "messages[1].role must be either 'user' or 'assistant', but got 'system'",
    "System message must be at the beginning.",
]
"""Of Claude 4.7, of older models, of others who speak Messages, and of Qwen's chat template.

Source: BerriAI/litellm#32831, ianarawjo/ChainForge#271, QwenLM/Qwen#2244, anthropics/claude-code#63469,
vllm-project/vllm#41114, read 2026-11-30.
"""
MISPLACED = [
    "Unexpected role 'system' after role 'assistant'",
    "Expected last role User or Tool (or Assistant with prefix True) for serving but got system",
]
"""Of Mistral. Source: mistral-common validator.py, read 2026-11-30."""
TALK = b'[{"role":"user","content":"Hi"},{"role":"system","content":[ 1e3 ],"x":"system"},{"role":"assistant"}]'


def request(messages: bytes, dialect: Dialect = "anthropic_messages") -> ChannelRequest:
    fields = {"model": msgspec.Raw(b'"m"'), "messages": msgspec.Raw(messages)}
    return ChannelRequest(dialect=dialect, operation="chat", model="m", fields=fields, headers={}, stream=False)


def refusal(words: str) -> UpstreamStatusError:
    return UpstreamStatusError("request", 400, error_type="invalid_request_error", message=words)


@pytest.mark.parametrize("words", REFUSALS)
def test_the_user_says_what_the_system_may_not(words: str) -> None:
    """The roles change, and nothing else."""
    made = request(TALK)
    assert said_by_the_user(made, refusal(words))
    assert made.body() == b'{"model":"m","messages":' + TALK.replace(b'"role":"system"', b'"role":"user"') + b"}"
    assert not said_by_the_user(made, refusal(words))


def test_a_chat_may_begin_with_the_systems_text() -> None:
    """That stays where it is; what comes later, under either name, is the user's."""
    made = request(b'[{"role":"system"},{"role":"developer"},{"role":"user"},{"role":"system"}]', "openai_chat")
    assert said_by_the_user(made, refusal(REFUSALS[-1]))
    assert bytes(made.fields["messages"]) == b'[{"role":"system"},{"role":"user"},{"role":"user"},{"role":"user"}]'
    assert not said_by_the_user(made, refusal(REFUSALS[-1]))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        *((request(TALK), words) for words in MISPLACED),
        (request(TALK), "system: expected text or a list"),
        (request(TALK, "openai_responses"), REFUSALS[0]),
        (request(b'["system"]'), REFUSALS[0]),
        (request(b'[{"role":"system","content":' + b"[" * 100_000 + b"]" * 100_000 + b"}]"), REFUSALS[0]),
    ],
    ids=["of its place", "of the last", "another complaint", "another dialect", "no turns", "too deep"],
)
def test_the_refusal_stands(made: ChannelRequest, words: str) -> None:
    """Where it is about something else, or the turns can't be read; the request stays as it is."""
    before = made.body()
    assert not said_by_the_user(made, refusal(words))
    assert made.body() == before


@pytest.mark.parametrize("words", MISPLACED)
async def test_a_model_that_refuses_the_place_is_not_remembered(tmp_path: Path, words: str) -> None:
    """Others' system text stays the system's, where the model takes it."""

    def script(received: Received) -> list[Step]:
        is_refused = json.loads(received.body)["messages"][-1]["role"] == "system"
        return document({"message": words}, status=400) if is_refused else document(CHAT)

    turns = [{"role": role, "content": "Hi"} for role in ("user", "system", "assistant", "system")]
    async with reselling(tmp_path, script) as (upstream, shop):
        assert [(await shop.chat(messages=turns[:count])).status_code for count in (4, 3)] == [200, 200]
    assert [[turn["role"] for turn in json.loads(each.body)["messages"]] for each in upstream.received] == [
        ["user", "system", "assistant", "system"],
        ["user", "user", "assistant", "user"],
        ["user", "system", "assistant"],
    ]


async def test_an_older_model_is_asked_once_more(tmp_path: Path) -> None:
    """The customer sees the answer alone; the log shows both attempts, and one charge."""

    def script(received: Received) -> list[Step]:
        if b'"role":"system"' not in received.body:
            return document(MESSAGE)
        error = {"type": "invalid_request_error", "message": REFUSALS[0]}
        return document({"type": "error", "error": error}, status=400)

    async with reselling(tmp_path, script) as (upstream, shop):
        turns = [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}]
        response = await shop.messages(messages=turns)
        [row] = await shop.log()
        attempts = shop.rows("select status, failure from attempt order by attempt_index")
    assert response.json() == MESSAGE
    assert [json.loads(each.body)["messages"][1] for each in upstream.received] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Be brief."},
    ]
    assert (row["outcome"], row["charge_nano"]) == ("complete", 60_000)
    assert attempts == [{"status": 400, "failure": "request"}, {"status": 200, "failure": None}]


async def test_seals_and_system_text_may_both_be_refused(tmp_path: Path) -> None:
    """Once each: a conversation that has moved to another account has both, in every turn from then on."""
    thought = {"type": "thinking", "thinking": "Hm", "signature": "c2ln"}
    said = {"role": "assistant", "content": [thought, {"type": "text", "text": "Hi"}]}
    turns = [{"role": "user", "content": "Hi"}, said, {"role": "user", "content": "So?"}]
    refusals = ["Invalid `signature` in `thinking` block", REFUSALS[0], "Invalid `signature` in `thinking` block"]

    def script(_: Received) -> list[Step]:
        words = refusals[len(upstream.received) - 1]
        return document({"type": "error", "error": {"type": "invalid_request_error", "message": words}}, status=400)

    async with reselling(tmp_path, script) as (upstream, shop):
        response = await shop.messages(messages=[*turns, {"role": "system", "content": "Be brief."}])
        [row] = await shop.log()
        [held] = shop.rows("select sum(pending_nano) as nano from book")
    assert (response.status_code, response.json()["error"]["message"]) == (400, refusals[2])
    assert [(b'"thinking"' in each.body, b'"role":"system"' in each.body) for each in upstream.received] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    assert (row["outcome"], row["charge_nano"], held) == ("upstream_error", 0, {"nano": 0})


async def test_a_model_that_takes_it_at_the_beginning_alone_is_asked_once_more(tmp_path: Path) -> None:
    """Claude Code's requests, translated for it; the customer pays for the answer alone."""
    template = {"error": {"message": REFUSALS[-1], "type": "BadRequestError", "param": None, "code": 400}}

    def script(received: Received) -> list[Step]:
        return document(CHAT) if received.body.count(b'"role":"system"') == 1 else document(template, status=400)

    async with reselling(tmp_path, script) as (upstream, shop):
        turns = [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}]
        response = await shop.messages(model="gpt-4o-mini", system="Be kind.", messages=turns)
        [row] = await shop.log()
        attempts = shop.rows("select status, failure from attempt order by attempt_index")
        [held] = shop.rows("select sum(pending_nano) as nano from book")
    assert response.status_code == 200
    assert [[turn["role"] for turn in json.loads(each.body)["messages"]] for each in upstream.received] == [
        ["system", "user", "system"],
        ["system", "user", "user"],
    ]
    assert (row["outcome"], row["charge_nano"], held) == ("complete", 6_000_000, {"nano": 0})
    assert attempts == [{"status": 400, "failure": "request"}, {"status": 200, "failure": None}]
