"""An upstream that says a prompt where a name belongs: the customer gets its bytes, and no file gets the prompt."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.shops import Running, reselling
from tests.upstreams import Received, Step, document, stream

PROMPT = "You said: what is the capital of canary"

Ask = Callable[[Running], Awaitable[httpx.Response]]
CHUNK = {"id": "1", "object": "chat.completion.chunk", "model": PROMPT}
CHAT = {
    "model": PROMPT,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": PROMPT}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
}
PASS = {"type": "message", "model": PROMPT, "input_tokens": 1000, "output_tokens": 500}
MESSAGE: dict[str, Any] = {
    "type": "message",
    "role": "assistant",
    "model": PROMPT,
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": PROMPT,
    "usage": {"input_tokens": 1000, "output_tokens": 500, "iterations": [PASS, PASS]},
}


def events(*documents: dict[str, Any], end: str = "") -> list[Step]:
    """Return an event stream; Anthropic's events are named as their documents are."""
    named = (f"event: {each['type']}\n" if "type" in each else "" for each in documents)
    bodies = (msgspec.json.encode(each).decode() for each in documents)
    return stream("".join(f"{name}data: {body}\n\n" for name, body in zip(named, bodies, strict=True)) + end)


def chat_chunks(last: dict[str, Any]) -> list[Step]:
    first = {**CHUNK, "choices": [{"index": 0, "delta": {"content": "hi"}}]}
    return events(first, last, end="data: [DONE]\n\n")


def message_events(*last: dict[str, Any]) -> list[Step]:
    return events(
        {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        *last,
    )


ERROR = {"type": "error", "error": {"type": PROMPT, "message": PROMPT}}
STOP = {"type": "message_delta", "delta": {"stop_reason": PROMPT}, "usage": {"output_tokens": 500}}
WHOLE: dict[str, tuple[Ask, list[Step]]] = {
    "chat": (lambda shop: shop.chat(), document(CHAT)),
    "messages": (lambda shop: shop.messages(), document(MESSAGE)),
}
STREAMS: dict[str, tuple[Ask, list[Step]]] = {
    "chat": (
        lambda shop: shop.chat(stream=True),
        chat_chunks({**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": PROMPT}]}),
    ),
    "messages": (
        lambda shop: shop.messages(stream=True),
        message_events({"type": "content_block_stop", "index": 0}, STOP, {"type": "message_stop"}),
    ),
}
BROKEN: dict[str, tuple[Ask, list[Step]]] = {
    "chat": (lambda shop: shop.chat(stream=True), chat_chunks({"error": {"code": PROMPT, "message": PROMPT}})),
    "messages": (lambda shop: shop.messages(stream=True), message_events(ERROR)),
}


async def exchange(folder: Path, ask: Ask, answer: list[Step]) -> tuple[httpx.Response, dict[str, Any], list[str]]:
    """Return the answer, its row of the log, and the files in which the prompt stands."""

    def script(_: Received) -> list[Step]:
        return answer

    async with reselling(folder, script) as (_, shop):
        response = await ask(shop)
        (row,) = await shop.log()
        written = [file for file in shop.data.rglob("*") if file.is_file()]
        return response, row, [file.name for file in written if b"canary" in file.read_bytes()]


@pytest.mark.parametrize("form", WHOLE)
async def test_a_prompt_as_a_name_in_a_whole_answer_is_not_kept(tmp_path: Path, form: str) -> None:
    """Model and stop reason: that they were no names is kept, and the charge is as ever."""
    response, row, found = await exchange(tmp_path, *WHOLE[form])

    assert (response.status_code, PROMPT in response.text) == (200, True)
    assert (row["model_returned"], msgspec.json.decode(row["evidence"])["stop_reason"]) == ("no-name", "no-name")
    assert (row["outcome"], row["usage_source"], found) == ("complete", "upstream", [])


@pytest.mark.parametrize("form", STREAMS)
async def test_a_prompt_as_a_name_in_a_stream_is_not_kept(tmp_path: Path, form: str) -> None:
    """The same, event by event."""
    response, row, found = await exchange(tmp_path, *STREAMS[form])

    assert (response.status_code, PROMPT in response.text) == (200, True)
    assert (row["model_returned"], msgspec.json.decode(row["evidence"])["stop_reason"]) == ("no-name", "no-name")
    assert (row["outcome"], found) == ("complete", [])


@pytest.mark.parametrize("form", BROKEN)
async def test_a_prompt_as_the_type_of_an_error_is_not_kept(tmp_path: Path, form: str) -> None:
    """An error event in the middle of a stream."""
    response, row, found = await exchange(tmp_path, *BROKEN[form])

    assert response.status_code == 200
    assert (row["model_returned"], row["outcome"], found) == ("no-name", "truncated", [])
