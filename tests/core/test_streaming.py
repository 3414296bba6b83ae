"""Streams that go wrong after their first byte: what came out is priced, and nobody else answers on."""

import asyncio
import gc
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from relay.core import heartbeat, streaming
from relay.core.dialects.openai_chat import OpenAIChat
from relay.core.errors import InsufficientBalanceError, LedgerUnavailableError, PluginError
from relay.core.exchange import Exchange
from relay.core.ledger.operations import Mark, RevokeKey
from relay.core.ledger.sqlite import SqliteLedger
from relay.core.ledger.verify import verify
from relay.core.settlement import Settlement
from relay.core.streaming import STAGED_BYTES_MAX, StreamAnswer
from tests.chats import CHUNK, DONE, LOTS, ROLE, STOP, USAGE, balances, words
from tests.faults.answers import Wire
from tests.shops import PROFILE, reselling, serving
from tests.upstreams import TURNS, Received, Script, Step, document, stream

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")

LONG = ROLE + words(*["word " * 10] * 200) + STOP + USAGE + DONE

FAILS_WHEN_EXTENDED = '''
from relay import Charge, Plugin, PluginConfig, Usage, hookimpl


class FailsConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings: none."""


class Fails(Plugin[FailsConfig]):
    """Prices the first hold, and raises at a larger one."""

    config_type = FailsConfig

    @hookimpl
    def settle(self, usage: Usage, charge: Charge | None) -> Charge | None:
        if usage.output_tokens > 1024:
            raise RuntimeError("no price")
        return None
'''


