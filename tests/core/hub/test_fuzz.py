"""Whatever a customer or an upstream sends: a named error or an answer, never a crash.

Documents are built from the words of all dialects, at random places, so that they come close to
being right. `make fuzz` runs each property a million times.
"""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.core.dialects import ENDPOINTS, RULES
from relay.core.errors import BadRequestError, RejectedError, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Dialect
from relay.core.hub.codecs import CODECS
from relay.core.hub.translation import TranslatedReader, Translation
from tests.core.dialects.replay import exchange

from .recorded import opening

FUZZ_EXAMPLES = 1_000_000
RUN_EXAMPLES = 1_000
"""Few enough for the time that a test has, and for memory: hypothesis keeps every example of a run.

A run that is stopped while an example is drawn is reported as a strategy that is flaky.
"""
WORDS = [
    "allowed_tools", "anthropic_messages", "any", "args", "arguments", "assistant", "auto", "base64", "blockReason",
    "budget_tokens", "cache_control", "call_id", "candidates", "choices", "citations", "code", "content",
    "content_block", "content_block_delta", "content_block_start", "content_block_stop", "content_index", "contents",
    "custom", "data", "delta", "disabled", "document", "effort", "enabled", "encrypted_content", "end_turn", "error",
    "file", "file_data", "finishReason", "finish_reason", "format", "function", "functionCall", "functionDeclarations",
    "functionResponse", "function_call", "function_call_output", "generationConfig", "high", "id", "image", "image_url",
    "include_usage", "index", "inlineData", "input", "input_audio", "input_image", "input_json_delta", "input_schema",
    "input_text", "instructions", "is_error", "item", "json_schema", "max_tokens", "media_type", "message",
    "message_delta", "message_start", "message_stop", "messages", "mimeType", "model", "n", "name", "none", "object",
    "output", "output_config", "output_index", "output_text", "parameters", "part", "partial_json", "parts",
    "promptFeedback", "reasoning", "reasoning_content", "redacted_thinking", "refusal", "response",
    "response.completed", "response.created", "response.failed", "response.function_call_arguments.delta",
    "response.output_item.added", "response.output_item.done", "response.output_text.delta", "response_format",
    "responseSchema", "role", "schema", "signature", "source", "status", "stop", "stop_reason", "stream", "strict",
    "summary", "system", "text", "text_delta", "thinking", "thinkingConfig", "thinking_delta", "thought",
    "thoughtSignature", "tool", "tool_calls", "tool_choice", "tool_result", "tool_use", "tool_use_id", "tools", "type",
    "url", "usage", "usageMetadata", "user",
]  # fmt: skip
"""Names and values that mean something in one dialect or another."""

LEAVES = st.sampled_from(WORDS) | st.none() | st.booleans() | st.integers(-1, 9) | st.text(max_size=3)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.sampled_from(WORDS), DOCUMENTS, max_size=8)
CROSSINGS = [(customer, channel) for customer in CODECS for channel in CODECS if customer != channel]
RUN_COUNT = -(-FUZZ_EXAMPLES // (RUN_EXAMPLES * (len(CODECS) - 1)))
"""So many that each decoder reads a million: an example goes through it once for every other dialect."""
OPENINGS: dict[Dialect, dict[str, Any]] = {
    "openai_chat": {"model": "m", "messages": [{"role": "user", "content": "Hi"}]},
    "openai_responses": {"model": "m", "input": [{"role": "user", "content": "Hi"}]},
    "anthropic_messages": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]},
    "gemini_generate": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
}
TURNS: dict[Dialect, str] = {"openai_responses": "input", "gemini_generate": "contents"}


def check_request(document: dict[str, Any]) -> None:
    """Let every endpoint read *document*: it is taken, or refused by name."""
    for rules in ENDPOINTS:
        with contextlib.suppress(RejectedError):
            rules.read_request(exchange(rules.name), json.dumps(document).encode())


def check_translation(turns: list[Any], members: dict[str, Any]) -> None:
    """Let every dialect translate a request that is almost right into every other."""
    for customer, channel in CROSSINGS:
        body = {**OPENINGS[customer], **members}
        name = TURNS.get(customer, "messages")
        body[name] = [*OPENINGS[customer][name], *turns]
        with contextlib.suppress(BadRequestError):
            made = exchange(customer)
            made.model = "m"
            RULES[customer].read_request(made, json.dumps(body).encode())
            Translation(made, channel, "claude-opus-4-7").prepare(made, "claude-opus-4-7").body()


def check_stream(documents: list[Any]) -> None:
    """Let every upstream stream *documents* to every customer: it ends, breaks, or fails as an upstream does."""
    data = b"".join(b"data: " + json.dumps(document).encode() + b"\n\n" for document in documents)
    for customer, channel in CROSSINGS:
        native = RULES[channel].stream_reader(exchange(channel))
        reader = TranslatedReader(
            native, CODECS[channel].stream_decoder(), CODECS[customer].stream_encoder(opening()), 1
        )
        with contextlib.suppress(UpstreamBrokenError):
            reader.feed(data)
            reader.finish()
        reader.evidence()


def check_answer(document: dict[str, Any]) -> None:
    """Let every upstream answer *document* to every customer: it is an answer, or fails as an upstream does."""
    body = json.dumps(document).encode()
    for customer, channel in CROSSINGS:
        made = exchange(customer)
        made.model = "m"
        RULES[customer].read_request(made, json.dumps(OPENINGS[customer]).encode())
        with contextlib.suppress(UpstreamBrokenError, UpstreamStatusError):
            reading = Translation(made, channel, "m").read_body(made, body)
            assert reading.answer is not None
            msgspec.json.decode(reading.answer)


@given(OBJECTS)
def test_every_endpoint_takes_or_names(document: dict[str, Any]) -> None:
    """No body is a crash."""
    check_request(document)


@given(st.lists(DOCUMENTS, max_size=3), OBJECTS)
def test_every_translation_of_a_request_is_made_or_refused(turns: list[Any], members: dict[str, Any]) -> None:
    """Whatever stands in its turns."""
    check_translation(turns, members)


@given(st.lists(DOCUMENTS, max_size=6))
def test_every_translation_of_a_stream_holds(documents: list[Any]) -> None:
    """Whatever an upstream sends."""
    check_stream(documents)


@given(OBJECTS)
def test_every_translation_of_an_answer_holds(document: dict[str, Any]) -> None:
    """Whatever an upstream answers."""
    check_answer(document)


@pytest.mark.fuzz
@pytest.mark.parametrize("run", range(RUN_COUNT))
@settings(max_examples=RUN_EXAMPLES, deadline=None, derandomize=False, suppress_health_check=[HealthCheck.too_slow])
@given(documents=st.lists(DOCUMENTS, max_size=6), members=OBJECTS)
def test_a_million_documents(run: int, documents: list[Any], members: dict[str, Any]) -> None:
    """Each through every decoder there is; *run* is one of those that come to a million together."""
    check_request(members)
    check_translation(documents, members)
    check_stream(documents)
    check_answer(members)
