"""Recorded answers that came whole: the customer's bytes, the upstream's request, usage and outcome."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.core.dialects.recordings import BODIES, Expected
from tests.core.dialects.replay import as_shown
from tests.shops import UPSTREAM_KEY
from tests.wire.recordings import load
from tests.wire.replay import Counter, counter, play, sent_path, sent_upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")
HEADERS_PASSED = {"content-type", "content-length", "date", "request-id", "x-request-id"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def till(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    recordings = [load(each.name, each.dialect) for each in BODIES]
    beside = frozenset(each.name for each in BODIES if each.is_reasoning_beside_output)
    async with counter(tmp_path_factory.mktemp("whole"), recordings, beside) as opened:
        yield opened


@pytest.mark.parametrize("expected", BODIES, ids=lambda each: each.name)
async def test_a_whole_answer_passes_unchanged_and_is_metered(till: Counter, expected: Expected, seed: int) -> None:
    """The customer gets the recorded body but for the shop's costs, and the log row its usage and outcome."""
    recording = load(expected.name, expected.dialect)
    response = await till.ask(recording, play(recording, seed))
    row = till.row(response)
    assert (response.status_code, response.content) == (200, as_shown(recording.raw))
    usage = till.usage(response)
    assert row["outcome"] == expected.outcome
    assert usage.source == "estimated" if expected.usage is None else usage == expected.usage


@pytest.mark.parametrize("expected", BODIES, ids=lambda each: each.name)
async def test_a_request_reaches_the_upstream_as_it_was_recorded(till: Counter, expected: Expected) -> None:
    """The upstream gets the recorded body, version headers and path, and the shop's key alone."""
    recording = load(expected.name, expected.dialect)
    await till.ask(recording, play(recording))
    [received] = till.upstream.received
    assert (received.path, received.body) == (sent_path(recording), sent_upstream(recording))
    assert recording.headers.items() <= received.headers.items()
    assert UPSTREAM_KEY in str(received.headers)
    assert till.shop.api_key not in str(received.headers)


@pytest.mark.parametrize("name", ["openai-chat/plain", "azure/chat"])
async def test_of_the_upstreams_headers_none_reach_the_customer(till: Counter, name: str, seed: int) -> None:
    """Organisation, limits and trace ids of the upstream's account are its own business."""
    recording = load(name, "openai_chat")
    response = await till.ask(recording, play(recording, seed))
    assert len(recording.answer_headers) > len(HEADERS_PASSED)
    assert set(response.headers) <= HEADERS_PASSED


@pytest.mark.parametrize(
    ("name", "charge_nano"),
    [
        ("openai-chat/plain", 12 * 2_000 + 5 * 8_000),
        ("openai-chat/cached", 125 * 2_000 + 1024 * 200 + 261 * 8_000),
        ("xai/plain", 9 * 2_000 + 156 * 200 + 127 * 8_000),
        ("anthropic/cache-write-1h", 17 * 2_000 + 2056 * 4_000 + 100 * 8_000),
        ("openrouter/cache-write", 3 * 2_000 + 2569 * 2_500 + 63 * 8_000),
        ("openai-other/embeddings", 2 * 2_000),
        ("compat/rerank-cohere", 2_000_000),
    ],
)
async def test_a_recorded_answer_costs_its_tokens(till: Counter, name: str, charge_nano: int) -> None:
    """Fresh, cached, cache-written and output tokens each at their own price, to the nano-credit; a search apiece."""
    [expected] = [each for each in BODIES if each.name == name]
    recording = load(name, expected.dialect)
    response = await till.ask(recording, play(recording))
    assert till.row(response)["charge_nano"] == charge_nano
