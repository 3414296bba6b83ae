"""Exchanges over real sockets: what the customer got, what the upstream saw, what the ledger holds."""

import asyncio
import gc
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.core import heartbeat, pipeline, sink, streaming
from relay.core.errors import LedgerUnavailableError, ShuttingDownError
from relay.core.exchange import Exchange
from relay.core.figures import Figures
from relay.core.hub.translation import Translation
from relay.core.ledger.operations import RevokeKey, SetKeyGroup
from relay.core.ledger.verify import verify
from relay.core.profile.loader import load_profile
from relay.core.shop import Shop
from relay.core.sink import Sink
from tests.chats import CHAT, CHUNK, DONE, LOTS, ROLE, STOP, USAGE, balances, words
from tests.core.panic import Panic
from tests.shops import PROFILE, reselling, serving
from tests.upstreams import TURNS, Received, Step, Upstream, document, stream


@pytest.mark.parametrize("seed", range(8))
async def test_a_stream_passes_without_the_usage_nobody_asked_for(tmp_path: Path, seed: int) -> None:
    """However the upstream cuts it, the customer gets all but the usage chunk, and pays by it."""
    whole = ROLE + words("Hello", " there") + STOP + USAGE + DONE
    async with reselling(tmp_path, lambda _: stream(whole, seed=seed)) as (upstream, shop):
        response = await shop.chat(stream=True)
        log = await shop.log()
        assert response.text == ROLE + words("Hello", " there") + STOP + DONE
        assert upstream.received[0].document["stream_options"] == {"include_usage": True}
        assert [(row["outcome"], row["charge_nano"]) for row in log] == [("complete", 6_000_000)]
        assert balances(shop.rows(LOTS)) == (9_994_000_000, 0)


@pytest.mark.parametrize(("length", "is_aside"), [(1, False), (pipeline.TRANSLATED_AT_ONCE_BYTES_MAX, True)])
async def test_a_long_request_is_translated_beside_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int, is_aside: bool
) -> None:
    """Nobody else waits for it; a short one is not worth a thread."""
    threads = []

    def translate(*arguments: Any, **options: Any) -> Translation:
        threads.append(threading.current_thread())
        return Translation(*arguments, **options)

    monkeypatch.setattr(pipeline, "Translation", translate)
    async with reselling(tmp_path, lambda _: document(CHAT)) as (upstream, shop):
        answer = await shop.messages(model="gpt-4o-mini", messages=[{"role": "user", "content": "x" * length}])
    assert (answer.status_code, len(upstream.received)) == (200, 1)
    assert [thread is not threading.current_thread() for thread in threads] == [is_aside]


async def test_who_leaves_does_not_wait_for_a_translation(tmp_path: Path) -> None:
    """Their request is forgotten while another account's is still being translated."""
    go_on = threading.Event()
    asked = [{"role": "user", "content": "x" * pipeline.TRANSLATED_AT_ONCE_BYTES_MAX}]
    async with reselling(tmp_path, lambda _: document(CHAT)) as (upstream, shop):
        other = asyncio.create_task(shop.shop.aside.run("acc_bob", go_on.wait))
        try:
            with pytest.raises(httpx.ReadTimeout):
                await shop.messages(model="gpt-4o-mini", messages=asked, timeout_s=0.5)
            async with asyncio.timeout(10):
                while shop.shop.bodies.bytes:  # noqa: ASYNC110 - nothing tells of it
                    await asyncio.sleep(0.01)
        finally:
            go_on.set()
        await other
        assert (upstream.received, shop.rows("select * from request_log")) == ([], [])


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_total_that_contradicts_its_parts_is_logged_once(
    tmp_path: Path, is_stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """With the channel that told it; the parts are charged, and what it cost the shop stays with them in the log."""
    usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1600, "cost": 0.25}
    told = CHUNK % ("{}", '"stop"')
    told = told.replace("}\n\n", f',"usage":{json.dumps(usage)}}}\n\n')
    whole = stream(ROLE + words("Hello") + told + told + DONE) if is_stream else document({**CHAT, "usage": usage})
    async with reselling(tmp_path, lambda _: whole) as (_, shop):
        with caplog.at_level("INFO", logger="relay"):
            response = await shop.chat(stream=is_stream)
            [row] = await shop.log()
    assert [(record.message, vars(record)["fields"]) for record in caplog.records if record.name == "relay"] == [
        ("usage.contradicted", {"request_id": row["request_id"], "channel": "openai-a"})
    ]
    assert row["charge_nano"] == 6_000_000
    assert '"upstream_cost_nano":250000000' in row["usage"]
    assert "cost" not in response.text


