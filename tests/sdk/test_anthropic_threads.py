"""Threads of Anthropic's SDK: the upstream keeps the talk, and only its owner goes on from there."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anthropic
import pytest

from tests.shops import HEAD, Running, serving
from tests.upstreams import Received, Step, Upstream, document, stream

PROFILE = (
    HEAD
    + """groups:
  plain: {{ratio: "1"}}
prices:
  claude-x: {{model_ratio: "1"}}
  gpt-x: {{model_ratio: "1"}}
channels:
  - {{name: a, use: channels.anthropic, base_url: "{url}", keys: ["file:upstream.key"], models: [claude-x],
      groups: [plain]}}
  - {{name: b, use: channels.anthropic, base_url: "{url}/b", keys: ["file:upstream.key"], models: [claude-x],
      groups: [plain]}}
  - {{name: c, use: channels.openai, base_url: "{url}", keys: ["file:upstream.key"], models: [gpt-x],
      groups: [plain]}}
"""
)
USER: anthropic.types.beta.BetaMessageParam = {"role": "user", "content": "Weather in Lisbon?"}
CREATE: anthropic.types.beta.BetaThreadCreateParams = {"type": "create"}
LOST = {
    "type": "error",
    "error": {
        "type": "not_found_error",
        "message": "No usable Thread state was found.",
        "details": {"error_code": "thread_not_found"},
    },
}


def message(number: int, block: Mapping[str, object], stop_reason: str) -> dict[str, object]:
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [block],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    }


def answer(request: Received, number: int) -> list[Step]:
    """Call a tool where none was called yet, else say something; in the form that is asked for."""
    is_result = b"tool_result" in request.body
    if request.path.endswith("/chat/completions"):
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Lisbon"}'}}
        said = {"role": "assistant", "content": "Sunny."} if b'"tool"' in request.body else {"tool_calls": [call]}
        choice = {"index": 0, "message": said, "finish_reason": "stop" if "content" in said else "tool_calls"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5}
        return document({"id": "c", "object": "chat.completion", "model": "gpt-x", "choices": [choice], "usage": usage})
    call = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Lisbon"}}
    whole = message(
        number, {"type": "text", "text": "Sunny."} if is_result else call, "end_turn" if is_result else "tool_use"
    )
    if request.document.get("stream") is not True:
        return document(whole)
    start: dict[str, object] = {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}
    text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Sunny."}}
    events: list[dict[str, object]] = [
        start,
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        text,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return stream("".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events), seed=1)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Running, Upstream, anthropic.AsyncAnthropic]]:
    upstream = Upstream(lambda request: answer(request, len(upstream.received)))
    async with (
        upstream.opened(),
        serving(folder, upstream.url, profile=PROFILE) as shop,
        anthropic.AsyncAnthropic(base_url=shop.url, api_key=shop.api_key, max_retries=0) as client,
    ):
        yield shop, upstream, client


@anthropic.beta_async_tool
async def weather(city: str) -> str:
    """Say the weather of a city."""
    return f"sunny in {city}"


def sent(upstream: Upstream) -> list[tuple[object, int]]:
    """Return what each request said of its thread, and how many messages it brought."""
    return [
        (each.document.get("thread"), len(list(each.document["messages"])))  # type: ignore[call-overload]
        for each in upstream.received
    ]


async def test_the_tool_runner_goes_on_where_it_was_answered(tmp_path: Path) -> None:
    """Only what is new is sent, and to the channel that keeps the rest; its input is paid for as the upstream says."""
    async with opened(tmp_path) as (shop, upstream, client):
        runner = client.beta.messages.tool_runner(model="claude-x", max_tokens=50, tools=[weather], messages=[USER])
        last = await runner.until_done()
        assert last.content[0].type == "text"
        assert sent(upstream) == [
            ({"type": "create"}, 1),
            ({"type": "continue", "previous_message_id": "msg_1"}, 1),
        ]
        assert len({each.path for each in upstream.received}) == 1
        rows = await shop.log(count=2)
        assert [row["charge_nano"] for row in rows] == [30_000, 30_000]


async def test_without_a_thread_nothing_is_kept(tmp_path: Path) -> None:
    """The upstream does not keep it either."""
    async with opened(tmp_path) as (shop, _, client):
        await client.beta.messages.create(model="claude-x", max_tokens=50, messages=[USER])
        await shop.log()
        assert shop.rows("select * from kept_answer") == []


async def test_a_streamed_answer_is_gone_on_from_as_well(tmp_path: Path) -> None:
    """Under the older version of the API, too."""
    async with opened(tmp_path) as (_, upstream, client):
        older = client.with_options(default_headers={"anthropic-version": "2023-06-01"})
        async with older.beta.messages.stream(
            model="claude-x", max_tokens=50, messages=[USER], thread=CREATE
        ) as streamed:
            first = await streamed.get_final_message()
        await older.beta.messages.create(
            model="claude-x",
            max_tokens=50,
            messages=[USER],
            thread={"type": "continue", "previous_message_id": first.id},
        )
        assert [each.headers["anthropic-version"] for each in upstream.received] == ["2023-06-01"] * 2


async def test_nobody_goes_on_from_a_message_that_was_not_theirs(tmp_path: Path) -> None:
    """The SDK's own error says to send the talk whole; nothing is asked upstream, not even to count."""
    async with opened(tmp_path) as (_, upstream, client):
        continued = {"type": "continue", "previous_message_id": "msg_9"}
        with pytest.raises(anthropic.NotFoundError) as refused:
            await client.beta.messages.create(
                model="claude-x",
                max_tokens=50,
                messages=[USER],
                thread={"type": "continue", "previous_message_id": "msg_9"},
            )
        assert refused.value.error_code == "thread_not_found"
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.count_tokens(
                model="claude-x", messages=[{"role": "user", "content": "hi"}], extra_body={"thread": continued}
            )
        assert upstream.received == []


async def test_a_thread_that_the_upstream_lost_is_sent_whole_again(tmp_path: Path) -> None:
    """Its own word for it reaches the SDK, which then begins a new one."""
    async with opened(tmp_path) as (_, upstream, client):

        def script(request: Received) -> list[Step]:
            is_continued = b'"continue"' in request.body
            return document(LOST, status=404) if is_continued else answer(request, len(upstream.received))

        upstream.script = script
        runner = client.beta.messages.tool_runner(model="claude-x", max_tokens=50, tools=[weather], messages=[USER])
        last = await runner.until_done()
        assert last.content[0].type == "text"
        assert sent(upstream) == [
            ({"type": "create"}, 1),
            ({"type": "continue", "previous_message_id": "msg_1"}, 1),
            ({"type": "create"}, 3),
        ]


async def test_the_tool_runner_does_without_where_another_api_answers(tmp_path: Path) -> None:
    """It is told that there are no threads, and sends the talk whole from then on."""
    async with opened(tmp_path) as (_, upstream, client):
        runner = client.beta.messages.tool_runner(model="gpt-x", max_tokens=50, tools=[weather], messages=[USER])
        last = await runner.until_done()
        assert last.content[0].type == "text"
        assert sent(upstream) == [(None, 1), (None, 3)]