async def test_a_plugin_that_fails_in_the_middle_brings_no_second_upstream(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The stream ends in an error event once its hold is used up, and what came out is priced; the operator is told."""
    (tmp_path / "fails.py").write_text(FAILS_WHEN_EXTENDED)
    profile = PROFILE.replace("groups:\n", "  - use: ./fails.py\ngroups:\n", 1)
    async with reselling(tmp_path, lambda _: stream(LONG, seed=1, pause_s=0.002), profile=profile) as (upstream, shop):
        text = (await shop.chat(stream=True)).text
        [row] = await shop.log()
        assert (len(upstream.received), text.count(ROLE), '"code":"plugin_error"' in text) == (1, 1, True)
        assert (row["outcome"], row["attempt_count"]) == ("truncated", 1)
        assert 512 <= row["output_tokens"] <= 1024
    assert [record.message for record in caplog.records if record.name == "relay"] == ["request.failed"]


async def test_a_plugin_that_fails_at_the_first_output_leaves_its_channel_well(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An output at once beyond the first hold: nothing is charged, no second upstream is asked, the plugin is named."""
    (tmp_path / "fails.py").write_text(FAILS_WHEN_EXTENDED)
    profile = PROFILE.replace("groups:\n", "  - use: ./fails.py\ngroups:\n", 1)
    at_once = stream(ROLE + words("word " * 3000) + STOP + DONE)
    async with reselling(tmp_path, lambda _: at_once, profile=profile) as (upstream, shop):
        answer = await shop.chat(stream=True)
        [row] = await shop.log()
        [attempt] = shop.rows("select channel, status, failure from attempt")
    assert (answer.status_code, answer.json()["error"]["code"], len(upstream.received)) == (500, "plugin_error", 1)
    assert (row["outcome"], row["charge_nano"]) == ("upstream_error", 0)
    assert attempt == {"channel": "openai-a", "status": 200, "failure": None}
    [failed] = [vars(record)["fields"] for record in caplog.records if record.name == "relay"]
    assert (failed["plugin"], failed["file"]) == ("./fails.py", str(tmp_path / "fails.py"))


async def test_a_bug_of_ours_in_the_middle_is_told_and_logged_and_what_came_out_is_paid_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without its words, which may quote a prompt."""

    async def fail(*_: object) -> None:
        raise LookupError("a prompt")

    monkeypatch.setattr(StreamAnswer, "_pass_on", fail)
    async with reselling(tmp_path, lambda _: [*stream(ROLE + words("Hello"))[:-1], 5.0]) as (_, shop):
        with caplog.at_level("INFO", logger="relay"):
            text = (await shop.chat(stream=True)).text
            [row] = await shop.log()
    assert (text.count('"code":"internal_error"'), "a prompt" in text + caplog.text, DONE in text) == (1, False, False)
    assert (row["outcome"], row["usage_source"], row["charge_nano"]) == ("truncated", "estimated", 44_000)
    assert [record.message for record in caplog.records if record.name == "relay"] == ["request.crashed"]


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        (stream(LONG, seed=1), "complete"),
        (stream(ROLE + words("Hello"), ending="reset"), "truncated"),
        ([*stream(ROLE + words("Hello"))[:-1], 5.0], "customer_gone"),
        (document({"error": {"message": "no such voice", "type": "invalid_request_error"}}, 400), "upstream_error"),
    ],
    ids=["whole", "cut", "left", "refused"],
)
async def test_a_stream_is_freed_once_it_has_ended(tmp_path: Path, steps: list[Step], outcome: str) -> None:
    """It holds a prompt: what only the collector can free would wait for thousands of others."""
    gc.collect()
    gc.disable()
    try:
        async with reselling(tmp_path, lambda _: steps) as (_, shop):
            with suppress(httpx.ReadTimeout):
                await shop.chat(stream=True, timeout_s=1)
            [row] = await shop.log()
        assert row["outcome"] == outcome
        assert [one for one in gc.get_objects() if type(one) is StreamAnswer] == []
    finally:
        gc.enable()


async def test_a_stream_that_heeds_no_limit_of_nothing_is_held_for_and_ends(tmp_path: Path) -> None:
    """``max_tokens: 0`` asks for no output: what comes all the same is held for from the window on, and paid for."""
    wire = Wire(is_anthropic=True, is_stream=True, first="word " * 4000)
    text = wire.begin + wire.output + wire.stop("5000") + wire.end
    async with reselling(tmp_path, lambda _: stream(text)) as (_, shop):
        response = await shop.messages(stream=True, max_tokens=0)
        [row] = await shop.log()
        assert response.text == text
        assert (row["outcome"], row["charge_nano"]) == ("complete", 1000 * 3000 + 5000 * 15_000)
        assert shop.rows("select held_nano from reservation") == [{"held_nano": 540 * 3000 + 16_384 * 15_000}]


async def test_a_stream_of_which_nothing_was_asked_is_complete_without_output(tmp_path: Path) -> None:
    """As the prompt was only to be cached: the same stream for a limit of one token is empty, and claimed."""
    wire = Wire(is_anthropic=True, is_stream=True)
    text = wire.begin + wire.stop("0") + wire.end
    async with reselling(tmp_path, lambda _: stream(text)) as (_, shop):
        for limit in (0, 1):
            assert (await shop.messages(stream=True, max_tokens=limit)).text == text
        log = await shop.log(count=2)
        assert [(row["outcome"], row["charge_nano"]) for row in log] == [("complete", 3_000_000), ("empty", 3_000_000)]
    assert shop.rows("select request_id from claim") == [{"request_id": log[1]["request_id"]}]


@pytest.mark.parametrize(("late", "source"), [(USAGE, "upstream"), ("", "estimated")])
async def test_usage_that_comes_after_the_end_mark_is_waited_for(tmp_path: Path, late: str, source: str) -> None:
    """For a moment, where none has come before it; the customer's stream ends as ever, also where the body never does."""
    begun, rest = stream(ROLE + words("Hello", " there") + STOP + DONE)[:-1], stream(late, ending="open")[1:]
    async with reselling(tmp_path, lambda _: [*begun, 0.05, *rest]) as (_, shop):
        text = (await shop.chat(stream=True)).text
        [row] = await shop.log()
    assert text == ROLE + words("Hello", " there") + STOP + DONE
    assert (row["outcome"], row["usage_source"]) == ("complete", source)


async def test_a_draining_shop_waits_for_usage_after_the_end_mark_though_its_customer_leaves_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of the answer was handed over, and is paid for by its figures."""
    monkeypatch.setattr(streaming, "BEHIND_S", 5.0)
    profile = PROFILE.replace("channels:\n", "limits: {{hang_up: drain}}\nchannels:\n", 1)
    begun, rest = stream(ROLE + words("Hello") + STOP + DONE)[:-1], stream(USAGE)[1:]
    async with reselling(tmp_path, lambda _: [*begun, 0.4, *rest], profile=profile) as (_, shop):
        with pytest.raises(httpx.ReadTimeout):
            await shop.chat(stream=True, timeout_s=0.2)
        [row] = await shop.log()
    assert (row["outcome"], row["charge_nano"], row["usage_source"]) == ("complete", 6_000_000, "upstream")


METERS = '''
from relay import Plugin, PluginConfig, Usage, hookimpl


class Counter:
    """Reads one vendor's own figures."""

    def __init__(self) -> None:
        self.figures = None

    def feed(self, event: bytes) -> None:
        if b"vendors_own" in event:
            self.figures = Usage(input_tokens=7, output_tokens=3)

    def usage(self) -> Usage | None:
        return self.figures


class MetersConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings: none."""


class Meters(Plugin[MetersConfig]):
    """Counts every answer."""

    config_type = MetersConfig

    @hookimpl
    def meter_stream(self) -> Counter:
        return Counter()
'''


OWN = 'data: {"vendors_own":1}\n\n'


@pytest.mark.parametrize(
    "parts",
    [
        (OWN + ROLE + words("Hello"), STOP + DONE),
        (ROLE + words("Hello"), OWN, STOP + DONE),
        (ROLE + words("Hello") + STOP + DONE, OWN),
    ],
    ids=["before any output", "in the middle", "behind the end mark"],
)
async def test_a_meter_is_fed_the_whole_stream(tmp_path: Path, parts: tuple[str, ...]) -> None:
    """Its figures may stand anywhere."""
    (tmp_path / "meters.py").write_text(METERS)
    profile = PROFILE.replace("groups:\n", "  - use: ./meters.py\ngroups:\n", 1)
    head, *_, end = stream("")
    steps: list[Step] = [step for part in parts for step in (0.05, *stream(part)[1:-1])]
    async with reselling(tmp_path, lambda _: [head, *steps, end], profile=profile) as (_, shop):
        await shop.chat(stream=True)
        [row] = await shop.log()
    assert (row["input_tokens"], row["output_tokens"]) == (7, 3)


@pytest.mark.parametrize(("limit", "word_count"), [({}, 2000), ({"max_tokens": 2000}, 2000), ({}, 600)])
async def test_a_key_revoked_in_the_middle_ends_the_stream_at_its_next_mark(
    tmp_path: Path, limit: dict[str, int], word_count: int
) -> None:
    """However much its hold still covers; what was delivered is paid for, and the books agree."""
    slow = ROLE + words(*["word "] * word_count)
    async with reselling(tmp_path, lambda _: stream(slow, seed=1, pause_s=0.3)) as (_, shop):
        body, text = shop.chat_body(stream=True, **limit), ""
        async with shop.client.stream("POST", "/v1/chat/completions", json=body, headers=shop.headers) as answer:
            async for piece in answer.aiter_text():
                if not text:
                    await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
                text += piece
        [row] = await shop.log()
        delivered_count = text.count('"word "')
        assert '"code":"api_key_revoked"' in text
        assert (row["outcome"], row["usage_source"]) == ("truncated", "estimated")
        assert json.loads(row["evidence"])["error_type"] == "api_key_revoked"
        assert 0 < delivered_count < word_count
        assert 0 < row["output_tokens"] <= delivered_count * 2
        assert verify(shop.data) == []


async def test_a_revoked_key_ends_the_stream_at_the_beat_whose_mark_no_plugin_can_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure concerns only the mark."""

    def fails(*_: object) -> None:
        raise PluginError("no price")

    def says(_: Received) -> Iterator[Step]:
        yield from stream(ROLE + words("Hello"))[:-1]
        [answer] = shop.shop.heartbeat._running
        assert isinstance(answer, StreamAnswer)
        while not answer._is_committed:
            yield 0.01
        with pytest.raises(PluginError):
            answer.beat(0)
        yield from stream(LONG)[1:]

    monkeypatch.setattr(heartbeat, "TICK_S", 60)
    monkeypatch.setattr(Settlement, "mark", fails)
    monkeypatch.setattr(SqliteLedger, "is_revoked", lambda *_: True)
    async with reselling(tmp_path, says) as (_, shop):
        assert '"code":"api_key_revoked"' in (await shop.chat(stream=True)).text


async def test_the_log_says_when_a_streams_first_output_came(tmp_path: Path) -> None:
    """Within the duration of the whole."""
    async with reselling(tmp_path, lambda _: stream(ROLE + words("Hi") + STOP + USAGE + DONE)) as (_, shop):
        await shop.chat(stream=True)
        [row] = await shop.log()
    assert 0 <= row["first_output_ms"] <= row["duration_ms"]


async def test_a_ledger_that_fails_in_the_middle_makes_nothing_free(tmp_path: Path) -> None:
    """The stream goes on as far as its hold pays, and that much is posted."""
    async with reselling(tmp_path, lambda _: stream(LONG, seed=1, pause_s=0.002)) as (_, shop):

        async def extend(*_: object) -> None:
            raise LedgerUnavailableError("the disk is full")

        shop.shop.ledger.extend = extend  # type: ignore[method-assign,assignment] # a full disk, for this one call
        text = (await shop.chat(stream=True)).text
        [row] = await shop.log()
        assert '"code":"ledger_unavailable"' in text
        assert row["outcome"] == "truncated"
        assert 512 <= row["output_tokens"] <= 1024
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - row["charge_nano"], 0)