BESIDE = PROFILE.replace(
    "    groups: [plain, dear]\n",
    "    groups: [plain, dear]\n    dialects: [openai_chat, openai_completions, embeddings]\n"
    "    settings: {{reasoning_in_output: false}}\n",
)
HI = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": HI}),
        ("/v1/completions", {"prompt": "Hi"}),
        ("/v1/messages", {"messages": HI, "max_tokens": 9}),
    ],
)
async def test_reasoning_that_a_channel_counts_beside_its_output_is_paid(
    tmp_path: Path, path: str, body: dict[str, object], is_stream: bool
) -> None:
    """By customers of every dialect that is asked in the form of chat: 1000 tokens in, 2 shown and 10 thought."""
    choice = {
        "index": 0,
        "text": "Hi",
        "message": {"content": "Hi"},
        "delta": {"content": "Hi"},
        "finish_reason": "stop",
    }
    usage = {"prompt_tokens": 1000, "completion_tokens": 2, "total_tokens": 1012}
    answer = {"choices": [choice], "usage": usage}
    said = stream(f"data: {json.dumps(answer)}\n\n" + DONE) if is_stream else document(answer)
    async with reselling(tmp_path, lambda _: said, profile=BESIDE) as (_, shop):
        asked = {"model": "gpt-4o-mini", "stream": is_stream, **body}
        response = await shop.client.post(path, json=asked, headers=shop.headers)
        [row] = await shop.log()
        assert (response.status_code, row["output_tokens"]) == (200, 12)
        assert (row["charge_nano"], row["usage_source"]) == (2_096_000, "upstream")


