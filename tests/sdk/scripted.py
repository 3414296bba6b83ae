"""An upstream that calls two tools at once, which the simulator does not, in both dialects."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from tests.upstreams import Received, Step, Upstream, document, stream

CITIES = ("Lisbon", "上海")
OPENAI_USAGE = {"prompt_tokens": 100, "completion_tokens": 40, "total_tokens": 140}
ANTHROPIC_USAGE = {"input_tokens": 100, "output_tokens": 40}


@contextmanager
def scripted_upstream() -> Iterator[Upstream]:
    """Serve in a thread of its own, so that blocking clients can be tested too."""
    upstream = Upstream(_script)
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        async with upstream.opened():
            stop = asyncio.Event()
            started.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, stop = started.result(10)
    try:
        yield upstream
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def _script(request: Received) -> list[Step]:
    is_stream = request.document.get("stream") is True
    if request.path == "/v1/messages":
        return stream(_anthropic_stream(), seed=1) if is_stream else document(_message(_blocks(), "tool_use"))
    return stream(_openai_stream(), seed=1) if is_stream else document(_completion())


def _arguments(city: str) -> str:
    return json.dumps({"city": city}, ensure_ascii=False)


def _completion() -> dict[str, Any]:
    calls = [
        {"id": f"call_{index}", "type": "function", "function": {"name": "weather", "arguments": _arguments(city)}}
        for index, city in enumerate(CITIES)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    return _envelope("chat.completion", [choice], OPENAI_USAGE)


def _openai_stream() -> str:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None}]
    for index, city in enumerate(CITIES):
        function = {"name": "weather", "arguments": ""}
        deltas.append(
            {"tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": function}]}
        )
        pieces = (_arguments(city)[:4], _arguments(city)[4:])
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls"})
    chunks = [_envelope("chat.completion.chunk", [choice], None) for choice in choices]
    chunks.append(_envelope("chat.completion.chunk", [], OPENAI_USAGE))
    return "".join(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _envelope(kind: str, choices: list[Any], usage: dict[str, int] | None) -> dict[str, Any]:
    return {"id": "c1", "object": kind, "created": 1, "model": "gpt-scripted", "choices": choices, "usage": usage}


def _blocks() -> list[dict[str, Any]]:
    return [
        {"type": "tool_use", "id": f"toolu_{index}", "name": "weather", "input": {"city": city}}
        for index, city in enumerate(CITIES)
    ]


def _message(blocks: list[Any], stop_reason: str | None) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-scripted",
        "content": blocks,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": ANTHROPIC_USAGE if stop_reason else {"input_tokens": 100, "output_tokens": 1},
    }


def _anthropic_stream() -> str:
    events: list[dict[str, Any]] = [{"type": "message_start", "message": _message([], None)}]
    for index, (block, city) in enumerate(zip(_blocks(), CITIES, strict=True)):
        events.append({"type": "content_block_start", "index": index, "content_block": {**block, "input": {}}})
        for piece in ("", _arguments(city)[:4], _arguments(city)[4:]):
            delta = {"type": "input_json_delta", "partial_json": piece}
            events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": "tool_use", "stop_sequence": None}
    events.append({"type": "message_delta", "delta": end, "usage": {"output_tokens": 40}})
    events.append({"type": "message_stop"})
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n" for event in events)
