"""Every misbehaviour, as the relay's own transport meets it on a real socket."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from relay import Deadlines, UpstreamBrokenError, UpstreamConnectError, UpstreamRequest, UpstreamTimeoutError
from relay.core.upstream import UpstreamClient
from relay.plugins.channels.simulator import SimulatorServer
from relay.plugins.channels.simulator.behaviours import ANSWERS, NAMES, REPLIES, WIRES
from relay.plugins.channels.simulator.reply import Reply

DEADLINES = Deadlines(connect_s=10, first_event_s=0.25, idle_s=0.15, total_s=30)
SILENT = {"hang", "hang-head", "hang-midway", "slow-loris", "slow-loris-head"}
"""These pass a deadline; the others come however slow the machine is."""

PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "responses": "/v1/responses",
    "gemini": "/v1beta/models/{model}:{action}?alt=sse",
    "gemini_array": "/v1beta/models/{model}:{action}",
}


class Caller:
    """Asks the simulator for one behaviour and reads the answer to its end."""

    def __init__(self, transport: UpstreamClient, url: str) -> None:
        self._transport = transport
        self._url = url

    async def ask(self, behaviour: str, *, stream: bool = True, dialect: str = "openai") -> tuple[int, bytes]:
        path = PATHS[dialect].format(
            model=f"m%2B{behaviour}", action="streamGenerateContent" if stream else "generateContent"
        )
        document: dict[str, Any] = {"model": f"m+{behaviour}", "stream": stream, "max_tokens": 500}
        document |= {"messages": [{"role": "user", "content": "hi"}], "stream_options": {"include_usage": True}}
        document |= {"input": "hi", "contents": [{"parts": [{"text": "hi"}]}]}
        request = UpstreamRequest(url=self._url + path, headers={}, body=msgspec.json.encode(document))
        response = await self._transport.send(request, DEADLINES if behaviour in SILENT else Deadlines())
        body = b""
        while data := await response.read():
            body += data
        return response.status, body


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with UpstreamClient() as transport, SimulatorServer().running() as server:
        yield Caller(transport, server.url)


def test_every_behaviour_has_one_name() -> None:
    """No name stands in two tables."""
    assert len(NAMES) == len(ANSWERS) + len(REPLIES) + len(WIRES)


UNSEEN = {"slow-first", "slow", "overrun"}
"""Where the answer itself is honest: late, paced, or with foreign bytes behind it."""


@pytest.mark.parametrize("name", sorted(NAMES - UNSEEN))
@pytest.mark.parametrize("dialect", PATHS)
async def test_every_behaviour_spoils_a_stream(caller: Caller, name: str, dialect: str) -> None:
    """Each one, in each dialect, ends in an error or in other bytes than the honest answer's."""
    _, honest = await caller.ask("", dialect=dialect)
    seen = b""
    with suppress(UpstreamBrokenError, UpstreamConnectError, UpstreamTimeoutError):
        _, seen = await caller.ask(name, dialect=dialect)
    assert seen.replace(f"m+{name}".encode(), b"m+") != honest


def test_the_only_event_of_a_stream_is_cut_in_itself() -> None:
    """No other comes before it, as where a short text is spoken."""
    assert REPLIES["cut-event"](Reply(pieces=[b"data: 12\n\n"], is_stream=True)).body == b"data:"


async def test_late_answer_is_the_honest_one(caller: Caller) -> None:
    """200 ms before the head change nothing else."""
    _, honest = await caller.ask("")
    assert (await caller.ask("slow-first"))[1].replace(b"m+slow-first", b"m+") == honest


@pytest.mark.parametrize(
    ("name", "status"),
    [("400", 400), ("context", 400), ("401", 401), ("402", 402), ("403", 403), ("403-policy", 403), ("404", 404),
     ("413", 413), ("429", 429), ("quota", 429), ("500", 500), ("503", 503), ("529", 529), ("html", 502),
     ("redirect", 302), ("200-error", 200), ("200-html", 200)],
)  # fmt: skip
async def test_named_status_is_answered(caller: Caller, name: str, status: int) -> None:
    """Errors have the status of their name."""
    assert (await caller.ask(name))[0] == status


@pytest.mark.parametrize("name", ["shut", "reset", "garbage", "bad-status", "big-head", "two-lengths", "gzip"])
async def test_answer_that_is_none(caller: Caller, name: str) -> None:
    """Without a usable head there is no answer."""
    with pytest.raises(UpstreamConnectError):
        await caller.ask(name)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("name", ["shut-midway", "reset-midway", "bad-chunk", "short-length"])
async def test_answer_that_breaks_off(caller: Caller, name: str, stream: bool) -> None:
    """A body that ends before its framing says is broken."""
    with pytest.raises(UpstreamBrokenError):
        await caller.ask(name, stream=stream)


