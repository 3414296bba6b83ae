"""Streams that broke upstream: what arrived passes, an error event follows, nothing ends in order."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from relay.core.exchange import Dialect
from tests.upstreams import Step
from tests.wire.recordings import load
from tests.wire.replay import Counter, counter, error_of, play

pytestmark = pytest.mark.asyncio(loop_scope="module")
END_MARKS = (b"[DONE]", b"message_stop", b"event: response.completed")


@dataclass(frozen=True)
class Broken:
    """One broken stream and what it must become.

    ``broken_at`` begins the event that is not passed on; None where the recording ends before its
    end mark. ``output_tokens`` are None where they are counted here, from what was delivered.
    """

    name: str
    dialect: Dialect
    code: str
    claim: str
    input_tokens: int | None
    output_tokens: int | None = None
    broken_at: bytes | None = None
    last_event_count: int = 1

    @property
    def raw_passed(self) -> bytes:
        """The recorded bytes that the customer gets."""
        raw = load(self.name, self.dialect).raw
        if self.broken_at is not None:
            return raw[: raw.index(self.broken_at)]
        return raw[: raw.rindex(b"\n\n") + 2]


def _response(name: str) -> Broken:
    """Return a cut response: it ends in an error for the SDKs and a failed response for Codex."""
    return Broken(name, "openai_responses", "upstream_error", "truncated_reply", None, last_event_count=2)


CUT = (
    Broken("derived/openai-chat-cut-before-usage", "openai_chat", "upstream_error", "truncated_reply", None),
    Broken("derived/openai-chat-cut-in-text", "openai_chat", "upstream_error", "truncated_reply", None),
    Broken("derived/openai-chat-cut-mid-event", "openai_chat", "upstream_error", "truncated_reply", None),
    Broken("derived/openai-chat-tool-cut", "openai_chat", "upstream_error", "truncated_reply", None),
    Broken("derived/anthropic-cut-in-text", "anthropic_messages", "upstream_error", "truncated_reply", 45),
    Broken("derived/anthropic-cut-in-thinking", "anthropic_messages", "upstream_error", "empty_reply", 45),
    Broken("derived/anthropic-cut-after-thinking", "anthropic_messages", "upstream_error", "empty_reply", 45),
    Broken("derived/anthropic-no-message-stop", "anthropic_messages", "upstream_error", "truncated_reply", 45, 44),
    _response("derived/responses-cut"),
    _response("derived/responses-no-completed"),
)
FAILED = (
    Broken(
        "documented/openai-stream-error-midway",
        "openai_chat",
        "upstream_error",
        "truncated_reply",
        None,
        broken_at=b'data: {"error"',
    ),
    Broken(
        "groq/err-stream-tool-use-failed",
        "openai_chat",
        "tool_use_failed",
        "truncated_reply",
        None,
        broken_at=b"event: error",
    ),
    Broken(
        "openrouter/stream-error-midway",
        "openai_chat",
        "upstream_refused",
        "empty_reply",
        43,
        10,
        broken_at=b'data: {"id":"gen-1762179802-UN8pkJI4AGZvryk0kFnb","provider":"Minimax","error"',
    ),
    Broken(
        "documented/anthropic-stream-overloaded-midway",
        "anthropic_messages",
        "upstream_overloaded",
        "truncated_reply",
        12,
        broken_at=b"event: error",
    ),
)
FIRST = "documented/anthropic-stream-overloaded-first"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def till(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    recordings = [load(each.name, each.dialect) for each in (*CUT, *FAILED)]
    recordings.append(load(FIRST, "anthropic_messages"))
    async with counter(tmp_path_factory.mktemp("broken"), recordings, frozenset()) as opened:
        yield opened


@pytest.mark.parametrize("ending", [b"0\r\n\r\n", "reset"], ids=["ended in order", "reset"])
@pytest.mark.parametrize("broken", CUT, ids=lambda each: each.name)
async def test_a_stream_without_its_end_never_ends_in_order(
    till: Counter, broken: Broken, ending: Step, seed: int
) -> None:
    """Whether the upstream closed in order or not, the whole events pass and the dialect's own end of a failure follows."""
    recording = load(broken.name, broken.dialect)
    response = await till.ask(recording, play(recording, seed, ending=ending))
    last = response.content.removeprefix(broken.raw_passed)
    assert response.content.startswith(broken.raw_passed)
    assert error_of(last)["code"] == broken.code
    assert last.count(b"\n\n") == broken.last_event_count
    assert not any(mark in response.content for mark in END_MARKS)


@pytest.mark.parametrize("broken", FAILED, ids=lambda each: each.name)
async def test_an_error_inside_a_stream_becomes_the_last_event(till: Counter, broken: Broken, seed: int) -> None:
    """The upstream's error event is replaced by relay's, and nothing after it passes."""
    recording = load(broken.name, broken.dialect)
    response = await till.ask(recording, play(recording, seed))
    last = response.content.removeprefix(broken.raw_passed)
    assert response.content.startswith(broken.raw_passed)
    assert error_of(last)["code"] == broken.code
    assert last.count(b"\n\n") == broken.last_event_count
    assert not any(mark in response.content for mark in END_MARKS)


@pytest.mark.parametrize("broken", [*CUT, *FAILED], ids=lambda each: each.name)
async def test_a_broken_stream_is_priced_by_what_came_and_earns_its_claim(
    till: Counter, broken: Broken, seed: int
) -> None:
    """Figures the upstream gave count, others are estimated; half is claimed back, all where no answer came."""
    recording = load(broken.name, broken.dialect)
    response = await till.ask(recording, play(recording, seed))
    usage, row = till.usage(response), till.row(response)
    claim = await till.claim(row["request_id"])
    shares = {"truncated_reply": ("1/2", row["charge_nano"] // 2), "empty_reply": ("1", row["charge_nano"])}
    assert row["outcome"] == "truncated"
    assert broken.input_tokens in (None, usage.input_tokens)
    assert broken.output_tokens in (None, usage.output_tokens)
    assert usage.source == ("estimated" if broken.output_tokens is None else "upstream")
    assert row["charge_nano"] == 2_000 * usage.input_tokens + 8_000 * usage.output_tokens > 8_000
    assert (claim["kind"], (claim["share"], claim["amount_nano"])) == (broken.claim, shares[broken.claim])


async def test_an_error_before_any_output_is_an_error_of_the_request(till: Counter, seed: int) -> None:
    """Overloaded as the first event of a 200 stream: a 503 in the dialect, and nothing to pay."""
    recording = load(FIRST, "anthropic_messages")
    response = await till.ask(recording, play(recording, seed))
    row = till.row(response)
    assert (response.status_code, response.json()["error"]["type"]) == (503, "overloaded_error")
    assert (row["outcome"], row["charge_nano"]) == ("upstream_error", 0)
    assert len(till.upstream.received) == 1
