"""Recorded answers, sold to customers of every other dialect: the native figures, and nothing of the upstream's form."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from relay.core.dialects import RULES
from relay.core.exchange import Dialect
from relay.core.hub.codecs import CODECS
from relay.core.outcome import derive_outcome
from tests.core.dialects.recordings import BODIES, STREAMS, Expected
from tests.core.dialects.replay import exchange
from tests.core.hub.recorded import events
from tests.upstreams import Step
from tests.wire.recordings import ENDPOINTS, Recording, load
from tests.wire.replay import Counter, counter, play

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]
ENDED = ("complete", "empty", "refused")
RECORDED = [each for each in [*BODIES, *STREAMS] if each.dialect in CODECS and each.outcome in ENDED]
SOLD = [(each, customer) for each in RECORDED for customer in CODECS if customer != each.dialect]
SEALS = re.compile(r"relay\.[^\"]*")
"""What only its upstream can read, its own ids among it; a client hands it back."""
TOLD_LESS = {("openai-chat/tools-truncated-stream", "gemini_generate")}
"""A call that a limit cut was all there was, and Gemini can't be told half of one (wire/DIALECTS.md 4)."""


def question(customer: Dialect, token_count: int) -> dict[str, Any]:
    """Return a question that may well have *token_count* tokens: what no prompt can hold is disputed, and not charged."""
    text = "Hi" + " there" * token_count
    turn = {"role": "user", "content": text}
    match customer:
        case "openai_chat":
            return {"messages": [turn]}
        case "openai_responses":
            return {"input": text}
        case "anthropic_messages":
            return {"max_tokens": 4096, "messages": [turn]}
        case _:
            return {"contents": [{"role": "user", "parts": [{"text": text}]}]}


WHOLE_FORMS: dict[Dialect, set[str]] = {
    "openai_chat": {"id", "object", "created", "model", "choices", "usage"},
    "anthropic_messages": {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"},
    "gemini_generate": {"candidates", "usageMetadata", "modelVersion", "responseId"},
    "openai_responses": {
        "id", "object", "created_at", "status", "background", "error", "incomplete_details", "instructions",
        "max_output_tokens", "metadata", "model", "output", "parallel_tool_calls", "previous_response_id", "reasoning",
        "store", "temperature", "text", "tool_choice", "tools", "top_p", "truncation", "usage", "user",
    },
}  # fmt: skip
"""The members of a whole answer in each dialect."""
STREAM_FORMS: dict[Dialect, set[str]] = {
    "openai_chat": WHOLE_FORMS["openai_chat"],
    "anthropic_messages": {"type", "message", "index", "content_block", "delta", "usage"},
    "gemini_generate": WHOLE_FORMS["gemini_generate"],
    "openai_responses": {
        "type", "sequence_number", "response", "item", "item_id", "output_index", "content_index", "summary_index",
        "annotation_index", "annotation", "part", "delta", "text", "refusal", "arguments", "input", "logprobs",
    },
}  # fmt: skip
"""The members of a stream's events."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def till(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    recordings = [load(each.name, each.dialect) for each in RECORDED]
    beside = frozenset(each.name for each in RECORDED if each.is_reasoning_beside_output)
    async with counter(tmp_path_factory.mktemp("translated"), recordings, beside) as opened:
        yield opened


@pytest.fixture(scope="module")
def native_charges_nano() -> dict[str, int]:
    """What each recording costs a customer of its own dialect, once that was asked."""
    return {}


async def ask_in(till: Counter, customer: Dialect, expected: Expected, steps: list[Step]) -> httpx.Response:
    """Ask for the model of a recording as a customer of another dialect."""
    recording, is_stream = load(expected.name, expected.dialect), expected in STREAMS
    body = question(customer, expected.usage.all_input_tokens if expected.usage is not None else 1)
    if customer == "gemini_generate":
        action = "streamGenerateContent" if is_stream else "generateContent"
        path, query = f"/v1beta/models/{recording.name}:{action}", "alt=sse" if is_stream else ""
    else:
        path, query = ENDPOINTS[customer], ""
        body["stream"] = is_stream
        if customer == "openai_chat" and is_stream:
            body["stream_options"] = {"include_usage": True}
    asked = replace(recording, dialect=customer, path=path, query=query, headers={}, body=body)
    return await till.ask(asked, steps)


@pytest.mark.parametrize(("expected", "customer"), SOLD, ids=lambda each: getattr(each, "name", each))
async def test_an_answer_is_sold_alike_in_every_dialect(
    till: Counter, native_charges_nano: dict[str, int], expected: Expected, customer: Dialect, seed: int
) -> None:
    """The same usage, charge and outcome as for a customer of its own dialect, in the form of the customer's."""
    recording = load(expected.name, expected.dialect)
    if expected.name not in native_charges_nano:
        native = await till.ask(recording, play(recording, seed))
        native_charges_nano[expected.name] = till.row(native)["charge_nano"]
    response = await ask_in(till, customer, expected, play(recording, seed))
    row = till.row(response)
    assert response.status_code == 200
    assert (row["dialect"], row["outcome"]) == (customer, expected.outcome)
    if expected.usage is not None:
        # No customer here offers the tools that the recording's did, so those that ran are nobody's.
        assert till.usage(response) == msgspec.structs.replace(expected.usage, tool_counts={})
        assert row["charge_nano"] == native_charges_nano[expected.name]
    assert_form(response.content, customer, expected)
    if (upstream_id := recorded_id(recording, expected)) is not None:
        assert upstream_id not in SEALS.sub("", response.text)


def assert_form(content: bytes, customer: Dialect, expected: Expected) -> None:
    """Hold an answer against the form of the customer's dialect, and what its native reader makes of it."""
    if expected in STREAMS:
        assert {name for event in events(content) for name in event} <= STREAM_FORMS[customer]
        reader = RULES[customer].stream_reader(exchange(customer))
        reader.feed(content)
        reader.finish()
        assert reader.is_ended
        evidence = reader.evidence()
    else:
        assert json.loads(content).keys() <= WHOLE_FORMS[customer]
        evidence = RULES[customer].read_body(exchange(customer), content).evidence
    if (expected.name, customer) not in TOLD_LESS:
        assert derive_outcome(evidence) == expected.outcome


def recorded_id(recording: Recording, expected: Expected) -> str | None:
    """Return the id under which the upstream knows its answer."""
    document = next(iter(events(recording.raw)), {}) if expected in STREAMS else json.loads(recording.raw)
    nested = (document.get(name) for name in ("response", "message"))
    inner = next((each for each in nested if isinstance(each, dict)), document)
    known = inner.get("id") or inner.get("responseId")
    return known if isinstance(known, str) and len(known) > 8 else None