async def test_a_broken_stream_ends_in_an_error_event_and_is_claimed(tmp_path: Path) -> None:
    """A stream cut in the middle is priced by what was delivered, and half of that is claimed."""
    broken = stream(ROLE + words("Hello", " there"), ending="reset")
    async with reselling(tmp_path, lambda _: broken) as (_, shop):
        response = await shop.chat(stream=True)
        [row] = await shop.log()
        assert response.text.startswith(ROLE + words("Hello", " there"))
        assert response.text.endswith("}\n\n")
        assert '"code":"upstream_error"' in response.text
        assert "[DONE]" not in response.text
        assert (row["outcome"], row["usage_source"], row["output_tokens"]) == ("truncated", "estimated", 4)
    [claim] = shop.rows("select kind, share, amount_nano from claim")
    assert claim == {"kind": "truncated_reply", "share": "1/2", "amount_nano": row["charge_nano"] // 2}


THOUGHT = CHUNK % ('{"reasoning_content":"hm"}', "null")
UNCHECKED = "select request_id from reservation where state = 'posted' and not is_checked"


@pytest.mark.parametrize(
    ("upstream_says", "claims", "returned"),
    [
        (stream(ROLE + words("Hello", " there"), ending="reset"), [("truncated_reply", 30_000)], []),
        (stream(ROLE + THOUGHT + STOP + USAGE + DONE), [], [6_000_000]),
    ],
    ids=["truncated", "empty"],
)
async def test_what_is_owed_is_returned_once_though_the_process_is_told_to_end(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    upstream_says: list[Step],
    claims: list[tuple[str, int]],
    returned: list[int],
) -> None:
    """The customer reads slowly, and the end of the answer does not go out any more: the next start sees to it.

    An end that was held back is given back with its charge, so there is nothing left to claim.
    """

    async def end(*_: object) -> None:
        raise ShuttingDownError

    async with Upstream(lambda _: upstream_says).opened() as upstream:
        async with serving(tmp_path, upstream.url) as shop:
            monkeypatch.setattr(Sink, "end", end)
            with pytest.raises(httpx.HTTPError):
                await shop.chat(stream=True)
            await shop.log()
        async with Shop(load_profile(tmp_path / "shop.yaml"), shop.data, {}).opened(), asyncio.timeout(5):
            while shop.rows(UNCHECKED):  # noqa: ASYNC110  # nothing tells of it but the database
                await asyncio.sleep(0.01)
    found = [(row["kind"], row["amount_nano"]) for row in shop.rows("select kind, amount_nano from claim")]
    assert found == claims
    transfers = shop.rows("select amount_nano from transfer where kind = 'undelivered'")
    assert [row["amount_nano"] for row in transfers] == returned


async def test_an_answer_that_makes_no_sense_leaves_no_connection_behind(tmp_path: Path) -> None:
    """It may have been another request's: on that connection the next would get this one's, and so on for good."""
    whole = ROLE + words("Hello") + STOP + USAGE + DONE
    answers = iter([[*document(CHAT), 5.0], stream(whole)])
    async with reselling(tmp_path, lambda _: next(answers)) as (upstream, shop):
        response = await shop.chat(stream=True)
        assert response.text == ROLE + words("Hello") + STOP + DONE
        async with asyncio.timeout(3):
            await upstream.received[0].gone.wait()
        [row] = await shop.log()
        assert (row["attempt_count"], row["outcome"]) == (2, "complete")


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_hang_up_reaches_the_upstream(tmp_path: Path, is_stream: bool) -> None:
    """A customer who leaves before any answer pays nothing, and the upstream is cut off."""
    async with reselling(tmp_path, lambda _: [30.0]) as (upstream, shop):
        with pytest.raises(httpx.ReadTimeout):
            await shop.chat(stream=is_stream, timeout_s=0.2)
        async with asyncio.timeout(1):
            await upstream.received[0].gone.wait()
        [row] = await shop.log()
        assert (row["outcome"], row["charge_nano"]) == ("customer_gone", 0)
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 0)


async def test_a_hang_up_in_the_middle_pays_for_what_was_delivered(tmp_path: Path) -> None:
    """A customer who leaves after two words pays the input's estimate and those two words."""
    whole = stream(ROLE + words("Hello", " there"), ending="open")
    async with reselling(tmp_path, lambda _: whole) as (upstream, shop):
        async with shop.client.stream(
            "POST", "/v1/chat/completions", json=shop.chat_body(stream=True), headers=shop.headers
        ) as response:
            async for line in response.aiter_lines():
                if "there" in line:
                    break
        [row] = await shop.log()
        assert (row["outcome"], row["output_tokens"], row["usage_source"]) == ("customer_gone", 4, "estimated")
        assert '"hang_up_policy":"delivered"' in row["evidence"]
        async with asyncio.timeout(1):
            await upstream.received[0].gone.wait()


async def test_a_balance_below_the_hold_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    """Nothing goes upstream and no row is written."""
    async with reselling(tmp_path, lambda _: document(CHAT), credit="0.001") as (upstream, shop):
        response = await shop.chat()
        assert (response.status_code, response.json()["error"]["code"]) == (403, "insufficient_user_quota")
        assert response.headers["x-should-retry"] == "false"
        assert (upstream.received, shop.rows("select * from request_log")) == ([], [])