async def test_a_ledger_that_fails_once_in_the_middle_is_asked_again(tmp_path: Path) -> None:
    """By the time the hold is used up it works again, and the stream comes to its end."""
    async with reselling(tmp_path, lambda _: stream(LONG, seed=1, pause_s=0.002)) as (_, shop):
        extend, refusals = shop.shop.ledger.extend, [LedgerUnavailableError("the disk is full")]

        async def extend_later(request_id: str, held_nano: int) -> object:
            if refusals:
                raise refusals.pop()
            return await extend(request_id, held_nano)

        shop.shop.ledger.extend = extend_later  # type: ignore[method-assign,assignment] # a disk that is full for a moment
        assert (await shop.chat(stream=True)).text == LONG.replace(USAGE, "")
        [row] = await shop.log()
        assert (row["outcome"], row["usage_source"]) == ("complete", "upstream")


async def test_an_extension_that_a_stream_ends_before_is_given_up_and_its_failure_is_nobodys(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The post closes the hold, whatever its size."""
    asked: list[str] = []
    given_up: list[str] = []

    async def extend(request_id: str, _: int) -> None:
        asked.append(request_id)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.append(request_id)
            raise LedgerUnavailableError("the disk is full") from None

    def ends_once_more_is_asked_for(_: Received) -> Iterator[Step]:
        yield from stream(ROLE + words("word " * 300))[:-1]
        while not asked:
            yield 0.01
        yield from stream(STOP + USAGE + DONE)[1:]

    async with reselling(tmp_path, ends_once_more_is_asked_for) as (_, shop):
        shop.shop.ledger.extend = extend  # type: ignore[method-assign,assignment] # a ledger that takes its time
        assert (await shop.chat(stream=True)).text.endswith(DONE)
        [row] = await shop.log()
        assert (given_up, row["outcome"]) == ([row["request_id"]], "complete")
        gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_a_connection_is_kept_whose_framing_ends_behind_the_end_mark(tmp_path: Path) -> None:
    """Many upstreams write the last chunk apart; a connection that was let go of would have to be opened again."""
    *steps, framing = stream(ROLE + words("Hi") + STOP + USAGE + DONE)
    framed = asyncio.Event()

    def framed_later(_: Received) -> Iterator[Step]:
        try:
            yield from [*steps, 0.1, framing]
        finally:
            framed.set()

    async with reselling(tmp_path, framed_later) as (upstream, shop):
        await shop.chat(stream=True)
        await framed.wait()
        assert (await shop.chat(stream=True)).text.endswith(DONE)
        assert upstream.connection_count == 1


async def test_a_connection_whose_stream_lacked_its_end_mark_is_not_used_again(tmp_path: Path) -> None:
    """Its framing was whole, but an upstream that is so far off may take one customer's answer for the next one's."""
    async with reselling(tmp_path, lambda _: stream(ROLE + words("Hi"))) as (upstream, shop):
        for _ in range(2):
            assert '"code":"upstream_error"' in (await shop.chat(stream=True)).text
        assert (len(upstream.received), upstream.connection_count) == (2, 2)


async def test_what_is_topped_up_in_the_middle_lets_the_stream_go_on(tmp_path: Path) -> None:
    """More was refused by then; it is asked for again when the hold is used up."""
    async with reselling(tmp_path, lambda _: stream(LONG, seed=1, pause_s=0.004), credit="0.0095") as (_, shop):
        body, text = shop.chat_body(stream=True), ""
        async with shop.client.stream("POST", "/v1/chat/completions", json=body, headers=shop.headers) as answer:
            async for piece in answer.aiter_text():
                text += piece
                # Half of the hold is gone, so more has been asked for.
                if text.count("word " * 10) > 30 and not shop.rows("select 1 from transfer where kind = 'top_up'"):
                    await shop.top_up("1")
        assert text == LONG.replace(USAGE, "")
        [row] = await shop.log()
        assert (row["outcome"], row["overrun_nano"]) == ("complete", 0)


async def test_a_refusal_from_before_a_silence_is_no_last_word(tmp_path: Path) -> None:
    """What was refused then is asked for anew once the hold is used up."""
    begun, rest = stream(ROLE + words(*["word " * 10] * 24))[:-1], stream(words("word " * 1500) + STOP + DONE)[1:]
    async with reselling(tmp_path, lambda _: [*begun, 0.8, *rest], credit="0.0095") as (_, shop):
        extend = shop.shop.ledger.extend

        async def top_up_when_refused(request_id: str, held_nano: int) -> object:
            try:
                return await extend(request_id, held_nano)
            except InsufficientBalanceError:
                await shop.top_up("1")
                raise

        shop.shop.ledger.extend = top_up_when_refused  # type: ignore[method-assign,assignment] # money comes in just then
        text = (await shop.chat(stream=True)).text
        [row] = await shop.log()
        assert text.endswith(STOP + DONE)
        assert (row["outcome"], row["overrun_nano"]) == ("complete", 0)


async def test_a_stream_whose_hold_could_not_grow_asks_at_every_beat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only when its hold is used up, when it would have to wait."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.02)
    begun = stream(ROLE + words(*["word " * 10] * 24))[:-1]
    later = [step for _ in range(20) for step in (0.04, *stream(words("w"))[1:-1])]
    async with reselling(tmp_path, lambda _: [*begun, *later, *stream(STOP + DONE)[1:]]) as (_, shop):
        asked: list[str] = []

        async def extend(request_id: str, _: int) -> None:
            asked.append(request_id)
            raise LedgerUnavailableError("the disk is full")

        shop.shop.ledger.extend = extend  # type: ignore[method-assign,assignment] # a full disk, for this one call
        assert (await shop.chat(stream=True)).text.endswith(DONE)
        assert len(asked) > 3


START = (
    'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
    '"model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":500,"output_tokens":1}}}\n\n'
)
PING = 'event: ping\ndata: {"type": "ping"}\n\n'
OVERLOADED = 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'


def slow_refusal(_: Received) -> Iterator[Step]:
    """Open a message, ping for a while, and refuse."""
    yield b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + START.encode()
    for _index in range(5):
        yield 0.05
        yield PING.encode()
    yield OVERLOADED.encode()
    yield "shut"


def long_refusal(_: Received) -> Iterator[Step]:
    """Open a message, ping far more than is staged, and refuse."""
    yield b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + START.encode()
    yield (PING * (8 * STAGED_BYTES_MAX // len(PING)) + OVERLOADED).encode()
    yield "shut"


@pytest.mark.parametrize(("refusal", "staged_s_max"), [(slow_refusal, 0.1), (long_refusal, 60.0)])
async def test_a_stream_that_fails_before_any_output_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: Script, staged_s_max: float
) -> None:
    """Also where it pinged so long or so much that its beginning was passed on, and named the input it read."""
    monkeypatch.setattr(streaming, "STAGED_S_MAX", staged_s_max)
    async with reselling(tmp_path, refusal) as (_, shop):
        text = (await shop.messages(stream=True)).text
        [row] = await shop.log()
        assert (text.startswith(START + PING), text.count("event: error")) == (True, 1)
        assert (row["outcome"], row["charge_nano"]) == ("upstream_error", 0)
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 0)


async def test_output_that_comes_together_with_an_error_is_passed_on(tmp_path: Path) -> None:
    """As it would be if the error came later: nobody else is asked, and what came out is paid for."""
    wire = Wire(is_anthropic=True, is_stream=True, first="Hello there")
    async with reselling(tmp_path, lambda _: stream(wire.begin + wire.output + OVERLOADED)) as (upstream, shop):
        text = (await shop.messages(stream=True)).text
        [row] = await shop.log()
        assert (text.startswith(wire.begin + wire.output), text.count("event: error")) == (True, 1)
        assert (row["outcome"], row["output_tokens"], len(upstream.received)) == ("truncated", 5, 1)


async def test_nothing_is_passed_on_behind_an_error_event(tmp_path: Path) -> None:
    """An upstream that goes on all the same is not waited for, and what it says then is not paid for."""
    wire = Wire(is_anthropic=True, is_stream=True, first="Hello there")
    begun, failed, more = (stream(text)[:-1] for text in (wire.begin + wire.output, OVERLOADED, wire.output))
    async with reselling(tmp_path, lambda _: [*begun, *TURNS, *failed[1:], *TURNS, *more[1:], 30.0]) as (_, shop):
        text = (await shop.messages(stream=True)).text
        [row] = await shop.log()
        assert (text.count("Hello there"), text.count("event: error")) == (1, 1)
        assert (row["outcome"], row["output_tokens"]) == ("truncated", 5)


async def test_output_that_comes_with_the_end_of_a_broken_stream_passes_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """All that came is one event, without the line behind it; it is told and counted once, and is no fault of ours."""
    event = words("Hello there").rstrip("\n")
    async with reselling(tmp_path, lambda _: stream(event)) as (_, shop):
        text = (await shop.chat(stream=True)).text
        [row] = await shop.log()
        assert text.startswith(event + "\n\ndata: {")
        assert (text.count("Hello there"), text.count('"code":"upstream_error"')) == (1, 1)
        assert (row["outcome"], row["output_tokens"]) == ("truncated", 4)
    assert "request.failed" not in [record.message for record in caplog.records]


@pytest.mark.parametrize("credit", ["0.0085", "0.05"])
async def test_output_beyond_the_account_that_comes_at_once_costs_nothing(tmp_path: Path, credit: str) -> None:
    """Nothing of it went out, so the customer gets a status, and pays nothing."""
    at_once = words("word " * 8000)
    async with reselling(tmp_path, lambda _: stream(at_once, ending="open"), credit=credit) as (upstream, shop):
        refused = await shop.chat(stream=True, max_completion_tokens=100)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "insufficient_user_quota")
        [row] = await shop.log()
        assert (row["outcome"], row["charge_nano"], len(upstream.received)) == ("upstream_error", 0, 1)
        assert balances(shop.rows(LOTS))[1] == 0


async def test_an_end_beyond_the_account_that_comes_at_once_is_neither_told_nor_paid_for(tmp_path: Path) -> None:
    """Of a stream under way the last piece is held back: its input is paid as the upstream says, and what went out."""
    begun, rest = stream(ROLE + words("Hello"))[:-1], stream(words("word " * 8000) + STOP + USAGE + DONE)[1:]
    async with reselling(tmp_path, lambda _: [*begun, *TURNS, *rest], credit="0.05") as (_, shop):
        text = (await shop.chat(stream=True, max_completion_tokens=100)).text
        [row] = await shop.log()
        assert ("word" in text, DONE in text, '"code":"insufficient_user_quota"' in text) == (False, False, True)
        assert (row["outcome"], row["output_tokens"], row["charge_nano"]) == ("truncated", 2, 2_016_000)


ENDLESS = ROLE + words(*["word " * 80] * 200) + STOP


async def test_an_upstream_that_heeds_no_limit_makes_nothing_free(tmp_path: Path) -> None:
    """Ten tokens were asked for and 20 000 came: seen to come out, they are billed as the upstream says."""
    usage = USAGE.replace(
        '"completion_tokens":500,"total_tokens":1500', '"completion_tokens":20000,"total_tokens":21000'
    )
    async with reselling(tmp_path, lambda _: stream(ENDLESS + usage + DONE, seed=1, pause_s=0.002)) as (_, shop):
        await shop.chat(stream=True, max_completion_tokens=10)
        [row] = await shop.log()
        assert (row["usage_source"], row["output_tokens"], row["overrun_nano"]) == ("upstream", 20_000, 0)


async def test_no_more_is_passed_on_than_the_account_can_pay_though_the_limit_was_small(tmp_path: Path) -> None:
    """The hold grows past the limit once that was clearly not kept, and where it can't the stream ends."""
    async with reselling(tmp_path, lambda _: stream(ENDLESS + USAGE + DONE, seed=1, pause_s=0.002), credit="0.05") as (
        _,
        shop,
    ):
        text = (await shop.chat(stream=True, max_completion_tokens=10)).text
        [row] = await shop.log()
        assert ('"code":"insufficient_user_quota"' in text, row["outcome"], row["overrun_nano"]) == (
            True,
            "truncated",
            0,
        )


async def test_a_stream_a_little_beyond_its_limit_is_not_cut_for_it(tmp_path: Path) -> None:
    """Our count is an estimate: a hundred words where ten tokens were asked for ask for no more than was held."""
    body = ROLE + words("word ") * 100 + STOP + USAGE + DONE
    async with reselling(tmp_path, lambda _: stream(body), credit="0.00117") as (_, shop):
        text = (await shop.chat(stream=True, max_completion_tokens=10)).text
        [row] = await shop.log()
        assert (text.count('"word "'), text.endswith(DONE), row["outcome"]) == (100, True, "complete")


FIVE_WORDS = "".join(
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}}\n\n'
    for _ in range(5)
)
MILLIONS = START.replace('"input_tokens":500', '"input_tokens":50000000')


