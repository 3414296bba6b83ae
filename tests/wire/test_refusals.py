"""Recorded refusals: what the customer reads, in the customer's dialect and without the upstream's affairs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
import pytest_asyncio

from relay.core.exchange import Dialect
from tests.wire.recordings import load
from tests.wire.replay import Counter, counter, play

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Refusal:
    """One recorded refusal and the customer's answer: status, the dialect's machine word, a header."""

    name: str
    status: int
    word: str
    dialect: Dialect = "openai_chat"
    message: str = ""
    retry_after: str | None = None


def _message(name: str, status: int, word: str, message: str = "", retry_after: str | None = None) -> Refusal:
    return Refusal(name, status, word, "anthropic_messages", message, retry_after)


def _response(name: str, status: int, word: str, message: str = "") -> Refusal:
    return Refusal(name, status, word, "openai_responses", message)


TOO_LONG = (
    "This model's maximum context length is 1048565 tokens. However, you requested 1250025 tokens (1250025 in "
    "the messages, 0 in the completion). Please reduce the length of the messages or completion."
)
ABOUT_SEALS = {"documented/anthropic-400-invalid-signature", "documented/anthropic-400-thinking-expected"}
ABOUT_THE_REQUEST = (
    Refusal("openai-chat/err-400-param", 400, "unsupported_parameter", message="Unsupported parameter: 'stop' is not"),
    Refusal("openai-chat/err-400-image", 400, "invalid_image_url", message="Error while downloading [removed]"),
    Refusal("deepseek/err-400-context", 400, "context_length_exceeded", message=TOO_LONG),
    Refusal("groq/err-400-tool-use-failed", 400, "tool_use_failed", message="Tool call validation failed"),
    Refusal("azure/content-filter-prompt-400", 400, "content_filter", message="The response was filtered"),
    Refusal(
        "documented/deepseek-400-reasoning-content", 400, "invalid_request_error", message="The `reasoning_content`"
    ),
    _message("anthropic/err-400-context", 400, "invalid_request_error", "prompt is too long: 3333404 tokens > 200000"),
    _message("documented/anthropic-400-invalid-signature", 400, "invalid_request_error", "messages.1.content.0"),
    _message("documented/anthropic-400-temperature-and-top-p", 400, "invalid_request_error", "`temperature` and"),
    _message("documented/anthropic-400-temperature-new-version", 400, "invalid_request_error", "temperature"),
    _message("documented/anthropic-400-thinking-expected", 400, "invalid_request_error", "messages.1.content.0"),
    _message("documented/anthropic-413-too-large", 413, "request_too_large", "Request exceeds"),
    _response("openai-responses/err-400-context", 400, "context_length_exceeded", "Your input exceeds the context"),
)
"""The customer's own doing: the upstream's status and words."""
ABOUT_THE_UPSTREAM = (
    Refusal("openai-chat/err-401", 503, "upstream_unavailable"),
    Refusal("openai-chat/err-404-model", 503, "upstream_unavailable"),
    Refusal("azure/err-429", 429, "upstream_throttled", retry_after="1"),
    Refusal("deepseek/err-401", 503, "upstream_unavailable"),
    Refusal("mistral/err-400-model", 503, "upstream_unavailable"),
    Refusal("mistral/err-401", 503, "upstream_unavailable"),
    Refusal("openrouter/err-401", 503, "upstream_unavailable"),
    Refusal("openrouter/err-429", 429, "upstream_throttled", retry_after="5"),
    Refusal("documented/edge-502-html", 502, "upstream_error"),
    Refusal("documented/edge-524-timeout", 502, "upstream_error"),
    Refusal("documented/openai-403-region", 503, "upstream_unavailable"),
    Refusal("documented/openai-429-insufficient-quota", 503, "upstream_unavailable"),
    Refusal("documented/openai-429-rate-limit", 429, "upstream_throttled", retry_after="1"),
    Refusal("documented/openai-500", 502, "upstream_error"),
    Refusal("documented/openai-503", 503, "upstream_overloaded", retry_after="2"),
    Refusal("documented/relay-200-error-body", 502, "upstream_error"),
    Refusal("documented/relay-503-no-channel", 503, "upstream_overloaded", retry_after="2"),
    _response("openai-responses/err-400-model", 503, "upstream_unavailable"),
    _response("openai-responses/err-401", 503, "upstream_unavailable"),
    _message("anthropic/err-401", 503, "overloaded_error"),
    _message("anthropic/err-404-model", 503, "overloaded_error"),
    _message("documented/anthropic-403-permission", 503, "overloaded_error"),
    _message("documented/anthropic-429-rate-limit", 429, "rate_limit_error", retry_after="28"),
    _message("documented/anthropic-500-api-error", 502, "api_error"),
    _message("documented/anthropic-529-overloaded", 503, "overloaded_error", retry_after="2"),
)
"""The upstream's own trouble: relay's words, and not one of the upstream's."""