@pytest.mark.parametrize(
    ("name", "deadline"),
    [("hang", "first_event"), ("hang-head", "first_event"), ("hang-midway", "idle"), ("slow-loris", "idle"),
     ("slow-loris-head", "first_event")],
)  # fmt: skip
async def test_answer_that_passes_a_deadline(caller: Caller, name: str, deadline: str) -> None:
    """Silence and drips pass the deadline that they should."""
    with pytest.raises(UpstreamTimeoutError) as caught:
        await caller.ask(name, stream=False)
    assert caught.value.deadline == deadline


async def test_overrun_does_not_reach_the_next_request(caller: Caller) -> None:
    """The foreign answer behind the first is never the second's."""
    assert b"foreign" not in (await caller.ask("overrun", stream=False))[1]
    assert b"foreign" not in (await caller.ask("", stream=False))[1]


@pytest.mark.parametrize(
    ("name", "mark"),
    [("cut-text", b"[DONE]"), ("cut-event", b"[DONE]"), ("cut-end", b"[DONE]"), ("error-midway", b"[DONE]"),
     ("error-first", b"choices"), ("empty", b'"content":"You'), ("usage-missing", b"completion_tokens")],
)  # fmt: skip
async def test_what_is_left_out_is_not_there(caller: Caller, name: str, mark: bytes) -> None:
    """A cut stream has no end mark, an empty one no text, a silent one no figures."""
    assert mark not in (await caller.ask(name))[1]


@pytest.mark.parametrize(
    ("name", "mark"),
    [("thinking-cut", b'"finish_reason":"length"'), ("refusal", b'"refusal":"can'), ("usage-zero", b'"completion_tokens":0,'),
     ("usage-negative", b'"completion_tokens":-5,'), ("usage-huge", b'"completion_tokens":9223372036854775808,'),
     ("usage-text", b'"completion_tokens":"many"'), ("model-swapped", b'"model":"a-cheaper-model"'),
     ("big-event", b"x" * 6 * 1024 * 1024), ("keep-alive", b": keep-alive\n\n"), ("garbage-event", b"[{\n\n"),
     ("error-midway", b'"type":"server_error"')],
)  # fmt: skip
async def test_what_is_put_in_is_there(caller: Caller, name: str, mark: bytes) -> None:
    """Each lie and each disturbance is in the stream."""
    assert mark in (await caller.ask(name))[1]


@pytest.mark.parametrize(
    ("dialect", "name", "mark"),
    [("responses", "cut-end", b"response.completed"), ("gemini", "cut-end", b"finishReason"),
     ("gemini_array", "cut-end", b"\n]"), ("responses", "error-midway", b"response.completed"),
     ("gemini", "error-midway", b"finishReason"), ("gemini", "usage-missing", b"usageMetadata"),
     ("responses", "usage-missing", b"input_tokens"), ("responses", "empty", b"output_item"),
     ("gemini", "empty", b'"text":"You')],
)  # fmt: skip
async def test_what_is_left_out_of_other_dialects_is_not_there(
    caller: Caller, dialect: str, name: str, mark: bytes
) -> None:
    """Each has its own end mark, figures and words."""
    assert mark not in (await caller.ask(name, dialect=dialect))[1]


@pytest.mark.parametrize(
    ("dialect", "name", "mark"),
    [("responses", "error-first", b"event: error\n"), ("responses", "error-midway", b"event: response.failed\n"),
     ("gemini", "error-first", b'data: {"error":{"code":503,'), ("gemini_array", "error-midway", b',\r\n{"error":{"code":503,'),
     ("responses", "thinking-cut", b"response.incomplete"), ("gemini", "thinking-cut", b"MAX_TOKENS"),
     ("responses", "refusal", b'"refusal":"I can'), ("gemini", "refusal", b"SAFETY"),
     ("responses", "usage-huge", b'"output_tokens":9223372036854775808,'), ("gemini", "usage-text", b'"candidatesTokenCount":"many"'),
     ("responses", "keep-alive", b"event: keepalive\n"), ("gemini", "keep-alive", b"data: {}\r\n"),
     ("gemini", "model-swapped", b'"modelVersion":"a-cheaper-model"')],
)  # fmt: skip
async def test_what_is_put_in_other_dialects_is_there(caller: Caller, dialect: str, name: str, mark: bytes) -> None:
    """Each lie and each failure, as that vendor would say it."""
    assert mark in (await caller.ask(name, dialect=dialect))[1]


@pytest.mark.parametrize(
    ("dialect", "said"),
    [("responses", {"message": "slow down", "type": "rate_limit_error", "param": None, "code": "rate_limit_error"}),
     ("gemini", {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"})],
)  # fmt: skip
async def test_errors_have_the_dialect_s_own_form(caller: Caller, dialect: str, said: dict[str, Any]) -> None:
    """Its status and its words."""
    status, body = await caller.ask("429", dialect=dialect)
    assert (status, msgspec.json.decode(body)["error"]) == (429, said)


async def test_unknown_behaviour_is_said_so(caller: Caller) -> None:
    """A slip in a test's model name does not pass for honest."""
    status, body = await caller.ask("emtpy")
    assert (status, msgspec.json.decode(body)["error"]["message"]) == (404, "no behaviour 'emtpy'")