STOPPED = 'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'
STOP_MARK = 'event: message_stop\ndata: {"type":"message_stop"}\n\n'


@pytest.mark.parametrize(
    ("end", "outcome"),
    [("", "truncated"), (STOPPED, "truncated"), (STOPPED + STOP_MARK, "complete"), (STOP_MARK, "complete")],
    ids=["cut", "cut behind a reason", "ended", "ended without a reason"],
)
async def test_input_that_can_not_be_true_is_disputed_however_the_stream_ends(
    tmp_path: Path, end: str, outcome: str
) -> None:
    """Two letters were asked; fifty million tokens would have emptied the account."""
    async with reselling(tmp_path, lambda _: [*stream(MILLIONS + FIVE_WORDS + end)[:-1], 0.1, "shut"]) as (_, shop):
        await shop.messages(stream=True)
        [row] = await shop.log()
        assert (row["outcome"], row["usage_source"], row["output_tokens"]) == (outcome, "disputed", 7)
        assert (row["input_tokens"], row["charge_nano"]) == (541, 541 * 3000 + 7 * 15_000)


async def test_marks_tell_only_of_input_that_can_be_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What recovery would post after a death is disputed like all else."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.02)
    begun = stream(MILLIONS + FIVE_WORDS)[:-1]
    async with reselling(tmp_path, lambda _: [*begun, 0.6, "shut"]) as (_, shop):
        await shop.messages(stream=True)
        [row] = shop.rows("select mark from reservation")
        usage = json.loads(row["mark"])["usage"]
        assert (usage["input_tokens"], usage["output_tokens"], usage["source"]) == (541, 7, "disputed")


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The output tokens of each mark, in their order; a beat comes often."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.02)
    marked: list[int] = []
    original = SqliteLedger.mark

    def noted(ledger: SqliteLedger, mark: Mark) -> None:
        marked.append(mark.usage.output_tokens)
        original(ledger, mark)

    monkeypatch.setattr(SqliteLedger, "mark", noted)
    return marked