DRESSED_AS_SUCCESS = (
    Refusal("azure/content-filter-prompt-400", 400, "content_filter"),
    Refusal("documented/relay-200-error-body", 502, "upstream_error"),
)
SENTENCES = {
    (429, True): "the model's provider is taking no more requests at the moment; please try again in {wait_s}s",
    (503, True): "the model's provider is overloaded; please try again in {wait_s}s, or another model or group",
    (502, False): "the model's provider failed to answer; try again, or another model or group",
    (503, False): "none of the group's channels can serve the model at the moment; try again later, or another group",
}
"""By status, and whether asking again is worth it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def till(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    recordings = [load(each.name, each.dialect) for each in (*ABOUT_THE_REQUEST, *ABOUT_THE_UPSTREAM)]
    async with counter(tmp_path_factory.mktemp("refusals"), recordings, frozenset()) as opened:
        yield opened


@pytest.mark.parametrize("refusal", ABOUT_THE_REQUEST, ids=lambda each: each.name)
async def test_a_complaint_about_the_request_reaches_the_customer(till: Counter, refusal: Refusal, seed: int) -> None:
    """Status, machine word and message are the upstream's; nothing is charged.

    Nor is anything retried, but for a complaint of another account's seals: once more, without them.
    """
    recording = load(refusal.name, refusal.dialect)
    response = await till.ask(recording, play(recording, seed))
    error, row = response.json()["error"], till.row(response)
    word = error["type"] if refusal.dialect == "anthropic_messages" else error["code"]
    assert (response.status_code, word) == (refusal.status, refusal.word)
    assert error["message"].startswith(refusal.message)
    assert response.headers["x-should-retry"] == "false"
    attempt_count = 2 if refusal.name in ABOUT_SEALS else 1
    assert (row["outcome"], row["charge_nano"], len(till.upstream.received)) == ("upstream_error", 0, attempt_count)


@pytest.mark.parametrize("refusal", ABOUT_THE_UPSTREAM, ids=lambda each: each.name)
async def test_an_upstreams_own_trouble_is_told_in_our_words(till: Counter, refusal: Refusal, seed: int) -> None:
    """Key, balance, organisation and model of the upstream account are not the customer's business."""
    recording = load(refusal.name, refusal.dialect)
    response = await till.ask(recording, play(recording, seed))
    error, row = response.json()["error"], till.row(response)
    word = error["type"] if refusal.dialect == "anthropic_messages" else error["code"]
    assert (response.status_code, word) == (refusal.status, refusal.word)
    sentence = SENTENCES[refusal.status, refusal.retry_after is not None]
    assert error["message"] == sentence.format(wait_s=refusal.retry_after)
    assert response.headers.get("retry-after") == refusal.retry_after
    assert response.headers["x-should-retry"] == ("false" if refusal.retry_after is None else "true")
    assert (row["outcome"], row["charge_nano"], len(till.upstream.received)) == ("upstream_error", 0, 1)


@pytest.mark.parametrize("refusal", DRESSED_AS_SUCCESS, ids=lambda each: each.name)
async def test_a_document_instead_of_a_stream_is_the_error_it_is(till: Counter, refusal: Refusal, seed: int) -> None:
    """Asked for a stream, the upstream answers 200 with an error's document: no stream is begun."""
    asked = load(refusal.name, "openai_chat")
    recording = replace(asked, body={**asked.body, "stream": True})
    response = await till.ask(recording, play(recording, seed))
    assert (response.status_code, response.json()["error"]["code"]) == (refusal.status, refusal.word)
    assert till.row(response)["charge_nano"] == 0
