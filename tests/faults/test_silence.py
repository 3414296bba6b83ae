"""An upstream that is silent before its first event: keep-alives, and a choice that stays open meanwhile."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.core import heartbeat, streaming
from tests.faults.answers import Wire
from tests.shops import Running, reselling
from tests.upstreams import Received, Step, document, stream

WIRES = {
    "chat": Wire(is_anthropic=False, is_stream=True),
    "messages": Wire(is_anthropic=True, is_stream=True),
}
KEEP_ALIVES = {
    "chat": "\n\n",
    "messages": 'event: ping\ndata: {"type": "ping"}\n\n',
}
BETWEEN_EVENTS = {form: re.compile(rf"(?:^|(?<=\n\n)){re.escape(filler)}") for form, filler in KEEP_ALIVES.items()}
"""Finds keep-alives where they may stand: at the start, or behind a whole event."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a second of the constants a hundredth."""
    monkeypatch.setattr(streaming, "SILENCE_S", 0.1)
    monkeypatch.setattr(heartbeat, "TICK_S", 0.02)


PROFILE = """
shop: {{name: {{en: Test, zh: 测试}}}}
plugins: [{{use: auth.api_key}}, {{use: routing.priority_weighted}}, {{use: billing.token_ratio}}]
groups: {{plain: {{ratio: "1"}}}}
prices:
  gpt-4o-mini: {{model_ratio: "1", completion_ratio: "4"}}
  claude-sonnet-4-5: {{model_ratio: "1", completion_ratio: "4"}}
channels:
  - {{name: o-a, use: channels.openai, base_url: "{url}", keys: ["file:upstream.key"], models: [gpt-4o-mini], groups: [plain]}}
  - {{name: o-b, use: channels.openai, base_url: "{url}", keys: ["file:upstream.key"], models: [gpt-4o-mini], groups: [plain]}}
  - {{name: a-a, use: channels.anthropic, base_url: "{url}", keys: ["file:upstream.key"], models: [claude-sonnet-4-5], groups: [plain]}}
  - {{name: a-b, use: channels.anthropic, base_url: "{url}", keys: ["file:upstream.key"], models: [claude-sonnet-4-5], groups: [plain]}}
"""


async def ask(shop: Running, form: str) -> str:
    """Return the text of one stream."""
    response = await (shop.chat(stream=True) if form == "chat" else shop.messages(stream=True))
    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    return response.text


@pytest.mark.parametrize("form", WIRES)
async def test_silence_is_bridged_by_keep_alives_and_the_answer_follows(tmp_path: Path, form: str) -> None:
    """At least two, in the dialect's own form, before the first byte of the answer."""
    wire = WIRES[form]
    late: list[Step] = [0.35, *wire.honest()]
    async with reselling(tmp_path, lambda _: late, profile=PROFILE) as (_, shop):
        text = await ask(shop, form)
        [row] = await shop.log()
    answer, silence = BETWEEN_EVENTS[form].subn("", text)
    usage = None if form == "chat" else "500"
    assert (2 <= silence <= 4, answer) == (True, wire.begin + wire.output + wire.stop(usage) + wire.end)
    assert text.startswith(KEEP_ALIVES[form] * silence)
    assert (row["outcome"], row["charge_nano"]) == ("complete", 6_000_000)


async def test_a_picture_that_comes_whole_behind_a_keep_alive_is_no_part_of_the_stream(tmp_path: Path) -> None:
    """No document can follow what was sent: the stream ends in an error event, and nothing is charged."""
    drawn = document({"created": 1, "data": [{"b64_json": "AAAA"}], "usage": {"input_tokens": 3, "output_tokens": 5}})
    async with reselling(tmp_path, lambda _: [0.35, *drawn], profile=PROFILE) as (_, shop):
        body = {"model": "gpt-4o-mini", "prompt": "A lion", "stream": True}
        response = await shop.client.post("/v1/images/generations", json=body, headers=shop.headers)
        [row] = await shop.log()
    assert response.text.startswith(KEEP_ALIVES["chat"])
    assert ("AAAA" in response.text, response.text.count('"code":"upstream_error"')) == (False, 1)
    assert (row["outcome"], row["charge_nano"]) == ("upstream_error", 0)