async def test_nothing_is_marked_before_the_first_output(
    tmp_path: Path, marks: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    """After a death, recovery would charge the input to a customer who got nothing."""
    async with reselling(tmp_path, lambda _: [*stream(ROLE)[:-1], 0.3, "shut"]) as (_, shop):
        assert (await shop.chat(stream=True)).status_code == 502
    assert marks == []
    assert "stream.unmarked" not in [record.message for record in caplog.records]


async def test_a_stream_that_stands_still_is_marked_once(tmp_path: Path, marks: list[int]) -> None:
    """Each mark is a write to the disk."""
    begun = stream(MILLIONS + FIVE_WORDS)[:-1]
    async with reselling(tmp_path, lambda _: [*begun, 0.5, "shut"]) as (_, shop):
        await shop.messages(stream=True)
    assert marks[-1] == 7
    assert marks == sorted(set(marks))


async def test_a_prompt_is_read_for_its_estimate_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mark needs the estimate, and a prompt may have millions of words to count."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.02)
    asked: list[str] = []

    def estimate(self: OpenAIChat, exchange: Exchange) -> int:
        asked.append(exchange.id)
        return 7

    monkeypatch.setattr(OpenAIChat, "input_estimate", estimate)
    begun, word = stream(ROLE + words("Hello"))[:-1], stream(words(" there"))[1:-1]
    later = [step for _ in range(10) for step in (0.05, *word)]
    async with reselling(tmp_path, lambda _: [*begun, *later, "shut"]) as (_, shop):
        await shop.chat(stream=True)
        [row] = await shop.log()
        [reservation] = shop.rows("select mark from reservation")
        assert json.loads(reservation["mark"])["usage"]["input_tokens"] == 7
        assert (row["outcome"], row["input_tokens"], len(asked)) == ("truncated", 7, 1)


async def test_a_stop_reason_without_figures_is_no_end_of_the_count(tmp_path: Path) -> None:
    """The stream breaks behind it: what was delivered is charged, not the one token of its beginning."""
    async with reselling(tmp_path, lambda _: [*stream(START + FIVE_WORDS + STOPPED)[:-1], 0.1, "shut"]) as (_, shop):
        await shop.messages(stream=True)
        [row] = await shop.log()
        assert (row["outcome"], row["usage_source"]) == ("truncated", "estimated")
        assert (row["input_tokens"], row["output_tokens"]) == (500, 7)


@pytest.mark.parametrize(("policy", "tokens"), [("delivered", 0), ("input_only", 0), ("drain", 500)])
async def test_who_leaves_before_the_first_word_pays_what_the_upstream_had_begun(
    tmp_path: Path, policy: str, tokens: int
) -> None:
    """It has read the input by then; a shop that drains its upstreams learns the rest."""
    profile = PROFILE.replace("channels:\n", f"limits: {{{{hang_up: {policy}}}}}\nchannels:\n", 1)
    begun, rest = stream(ROLE)[:-1], stream(words("Hello") + STOP + USAGE + DONE)[1:]
    async with reselling(tmp_path, lambda _: [*begun, 0.6, *rest], profile=profile) as (_, shop):
        with pytest.raises(httpx.ReadTimeout):
            await shop.chat(stream=True, timeout_s=0.3)
        [row] = await shop.log()
        assert (row["outcome"], row["output_tokens"]) == ("customer_gone", tokens)
        assert row["input_tokens"] > 0
        assert json.loads(row["evidence"])["hang_up_policy"] == policy
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - row["charge_nano"], 0)
        assert row["charge_nano"] == (row["input_tokens"] + 4 * tokens) * 2000


