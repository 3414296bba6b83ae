"""What is sent instead of a request that was refused for system text within its conversation."""

import json
from pathlib import Path

import msgspec
import pytest

from relay.core.dialects.system_refusals import said_by_the_user
from relay.core.errors import UpstreamStatusError
from relay.core.exchange import ChannelRequest, Dialect
from tests.shops import reselling
from tests.upstreams import Received, Step, document

REFUSALS = [
    "role 'system' is not supported on this model",
    'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an '
    "input message role.",
]
"""Of Claude 4.7, and of older models. Source: BerriAI/litellm#32831, ianarawjo/ChainForge#271, read 2026-11-30."""
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


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (request(TALK), "system: expected text or a list"),
        (request(TALK, "openai_chat"), REFUSALS[0]),
        (request(b'["system"]'), REFUSALS[0]),
        (request(b'[{"role":"system","content":' + b"[" * 5000 + b"]" * 5000 + b"}]"), REFUSALS[0]),
    ],
    ids=["another complaint", "another dialect", "no turns", "too deep"],
)
def test_the_refusal_stands(made: ChannelRequest, words: str) -> None:
    """Where it is about something else, or the turns can't be read; the request stays as it is."""
    before = made.body()
    assert not said_by_the_user(made, refusal(words))
    assert made.body() == before


async def test_an_older_model_is_asked_once_more(tmp_path: Path) -> None:
    """The customer sees the answer alone; the log shows both attempts, and one charge."""
    answer = {
        "type": "message",
        "model": "claude",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 2},
    }

    def script(received: Received) -> list[Step]:
        if b'"role":"system"' not in received.body:
            return document(answer)
        error = {"type": "invalid_request_error", "message": REFUSALS[0]}
        return document({"type": "error", "error": error}, status=400)

    async with reselling(tmp_path, script) as (upstream, shop):
        turns = [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief."}]
        response = await shop.messages(messages=turns)
        [row] = await shop.log()
        attempts = shop.rows("select status, failure from attempt order by attempt_index")
    assert response.json() == answer
    assert [json.loads(each.body)["messages"][1] for each in upstream.received] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Be brief."},
    ]
    assert (row["outcome"], row["charge_nano"]) == ("complete", 60_000)
    assert attempts == [{"status": 400, "failure": "request"}, {"status": 200, "failure": None}]