@pytest.mark.parametrize("form", WIRES)
async def test_another_channel_may_still_answer_after_a_keep_alive(tmp_path: Path, form: str) -> None:
    """The status has gone out, but no output has: the first channel's failure stays unseen."""
    wire = WIRES[form]

    def script(_: Received) -> list[Step]:
        return [0.15, "reset"] if len(upstream.received) == 1 else wire.honest()

    async with reselling(tmp_path, script, profile=PROFILE) as (upstream, shop):
        text = await ask(shop, form)
        [row] = await shop.log()
    assert text.startswith(KEEP_ALIVES[form])
    assert text.endswith(wire.end)
    assert (row["outcome"], row["attempt_count"], row["charge_nano"]) == ("complete", 2, 6_000_000)


@pytest.mark.parametrize("form", WIRES)
async def test_a_failure_after_a_keep_alive_is_an_error_event_and_costs_nothing(tmp_path: Path, form: str) -> None:
    """There is no status left to tell it by."""
    async with reselling(tmp_path, lambda _: [0.15, "reset"], profile=PROFILE) as (_, shop):
        text = await ask(shop, form)
        [row] = await shop.log()
    event = BETWEEN_EVENTS[form].sub("", text)
    assert text.startswith(KEEP_ALIVES[form])
    assert event.startswith("event: error\ndata: {" if form == "messages" else "data: {")
    assert event.count('"code":"upstream_error"') == 1
    assert (row["outcome"], row["attempt_count"], row["charge_nano"]) == ("upstream_error", 2, 0)


@pytest.mark.parametrize("form", WIRES)
async def test_silence_in_the_middle_is_bridged_between_whole_events(tmp_path: Path, form: str) -> None:
    """An event that has come in half is never cut by a keep-alive."""
    wire = WIRES[form]
    raw = (wire.begin + wire.output + wire.stop() + wire.end).encode()
    cut = len(wire.begin.encode()) + 20
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(raw)
    later = len((wire.begin + wire.output).encode()) - 10
    steps: list[Step] = [head + raw[:cut], 0.05, raw[cut:later], 0.3, raw[later:]]
    async with reselling(tmp_path, lambda _: steps, profile=PROFILE) as (_, shop):
        text = await ask(shop, form)
    usage = None if form == "chat" else "500"
    answer, silence = BETWEEN_EVENTS[form].subn("", text)
    assert silence > 0
    assert answer == wire.begin + wire.output + wire.stop(usage) + wire.end


async def test_silence_among_numbered_events_is_bridged_by_comments(tmp_path: Path) -> None:
    """Once an event had an id, a blank line is an event without data to OpenAI's SDK for Python, which fails at it."""
    wire = WIRES["chat"]
    begun, rest, shown = (
        events.replace("data: ", "id: 7\ndata: ")
        for events in (wire.begin + wire.output, wire.stop() + wire.end, wire.stop(None) + wire.end)
    )
    steps: list[Step] = [*stream(begun)[:-1], 0.3, *stream(rest)[1:]]
    async with reselling(tmp_path, lambda _: steps, profile=PROFILE) as (_, shop):
        text = await ask(shop, "chat")
    silence = text.removeprefix(begun).removesuffix(shown)
    assert silence
    assert text == begun + silence + shown
    assert not silence.replace(":\n", "")


async def test_the_time_that_a_request_took_to_come_is_no_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends slowly is still told by a status that the upstream refuses at once."""
    monkeypatch.setattr(streaming, "SILENCE_S", 1.0)

    async def slowly(body: bytes) -> AsyncIterator[bytes]:
        yield body[:10]
        await asyncio.sleep(1.3)
        yield body[10:]

    refusal: list[Step] = [0.05, *document({"error": {"message": "too much"}}, 429)]
    async with reselling(tmp_path, lambda _: refusal, profile=PROFILE) as (_, shop):
        body = slowly(json.dumps(shop.chat_body(stream=True)).encode())
        answer = await shop.client.post("/v1/chat/completions", content=body, headers=shop.headers)
    assert answer.status_code == 429