@pytest.mark.parametrize("is_stream", [True, False])
async def test_who_leaves_before_any_output_says_nothing_about_the_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_stream: bool
) -> None:
    """An upstream that sends its head and hangs would look healthy for all the customers it loses."""
    kind = b"text/event-stream" if is_stream else b"application/json"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b"\r\ncontent-length: 1000\r\n\r\n"
    async with reselling(tmp_path, lambda _: [head, 5.0]) as (_, shop):
        verdicts: list[object] = []
        monkeypatch.setattr(shop.shop.circuit, "report", lambda *told: verdicts.append(told[1]))
        with pytest.raises(httpx.ReadTimeout):
            await shop.chat(stream=is_stream, timeout_s=0.3)
        [row] = await shop.log()
        assert (row["outcome"], verdicts) == ("customer_gone", ["request"])


PICTURE = CHUNK % (
    '{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,' + "iVBO" * 1000 + '"}}]}',
    "null",
)
SOUND = CHUNK % ('{"audio":{"id":"a","data":"' + "AAAA" * 16_000 + '"}}', "null")


@pytest.mark.parametrize(
    ("output", "tokens", "kind"), [(PICTURE, 1290, "image_output_tokens"), (SOUND, 20, "audio_output_tokens")]
)
async def test_pictures_and_sound_are_not_free_for_who_leaves_behind_them(
    tmp_path: Path, output: str, tokens: int, kind: str
) -> None:
    """Their figures come at the end; until then they are estimated: a picture as Gemini counts it, sound by its length."""
    begun = stream(ROLE + output)[:-1]
    async with reselling(tmp_path, lambda _: [*begun, 5.0]) as (_, shop):
        with pytest.raises(httpx.ReadTimeout):
            await shop.chat(stream=True, timeout_s=0.4)
        [row] = await shop.log()
        assert (row["outcome"], row["usage_source"], row["output_tokens"]) == ("customer_gone", "estimated", tokens)
        assert json.loads(row["usage"])[kind] == tokens
        assert row["charge_nano"] == (row["input_tokens"] + 4 * tokens) * 2000