async def test_a_stream_that_outgrows_the_balance_ends_in_an_error_and_no_claim(tmp_path: Path) -> None:
    """What the account cannot hold any more is not passed on; the account never goes below zero."""
    endless = stream(ROLE + words(*["word " * 20] * 400) + STOP + DONE, seed=3)
    async with reselling(tmp_path, lambda _: endless, credit="0.012") as (_, shop):
        response = await shop.chat(stream=True)
        [row] = await shop.log()
        assert '"code":"insufficient_user_quota"' in response.text
        assert "[DONE]" not in response.text
        assert row["overrun_nano"] == 0
        assert shop.rows("select * from claim") == []
        assert balances(shop.rows(LOTS))[0] >= 0


async def test_an_anthropic_stream_passes_whole_and_is_posted_before_its_end(tmp_path: Path) -> None:
    """message_stop comes after the row is there."""
    events = (
        'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":100,"output_tokens":1}}}\n\n'
        'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n'
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":10}}\n\n'
        'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )
    async with reselling(tmp_path, lambda _: stream(events, seed=1)) as (_, shop):
        response = await shop.messages(stream=True)
        [row] = await shop.log()
        assert response.text == events
        assert (row["outcome"], row["charge_nano"]) == ("complete", 450_000)


async def test_a_switched_group_holds_for_the_next_request(tmp_path: Path) -> None:
    """The same key pays twice as much right after it was moved to a group of ratio 2."""
    async with reselling(tmp_path, lambda _: document(CHAT)) as (_, shop):
        await shop.chat()
        await shop.shop.ledger.set_key_group(SetKeyGroup(key_id=shop.key_id, group="dear", actor="test"))
        await shop.chat()
        assert [row["charge_nano"] for row in await shop.log(count=2)] == [6_000_000, 12_000_000]


async def test_a_revoked_key_is_refused_at_once(tmp_path: Path) -> None:
    """A key that was remembered as good is refused the moment it is revoked."""
    async with reselling(tmp_path, lambda _: document(CHAT)) as (upstream, shop):
        await shop.chat()
        await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
        response = await shop.chat()
        assert (response.status_code, response.json()["error"]["code"]) == (401, "api_key_revoked")
        assert len(upstream.received) == 1


DRAINING = PROFILE.replace("channels:\n", "limits: {{hang_up: drain}}\nchannels:\n", 1)


[WHOLE] = [step for step in document(CHAT) if isinstance(step, bytes)]
BEGUN = stream(ROLE + words("Hello"))[:-1]


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        pytest.param([WHOLE[:-40]], [WHOLE[-40:]], id="whole"),
        pytest.param(BEGUN, stream(STOP + USAGE + DONE)[1:], id="stream"),
        pytest.param(BEGUN, [*stream(STOP + DONE)[1:-1], 0.05, *stream(USAGE)[1:]], id="usage behind the end mark"),
    ],
)
async def test_a_draining_shop_reads_on_to_the_true_usage(tmp_path: Path, begun: list[Step], rest: list[Step]) -> None:
    """The customer leaves in the middle; the upstream is read to its end and its figures are billed."""

    def script(_: Received) -> Iterator[Step]:
        yield from begun
        yield from TURNS
        customer.cancel()
        yield from TURNS
        yield from rest

    async with reselling(tmp_path, script, profile=DRAINING) as (_, shop):
        customer = asyncio.create_task(shop.chat(stream=begun is BEGUN))
        await asyncio.wait([customer])
        [row] = await shop.log()
        assert (row["outcome"], row["charge_nano"], row["usage_source"]) == ("customer_gone", 6_000_000, "upstream")


@pytest.mark.parametrize(
    ("begun", "output_tokens", "charge_nano"), [([WHOLE[:-40]], 0, 28_000), (BEGUN, 2, 44_000)], ids=["whole", "stream"]
)
async def test_what_breaks_off_while_it_is_drained_is_asked_of_no_other_channel(
    tmp_path: Path, begun: list[Step], output_tokens: int, charge_nano: int
) -> None:
    """Its customer has left, and pays for the input and for what was handed over."""

    def script(_: Received) -> Iterator[Step]:
        yield from begun
        yield from TURNS
        customer.cancel()
        yield from TURNS
        yield "reset"

    async with reselling(tmp_path, script, profile=DRAINING) as (upstream, shop):
        customer = asyncio.create_task(shop.chat(stream=begun is BEGUN))
        await asyncio.wait([customer])
        [row] = await shop.log()
        assert (row["outcome"], row["output_tokens"]) == ("customer_gone", output_tokens)
        assert (row["charge_nano"], len(upstream.received)) == (charge_nano, 1)


