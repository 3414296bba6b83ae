"""Recorded streams that came to their end: the customer's bytes for every cut, usage and outcome."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.core.dialects.recordings import STREAMS, Expected
from tests.core.dialects.replay import as_shown
from tests.wire.recordings import Recording, load
from tests.wire.replay import Counter, counter, play, sent_path, sent_upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHOLE = [each for each in STREAMS if each.outcome in ("complete", "empty", "refused")]
USAGE_CHUNK_OF_ITS_OWN = [
    "openai-chat/cached-stream",
    "openai-chat/json-schema-stream",
    "openai-chat/length-stream",
    "openai-chat/logprobs-stream",
    "openai-chat/reasoning-stream",
    "openai-chat/refusal-stream",
    "openai-chat/stream-obfuscation",
    "openai-chat/stream-usage",
    "openai-chat/tools-parallel-stream",
    "openai-chat/tools-stream",
    "openai-chat/tools-truncated-stream",
    "xai/reasoning-stream",
    "xai/stream",
    "groq/stream",
    "qwen/ollama-qwen3-tools-stream",
    "qwen/tools-stream",
    "compat/ollama-stream",
    "derived/openai-chat-empty",
    "derived/openai-chat-no-done",
]
"""Streams in which usage stands in a chunk without choices; elsewhere it rides on another chunk, and stays."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def till(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    recordings = [load(each.name, each.dialect) for each in WHOLE]
    beside = frozenset(each.name for each in WHOLE if each.is_reasoning_beside_output)
    async with counter(tmp_path_factory.mktemp("streams"), recordings, beside) as opened:
        yield opened


@pytest.mark.parametrize("expected", WHOLE, ids=lambda each: each.name)
async def test_a_stream_passes_byte_for_byte_and_is_metered(till: Counter, expected: Expected, seed: int) -> None:
    """However it is cut, the customer gets the recorded events but for the shop's costs, and the log row usage and outcome."""
    recording = load(expected.name, expected.dialect)
    response = await till.ask(recording, play(recording, seed))
    usage = till.usage(response)
    assert (response.status_code, response.content) == (200, as_shown(recording.raw) + expected.added.encode())
    assert till.row(response)["outcome"] == expected.outcome
    assert usage.source == "estimated" if expected.usage is None else usage == expected.usage


@pytest.mark.parametrize("expected", WHOLE, ids=lambda each: each.name)
async def test_a_stream_is_asked_for_as_recorded_and_with_usage(till: Counter, expected: Expected) -> None:
    """The upstream gets the recorded body; a chat request asks for usage whether or not it did."""
    recording = load(expected.name, expected.dialect)
    await till.ask(recording, play(recording))
    [received] = till.upstream.received
    assert (received.path, received.body) == (sent_path(recording), sent_upstream(recording))
    assert recording.headers.items() <= received.headers.items()


@pytest.mark.parametrize("name", USAGE_CHUNK_OF_ITS_OWN)
async def test_the_usage_chunk_is_hidden_where_it_was_not_asked_for(till: Counter, name: str, seed: int) -> None:
    """The same stream, asked for without include_usage, passes without that one chunk and is metered alike."""
    asked = load(name, "openai_chat")
    recording = replace(asked, body={key: asked.body[key] for key in asked.body if key != "stream_options"})
    [expected] = [each for each in WHOLE if each.name == name]
    response = await till.ask(recording, play(recording, seed))
    assert response.content == without_usage_chunk(recording) + expected.added.encode()
    assert till.usage(response) == expected.usage


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"], ids=["crlf", "cr"])
@pytest.mark.parametrize("name", ["openai-chat/stream-usage", "zhipu/stream", "anthropic/thinking-tools-stream"])
async def test_other_line_ends_pass_as_they_came(till: Counter, name: str, line_end: bytes, seed: int) -> None:
    """CR LF and CR end lines too, also where a cut parts the two."""
    [expected] = [each for each in WHOLE if each.name == name]
    recording = load(name, expected.dialect)
    raw = recording.raw.replace(b"\n", line_end)
    response = await till.ask(recording, play(recording, seed, raw=raw))
    assert response.content == raw
    assert till.usage(response) == expected.usage


@pytest.mark.parametrize(
    "name", ["openai-chat/stream-usage", "openai-responses/stream", "anthropic/stream", "gemini/stream"]
)
async def test_a_stream_passes_without_the_blank_line_behind_its_last_event(
    till: Counter, name: str, seed: int
) -> None:
    """Some upstreams end so: the customer gets the same bytes, and the log row the same figures."""
    [expected] = [each for each in WHOLE if each.name == name]
    recording = load(name, expected.dialect)
    raw = recording.raw.rstrip(b"\r\n")
    response = await till.ask(recording, play(recording, seed, raw=raw))
    assert response.content == raw
    assert (till.row(response)["outcome"], till.usage(response)) == (expected.outcome, expected.usage)


@pytest.mark.parametrize("name", ["openai-responses/stream", "anthropic/stream"])
async def test_an_end_mark_that_the_dialect_does_not_know_passes(till: Counter, name: str) -> None:
    """As it came, where it comes along with the end: OpenRouter's Responses have one."""
    recording = load(name, "openai_responses" if name.startswith("openai") else "anthropic_messages")
    raw = recording.raw + b"data: [DONE]\n\n"
    response = await till.ask(recording, play(recording, raw=raw))
    assert response.content == raw
    assert till.row(response)["outcome"] == "complete"


@pytest.mark.parametrize("name", ["openai-chat/stream-usage", "anthropic/thinking-stream"])
async def test_a_stream_passes_cut_at_every_byte(till: Counter, name: str) -> None:
    """One byte a read gives the same bytes and the same figures."""
    [expected] = [each for each in WHOLE if each.name == name]
    recording = load(name, expected.dialect)
    head, *_ = play(recording)
    single = [b"1\r\n" + recording.raw[at : at + 1] + b"\r\n" for at in range(len(recording.raw))]
    response = await till.ask(recording, [head, *single, b"0\r\n\r\n"])
    assert response.content == recording.raw
    assert till.usage(response) == expected.usage


def without_usage_chunk(recording: Recording) -> bytes:
    """Return the stream without its one chunk that has usage and no choices."""
    events = recording.raw.removesuffix(b"\n\n").split(b"\n\n")
    kept = [event for event in events if not _is_usage_chunk(event)]
    assert len(kept) == len(events) - 1
    return as_shown(b"\n\n".join(kept) + b"\n\n")


def _is_usage_chunk(event: bytes) -> bool:
    if b'"usage"' not in event:
        return False
    chunk = json.loads(event.removeprefix(b"data: "))
    return chunk["choices"] == [] and bool(chunk["usage"])