RESPONSES = PROFILE.replace('completion_ratio: "4"', 'completion_ratio: "4", web_search_price: "0.01"', 1).replace(
    "    priority: 2", "    priority: 2\n    dialects: [openai_responses]", 1
)
CREATED = {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress", "output": []}}
FOUND = {"type": "response.output_item.done", "item": {"type": "web_search_call", "action": {"type": "search"}}}
OPENED = {"type": "response.output_item.done", "item": {"type": "web_search_call", "action": {"type": "open_page"}}}
DRAFT = {"type": "response.image_generation_call.partial_image", "partial_image_b64": "iVBO"}
SAID = {"type": "response.output_text.delta", "delta": "Hello"}


@pytest.mark.parametrize(
    ("said", "output_tokens", "drawn_tokens", "search_count"),
    [([FOUND, OPENED, FOUND, SAID], 2, 0, 2), ([DRAFT, DRAFT, SAID], 202, 200, 0)],
)
async def test_what_hosted_tools_did_is_not_free_for_who_leaves_behind_it(
    tmp_path: Path, said: list[object], output_tokens: int, drawn_tokens: int, search_count: int
) -> None:
    """Responses tell usage at the end alone; until then searches are counted as they come, and drafts as a hundred tokens."""
    begun = stream("".join(f"data: {json.dumps(each)}\n\n" for each in [CREATED, *said]))[:-1]
    async with reselling(tmp_path, lambda _: [*begun, 5.0], profile=RESPONSES) as (_, shop):
        body = {"model": "gpt-4o-mini", "input": "hi", "stream": True}
        with pytest.raises(httpx.ReadTimeout):
            await shop.client.post("/v1/responses", json=body, headers=shop.headers, timeout=0.4)
        [row] = await shop.log()
        usage = json.loads(row["usage"])
        assert (row["outcome"], row["output_tokens"]) == ("customer_gone", output_tokens)
        assert (usage["image_output_tokens"], usage["web_search_count"]) == (drawn_tokens, search_count)
        assert row["charge_nano"] == (row["input_tokens"] + 4 * output_tokens) * 2000 + search_count * 10_000_000


@pytest.mark.parametrize("output", [PICTURE, SOUND])
async def test_what_is_not_paid_for_is_no_part_of_what_is(tmp_path: Path, output: str) -> None:
    """Where who leaves pays for the input alone, no token of a picture or a sound stands beside none of output."""
    profile = PROFILE.replace("channels:\n", "limits: {{hang_up: input_only}}\nchannels:\n", 1)
    async with reselling(tmp_path, lambda _: [*stream(ROLE + output)[:-1], 5.0], profile=profile) as (_, shop):
        with pytest.raises(httpx.ReadTimeout):
            await shop.chat(stream=True, timeout_s=0.4)
        [row] = await shop.log()
        usage = json.loads(row["usage"])
        assert row["output_tokens"] == 0
        assert (usage["image_output_tokens"], usage["audio_output_tokens"]) == (0, 0)


async def test_who_leaves_behind_some_output_tells_that_the_channel_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answered, whatever became of the rest."""
    async with reselling(tmp_path, lambda _: [*stream(ROLE + words("Hello"))[:-1], 5.0]) as (_, shop):
        verdicts: list[object] = []
        monkeypatch.setattr(shop.shop.circuit, "report", lambda *told: verdicts.append(told[1]))
        with pytest.raises(httpx.ReadTimeout):
            await shop.chat(stream=True, timeout_s=0.3)
        [row] = await shop.log()
        assert (row["outcome"], verdicts) == ("customer_gone", [None])


async def test_no_more_is_drained_than_the_hold_covers(tmp_path: Path) -> None:
    """What the customer who left has not asked to be held for is not paid for, nor read."""
    limits = "limits: {{hang_up: drain, hold_output_tokens_stream: 64}}\nchannels:\n"
    begun, rest = stream(ROLE + words("Hello"))[:-1], stream(LONG.removeprefix(ROLE), seed=1, pause_s=0.002)[1:]
    profile = PROFILE.replace("channels:\n", limits, 1)
    async with reselling(tmp_path, lambda _: [*begun, 0.6, *rest], profile=profile) as (_, shop):
        with pytest.raises(httpx.ReadTimeout):
            await shop.chat(stream=True, timeout_s=0.3)
        [row] = await shop.log()
        assert (row["outcome"], row["usage_source"]) == ("customer_gone", "estimated")
        assert (row["output_tokens"], row["charge_nano"]) == (2, 44_000)


async def test_a_drained_stream_is_read_to_its_last_event_though_no_blank_line_ends_it(tmp_path: Path) -> None:
    """The figures may stand in it."""
    begun, rest = stream(ROLE + words("Hello"))[:-1], stream(STOP + USAGE.rstrip())[1:]
    profile = PROFILE.replace("channels:\n", "limits: {{hang_up: drain}}\nchannels:\n", 1)
    async with reselling(tmp_path, lambda _: [*begun, 1.0, *rest], profile=profile) as (_, shop):
        with pytest.raises(httpx.ReadTimeout):
            await shop.chat(stream=True, timeout_s=0.5)
        [row] = await shop.log()
    assert (row["outcome"], row["charge_nano"], row["usage_source"]) == ("customer_gone", 6_000_000, "upstream")


async def test_a_drained_upstream_that_fails_before_any_output_costs_nothing(tmp_path: Path) -> None:
    """As if its customer had stayed."""
    profile = PROFILE.replace("channels:\n", "limits: {{hang_up: drain}}\nchannels:\n", 1)
    begun, rest = stream(START)[:-1], stream(OVERLOADED)[1:]
    async with reselling(tmp_path, lambda _: [*begun, 0.6, *rest], profile=profile) as (_, shop):
        with pytest.raises(httpx.ReadTimeout):
            await shop.messages(stream=True, timeout_s=0.3)
        [row] = await shop.log()
        assert row["charge_nano"] == 0
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 0)


async def test_a_drained_upstream_that_fails_behind_some_output_costs_its_input(tmp_path: Path) -> None:
    """The customer had left before it, so no other channel is asked, and no output is charged."""
    profile = PROFILE.replace("channels:\n", "limits: {{hang_up: drain}}\nchannels:\n", 1)
    failed = 'data: {"error":{"message":"Overloaded","type":"server_error"}}\n\n'
    begun, rest = stream(ROLE)[:-1], stream(words("Hello") + failed)[1:]
    async with reselling(tmp_path, lambda _: [*begun, 0.6, *rest], profile=profile) as (upstream, shop):
        with pytest.raises(httpx.ReadTimeout):
            await shop.chat(stream=True, timeout_s=0.3)
        [row] = await shop.log()
        assert (row["outcome"], row["output_tokens"], row["charge_nano"]) == ("customer_gone", 0, 28_000)
        assert len(upstream.received) == 1


async def test_several_passes_are_believed_also_where_the_customer_leaves(tmp_path: Path) -> None:
    """Each read the whole input anew, with what the server's own tools had found."""
    passes = '{"type":"message","input_tokens":30000,"output_tokens":4}'
    told = STOPPED.replace(
        '"end_turn"}}', f'"end_turn"}},"usage":{{"output_tokens":8,"iterations":[{passes},{passes}]}}}}'
    )
    profile = PROFILE.replace("channels:\n", "limits: {{hang_up: input_only}}\nchannels:\n", 1)
    async with reselling(tmp_path, lambda _: [*stream(START + FIVE_WORDS + told)[:-1], 5.0], profile=profile) as (
        _,
        shop,
    ):
        with pytest.raises(httpx.ReadTimeout):
            await shop.messages(stream=True, timeout_s=0.4)
        [row] = await shop.log()
        assert (row["outcome"], row["usage_source"]) == ("customer_gone", "estimated")
        assert (row["input_tokens"], row["output_tokens"]) == (60_000, 0)


LETS_GO = '''
from relay import ChannelPlugin, ChannelRequest, PluginConfig, UpstreamResponse

PIECES = [{piece!r}] * 3


class LetsGoConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings: none."""


class Answer:
    """Forgets to say that it has ended."""

    status = 200
    headers = {{"content-type": "text/event-stream"}}

    def __init__(self):
        self.pieces = list(PIECES)

    async def read(self):
        return self.pieces.pop(0) if self.pieces else b""

    async def hand_over(self, take):
        while self.pieces:
            if not take(self.pieces.pop(0)):
                return

    def close(self):
        """Nothing to let go of."""

    finish = close


class LetsGo(ChannelPlugin[LetsGoConfig]):
    """Answers by itself."""

    config_type = LetsGoConfig
    dialects = ("openai_chat",)

    async def send(self, request: ChannelRequest, api_key: str) -> UpstreamResponse:
        return Answer()
'''


async def test_a_channel_that_forgets_the_end_of_its_stream_holds_up_nobody(tmp_path: Path) -> None:
    """The stream ends as one that broke off, what was delivered is paid for, and the next customer is served."""
    (tmp_path / "lets_go.py").write_text(LETS_GO.format(piece=words("Hello ").encode()))
    channel = "channels:\n  - {{name: own, use: ./lets_go.py, models: [gpt-4o-mini], groups: [plain], priority: 9}}\n"
    async with serving(tmp_path, "http://127.0.0.1:1", profile=PROFILE.replace("channels:\n", channel, 1)) as shop:
        answer = await shop.chat(stream=True, timeout_s=5)
        assert (await shop.client.get("/v1/models", headers=shop.headers)).status_code == 200
        [row] = await shop.log()
    assert answer.text.count("Hello ") == 3
    assert '"code":"upstream_error"' in answer.text
    assert (row["outcome"], row["output_tokens"], row["usage_source"]) == ("truncated", 5, "estimated")