async def test_who_leaves_between_the_end_and_its_figures_pays_by_the_figures(tmp_path: Path) -> None:
    """The answer was whole when the customer left: what the upstream says of it behind its end mark is waited for."""
    steps = [*stream(ROLE + words("Hello") + STOP + DONE)[:-1], 0.15, *stream(USAGE)[1:]]
    async with reselling(tmp_path, lambda _: steps) as (_, shop):
        body = shop.chat_body(stream=True)
        async with shop.client.stream("POST", "/v1/chat/completions", json=body, headers=shop.headers) as response:
            async for line in response.aiter_lines():
                if '"stop"' in line:
                    break
        [row] = await shop.log()
        assert (row["outcome"], row["charge_nano"], row["usage_source"]) == ("complete", 6_000_000, "upstream")


async def test_an_answer_that_can_not_be_booked_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error takes its place, and the operator is told; the hold stays until the next start settles it."""

    async def post(_: object) -> None:
        raise LedgerUnavailableError("the disk is full")

    async with reselling(tmp_path, lambda _: document(CHAT)) as (upstream, shop):
        monkeypatch.setattr(shop.shop.ledger, "post", post)
        answer = await shop.chat()
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "ledger_unavailable")
        assert len(upstream.received) == 1
    [logged] = [vars(record) for record in caplog.records if record.name == "relay"]
    assert (logged["msg"], logged["fields"]) == ("post.failed", {"request_id": answer.headers["x-request-id"]})
    assert shop.rows("select state from reservation") == [{"state": "open"}]


FAILS_WHEN_MEASURED = '''
from fractions import Fraction

from relay import Charge, ChargeLine, Plugin, PluginConfig, Usage, hookimpl


class FailsConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings: none."""


class Fails(Plugin[FailsConfig]):
    """Prices estimates, and raises at what was measured."""

    config_type = FailsConfig

    @hookimpl
    def settle(self, usage: Usage, charge: Charge | None) -> Charge | None:
        if usage.source == "upstream":
            {fails}
        return None
