"""A talk made shorter: which path, what counts as output, what it used."""

import json
from typing import Any

import pytest

from relay.core.dialects.compaction import ResponsesCompact
from relay.core.errors import BadRequestError, UpstreamBrokenError, UpstreamStatusError
from relay.core.exchange import Continued
from relay.core.outcome import derive_outcome
from relay.core.usage import Usage
from tests.core.dialects.replay import exchange

RULES = ResponsesCompact()
TURN = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
SEALED = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAAABo"}
USAGE = {
    "input_tokens": 139,
    "input_tokens_details": {"cached_tokens": 39},
    "output_tokens": 438,
    "output_tokens_details": {"reasoning_tokens": 64},
    "total_tokens": 577,
}


def answer(**members: Any) -> bytes:
    """Return a compaction with *members*, in the form that the SDK's types describe."""
    document = {"id": "resp_1", "object": "response.compaction", "created_at": 1, "output": [TURN, SEALED]}
    return json.dumps({**document, **members}).encode()


def test_it_is_asked_for_as_a_response_is() -> None:
    """The same fields, never a stream."""
    made = exchange("openai_responses")
    RULES.read_request(made, b'{"model":"gpt-5","previous_response_id":"resp_1","stream":true}')
    assert (made.model, made.stream, made.continued) == ("gpt-5", False, Continued("previous_response_id", "resp_1"))
    assert (RULES.operation, RULES.path) == ("compact", "/v1/responses/compact")
    assert RULES.prepare(made, "gpt-5").operation == "compact"


def test_without_a_talk_there_is_nothing_to_shorten() -> None:
    """Refused by the field's name."""
    with pytest.raises(BadRequestError) as refused:
        RULES.read_request(exchange("openai_responses"), b'{"model":"gpt-5"}')
    assert refused.value.param == "input"


def test_what_it_used_is_read() -> None:
    """The same figures as a response's, made disjoint; nothing is kept upstream."""
    reading = RULES.read_body(exchange("openai_responses"), answer(usage=USAGE))
    assert reading.usage == Usage(input_tokens=100, cache_read_tokens=39, output_tokens=438, reasoning_tokens=64)
    assert (derive_outcome(reading.evidence), reading.answer_id) == ("complete", None)


def test_without_usage_the_sealed_part_is_counted() -> None:
    """Eight letters of base64 are six bytes, two tokens; the customer's own turns are no output."""
    reading = RULES.read_body(exchange("openai_responses"), answer())
    assert (reading.usage, reading.tally.output_counted_tokens, reading.evidence.output_bytes) == (None, 2, 6)


def test_usage_that_cannot_be_true_gives_way_to_the_local_bound() -> None:
    """As in a response."""
    reading = RULES.read_body(exchange("openai_responses"), answer(usage={"input_tokens": -1, "output_tokens": 1}))
    assert reading.usage is not None
    assert reading.usage.source == "disputed"


def test_nothing_sealed_is_empty() -> None:
    """An answer without what it was asked for."""
    reading = RULES.read_body(exchange("openai_responses"), answer(output=[TURN]))
    assert derive_outcome(reading.evidence) == "empty"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", UpstreamBrokenError),
        (b'{"output":3}', UpstreamStatusError),
        (b'{"error":{"code":"server_error","message":"oh"}}', UpstreamStatusError),
    ],
)
def test_what_is_no_compaction_is_an_error(body: bytes, kind: type[Exception]) -> None:
    """Though its status is 200."""
    with pytest.raises(kind):
        RULES.read_body(exchange("openai_responses"), body)