'''
FAILURES = [
    'raise RuntimeError("no price")',
    "raise type('Panic', (BaseException,), {})('no price')",
    "return Charge(lines=5)",
    *(
        f'return charge.plus(ChargeLine(rule="fails", item="x", count={count}, factors=(("p", {factor}),)))'
        for count, factor in (("1", "None"), ("1", "0.1"), ("None", "Fraction(1)"), ('float("nan")', "Fraction(1)"))
    ),
    'return charge.plus(ChargeLine(rule="\\ud800", item="x", count=1, factors=()))',
]


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize("fails", FAILURES)
async def test_a_plugin_that_fails_at_the_end_leaves_no_hold_and_nothing_unbilled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fails: str, is_stream: bool
) -> None:
    """The other plugins' price is posted, its plugin is named, and the books are right."""
    (tmp_path / "fails.py").write_text(FAILS_WHEN_MEASURED.format(fails=fails))
    profile = PROFILE.replace("groups:\n", "  - use: ./fails.py\ngroups:\n", 1)
    answer = stream(ROLE + words("Hi") + STOP + USAGE + DONE) if is_stream else document(CHAT)
    async with reselling(tmp_path, lambda _: answer, profile=profile) as (_, shop):
        assert (await shop.chat(stream=is_stream)).status_code == 200
        [row] = await shop.log()
        assert (row["outcome"], row["charge_nano"]) == ("complete", 6_000_000)
        assert balances(shop.rows(LOTS)) == (9_994_000_000, 0)
        assert verify(shop.data) == []
    events = [(each.message, vars(each)["fields"]) for each in caplog.records if each.name == "relay"]
    assert [(event, fields["plugin"], fields["hook"]) for event, fields in events] == [
        ("plugin.failed", "./fails.py", "settle")
    ]


async def test_a_customer_who_takes_nothing_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last bytes wait for room as long as any others, and then no more: the request makes way."""
    monkeypatch.setattr(sink, "WRITE_DEADLINE_S", 0.3)
    whole = ROLE + words("Hello") + STOP + USAGE + DONE
    async with reselling(tmp_path, lambda _: stream(whole)) as (_, shop):

        async def takes_nothing(_: Sink) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(Sink, "_wait_for_room", takes_nothing)
        with pytest.raises(httpx.RemoteProtocolError):
            await shop.chat(stream=True)
        [row] = await shop.log()
        assert (row["outcome"], row["charge_nano"]) == ("complete", 6_000_000)


@pytest.mark.parametrize("error", [AssertionError("a bug"), Panic("a bug")], ids=repr)
async def test_a_bug_of_ours_before_the_post_leaves_no_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    """The customer is told of it, the hold is released, and the log says so once."""

    def plausible(*_: object) -> None:
        raise error

    monkeypatch.setattr(Figures, "plausible", plausible)
    async with reselling(tmp_path, lambda _: document(CHAT)) as (_, shop):
        with caplog.at_level("INFO", logger="relay"):
            assert (await shop.chat()).status_code == 500
        [row] = await shop.log()
        assert (row["outcome"], row["charge_nano"]) == ("upstream_error", 0)
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 0)
    assert [record.message for record in caplog.records if record.name == "relay"] == ["request.crashed"]


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("tail", ["", "\n"])
async def test_an_error_that_comes_as_a_stream_is_read_as_the_document_it_is(
    tmp_path: Path, kind: str, tail: str
) -> None:
    """Clients wait for its very word to begin anew with less; no other channel could do better."""
    said = {"error": {"message": "maximum context length is 10", "code": "context_length_exceeded"}}
    raw = json.dumps(said) + tail
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(raw)}\r\n\r\n"
    async with reselling(tmp_path, lambda _: [(head + raw).encode()]) as (upstream, shop):
        answer = await shop.chat(stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert len(upstream.received) == 1


async def test_words_that_a_customer_has_repeated_take_no_key_out(tmp_path: Path) -> None:
    """The upstream names an unknown field, and the field is called like the end of our money."""
    said = {"error": {"message": "Unrecognized request argument supplied: insufficient balance"}}
    answers = iter([document(said, 400), document(CHAT)])
    async with reselling(tmp_path, lambda _: next(answers)) as (upstream, shop):
        refused = await shop.chat(**{"insufficient balance": True})
        served = await shop.chat()
        assert (refused.status_code, served.status_code, len(upstream.received)) == (400, 200, 2)
        assert "balance" not in refused.text


MIXES_UP = '''
from relay import Plugin, PluginConfig, Principal, hookimpl


class MixesUpConfig(PluginConfig, frozen=True, kw_only=True):
    """Settings: none."""


class MixesUp(Plugin[MixesUpConfig]):
    """Takes alice's key for another account's, or for none."""

    config_type = MixesUpConfig

    @hookimpl
    async def authenticate(self) -> Principal:
        return Principal(key_version=1, group="plain", membership="default", {fields})
'''


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    "fields",
    [
        'account_id="acc_bob", key_id="key_alice"',
        'account_id=None, key_id="key_alice"',
        'account_id="acc_alice", key_id="key_9"',
    ],
)
async def test_a_principal_that_the_ledger_does_not_know_is_served_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fields: str, is_stream: bool
) -> None:
    """Its rows would stand under another account than the one that pays; the log names the plugin."""
    (tmp_path / "mixes_up.py").write_text(MIXES_UP.format(fields=fields))
    profile = PROFILE.replace("auth.api_key", "./mixes_up.py", 1)
    async with reselling(tmp_path, lambda _: document(CHAT), profile=profile) as (upstream, shop):
        answer = await shop.chat(stream=is_stream)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "plugin_error")
        assert upstream.received == []
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 0)
        assert shop.rows("select * from reservation") == []
    [event] = [record for record in caplog.records if record.name == "relay"]
    assert (event.message, vars(event)["fields"]["plugin"]) == ("request.failed", "./mixes_up.py")


@pytest.mark.parametrize(
    "failing",
    [
        document({"error": {"message": "oops"}}, 500),
        stream('data: {"error":{"message":"oops","type":"server_error"}}\n\n'),
    ],
    ids=["refusing", "breaking"],
)
@pytest.mark.parametrize(
    ("credit", "failures", "status"),
    [("10", 1, 200), ("10", 2, 502), ("0.001", 0, 403)],
    ids=["again", "never", "unpaid"],
)
@pytest.mark.usefixtures("no_collector")
async def test_a_request_is_freed_once_it_has_been_answered(
    tmp_path: Path, failing: list[Step], credit: str, failures: int, status: int
) -> None:
    """Its errors hold frames that hold the prompt: what only the collector can free would wait for thousands of others."""

    def script(_: Received) -> list[Step]:
        return failing if len(upstream.received) <= failures else stream(ROLE + words("Hi") + STOP + USAGE + DONE)

    async with reselling(tmp_path, script, credit=credit) as (upstream, shop):
        assert (await shop.chat(stream=True)).status_code == status
    assert [one for one in gc.get_objects() if type(one) is Exchange] == []


@pytest.mark.usefixtures("no_collector")
async def test_a_request_is_freed_whose_key_is_revoked(tmp_path: Path) -> None:
    """The ledger's refusal is not the one that is answered with: the key is then looked up again."""
    async with reselling(tmp_path, lambda _: document(CHAT)) as (_, shop):
        await shop.chat()
        await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
        assert (await shop.chat()).status_code == 401
    assert [one for one in gc.get_objects() if type(one) is Exchange] == []


async def test_a_picture_that_comes_whole_behind_a_keep_alive_is_no_part_of_the_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its length can't be told any more, so it counts as broken: an error event ends the stream, and nothing is charged."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.01)
    monkeypatch.setattr(streaming, "SILENCE_S", 0.0)
    text, told = "", asyncio.Event()

    def whole_picture(_: Received) -> Iterator[Step]:
        while not told.is_set():
            yield 0.01
        yield from document({"created": 1, "data": [{"b64_json": "AAAA"}]})

    async with reselling(tmp_path, whole_picture) as (_, shop):
        body = {"model": "gpt-4o-mini", "prompt": "A lion", "stream": True}
        async with shop.client.stream("POST", "/v1/images/generations", json=body, headers=shop.headers) as answer:
            async for piece in answer.aiter_text():
                text += piece
                told.set()
        [row] = await shop.log()
    assert (text.startswith("\n"), "AAAA" in text, '"code":"upstream_error"' in text) == (True, False, True)
    assert (row["outcome"], row["charge_nano"]) == ("upstream_error", 0)


async def test_speech_that_comes_as_plain_sound_where_events_were_asked_for_is_passed_on(tmp_path: Path) -> None:
    """The model ignores the wish: that is no failure, which would take it from every other customer."""
    sound = [b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 5\r\n\r\nsound"]
    async with reselling(tmp_path, lambda _: sound) as (_, shop):
        body = {"model": "gpt-4o-mini", "voice": "alloy", "input": "Hi", "stream_format": "sse"}
        answer = await shop.client.post("/v1/audio/speech", json=body, headers=shop.headers)
        [row] = await shop.log()
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "audio/mpeg", b"sound")
    assert (row["outcome"], row["charge_nano"] > 0) == ("complete", True)
