"""Sessions over real sockets: what each side hears, what the books hold, and how every end is told."""

import asyncio
import json
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from relay.core import heartbeat
from relay.core.errors import (
    InsufficientBalanceError,
    KeyCapError,
    LedgerUnavailableError,
    NoChannelError,
    PluginError,
    RelayError,
    SessionEndedError,
    ShuttingDownError,
    StaleKeyError,
    StorageFullError,
    UpstreamBrokenError,
)
from relay.core.exchange import RequestRecord
from relay.core.ledger.operations import Posted, RevokeKey, SetKeyGroup
from relay.core.ledger.verify import verify
from relay.core.realtime.context import Context
from relay.core.realtime.customer import Customer
from relay.core.realtime.session import close_code
from relay.core.settlement import Settlement
from tests.chats import LOTS, balances
from tests.core.realtime.talks import realtime_session, realtime_shop
from tests.shops import Running

from .talks import (
    CHARGE,
    PROFILE,
    SECOND_OF_SOUND,
    SESSION,
    Talk,
    Visit,
    connected,
    created,
    done,
    event,
    hear,
    sound,
    words,
)

CREATE = '{"type":"response.create"}'
Rows = list[dict[str, Any]]


def says(*frames: str | bytes, then: str = "open") -> Talk:
    """Return a talk that says *frames* once it is asked for a response; *then* it stays open, closes or is cut."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        with suppress(ConnectionClosed):
            async for frame in connection:
                visit.said.append(frame)
                if b"response.create" not in (frame if isinstance(frame, bytes) else frame.encode()):
                    continue
                for said in frames:
                    await connection.send(said)
                if then == "close":
                    await connection.close(1000)
                if then == "cut":
                    connection.transport.abort()

    return talk


async def ended(client: Any) -> tuple[list[dict[str, Any]], int | None]:
    """Return what the client still hears, and the code it is closed with."""
    heard: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        with suppress(ConnectionClosed):
            while True:
                heard.append(json.loads(await client.recv()))
    return heard, client.close_code


def outcomes(rows: Rows) -> list[tuple[str, int]]:
    return [(row["outcome"], row["charge_nano"]) for row in rows]


async def talk_with(shop: Running, *sent: str, until: str = "response.done") -> tuple[list[dict[str, Any]], int | None]:
    """Ask for a response, and hear the session to its end."""
    async with connected(shop) as client:
        await hear(client, "session.created")
        for frame in sent or (CREATE,):
            await client.send(frame)
        return await ended(client)


async def test_every_response_is_an_exchange_with_its_own_charge(tmp_path: Path) -> None:
    """Two responses are two rows, each at the exact price; the hold for a third is released at the end."""
    async with realtime_shop(tmp_path) as (_, shop):
        async with connected(shop) as client:
            await hear(client, "session.created")
            for _ in range(2):
                await client.send(CREATE)
                heard = await hear(client)
        rows = await shop.log(count=3)
        left = balances(shop.rows(LOTS))
    assert [said["type"] for said in heard] == [
        "response.created",
        "response.output_text.delta",
        "response.output_audio.delta",
        "response.done",
    ]
    assert outcomes(rows) == [("complete", CHARGE), ("complete", CHARGE), ("customer_gone", 0)]
    assert len({row["request_id"] for row in rows}) == 3
    assert left == (10_000_000_000 - 2 * CHARGE, 0)
    assert verify(shop.data) == []


async def test_log_says_what_a_response_used(tmp_path: Path) -> None:
    """Cached tokens are apart from fresh ones, sound is a part of both."""
    async with realtime_shop(tmp_path) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
        [row, _] = await shop.log(count=2)
    usage = json.loads(row["usage"])
    assert {name: count for name, count in usage.items() if count} == {
        "input_tokens": 68,
        "cache_read_tokens": 64,
        "output_tokens": 121,
        "audio_input_tokens": 13,
        "audio_output_tokens": 91,
        "source": "upstream",
    }
    assert (row["dialect"], row["operation"], row["model"]) == ("realtime", "realtime", "gpt-realtime")
    assert row["first_output_ms"] is not None


async def test_frames_pass_as_they_are(tmp_path: Path) -> None:
    """Both ways, spaces and unknown members included, but for what has to be encoded anew."""
    odd = '{ "type": "something.new" , "event_id":"e",  "x":[1 ,2]}'
    append = '{ "event_id":"e1", "type":"input_audio_buffer.append", "audio":"AAAA" }'
    async with realtime_session(tmp_path, says(odd, b"\x00binary", done())) as (upstream, _, client):
        assert json.loads(await client.recv()) == SESSION
        await client.send(append)
        await client.send('{"type":"response.create", "new" : {"a": 1.50}}')
        assert [await client.recv() for _ in range(3)] == [odd, b"\x00binary", done()]
        assert upstream.visits[0].said == [append, '{"type":"response.create","new":{"a": 1.50}}']


async def test_what_the_shop_pays_is_cut_out_of_the_end_of_a_response(tmp_path: Path) -> None:
    """It is no business of the customer's; what it used is."""
    priced = done().replace('"total_tokens"', '"cost":0.5,"total_tokens"')
    async with realtime_session(tmp_path, says(priced)) as (_, _, client):
        await hear(client, "session.created")
        await client.send(CREATE)
        assert await client.recv() == done()


async def test_post_is_durable_before_the_customer_sees_the_end(tmp_path: Path) -> None:
    """The row is there by the time response.done is read, and the next hold is taken."""
    async with realtime_session(tmp_path) as (_, shop, client):
        await client.send(CREATE)
        await hear(client)
        assert [row["outcome"] for row in shop.rows("select outcome from request_log")] == ["complete"]
        assert shop.rows("select state from reservation order by at, request_id") == [
            {"state": "posted"},
            {"state": "open"},
        ]


@pytest.mark.parametrize("then", ["cut", "close"])
async def test_upstream_cut_in_a_response_is_told_and_delivered_is_priced(tmp_path: Path, then: str) -> None:
    """A second of sound and a word were handed over: 20 x 64000 + 2 x 16000."""
    talk = says(created(), words("Hello"), sound(), then=then)
    async with realtime_shop(tmp_path, talk) as (_, shop):
        heard, code = await talk_with(shop)
        [row] = await shop.log()
    assert heard[-1]["type"] == "error"
    assert heard[-1]["error"]["code"] == "upstream_error"
    assert code == 1011
    assert outcomes([row]) == [("truncated", 1_312_000)]
    assert json.loads(row["usage"])["source"] == "estimated"


async def test_upstream_cut_between_responses_costs_nothing_and_is_told(tmp_path: Path) -> None:
    """The response before it stays as it was posted."""
    talk = says(created(), done(), then="cut")
    async with realtime_shop(tmp_path, talk) as (_, shop):
        heard, code = await talk_with(shop)
        rows = await shop.log(count=2)
    assert [said["type"] for said in heard] == ["response.created", "response.done", "error"]
    assert code == 1011
    assert [row["charge_nano"] for row in rows] == [CHARGE, 0]


async def test_upstream_that_closes_in_order_closes_the_customer_so(tmp_path: Path) -> None:
    """Nothing was cut, so nothing is an error."""
    talk = says(created(), done(), then="close")
    async with realtime_shop(tmp_path, talk) as (_, shop):
        heard, code = await talk_with(shop)
        rows = await shop.log(count=2)
    assert ([said["type"] for said in heard], code) == (["response.created", "response.done"], 1000)
    assert outcomes(rows)[1] == ("customer_gone", 0)


@pytest.mark.parametrize("is_cut", [False, True])
async def test_a_customer_who_leaves_takes_the_upstream_along(tmp_path: Path, is_cut: bool) -> None:
    """Within a second, and pays for what was handed over."""
    talk = says(created(), words("Hello"), sound())
    async with realtime_shop(tmp_path, talk) as (upstream, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client, "response.output_audio.delta")
            if is_cut:
                client.transport.abort()
        async with asyncio.timeout(1):
            await upstream.visits[0].gone.wait()
        [row] = await shop.log()
    assert outcomes([row]) == [("customer_gone", 1_312_000)]
    assert json.loads(row["evidence"])["hang_up_policy"] == "delivered"


async def test_a_shop_may_charge_those_who_leave_for_input_alone(tmp_path: Path) -> None:
    """Nothing was said to the model but to answer."""
    profile = PROFILE + "limits: {{hang_up: input_only}}\n"
    talk = says(created(), words("Hello"), sound())
    async with realtime_shop(tmp_path, talk, profile=profile) as (_, shop):
        async with connected(shop) as client:
            await client.send('{"type":"response.create","response":{"instructions":"' + "x" * 345 + '"}}')
            await hear(client, "response.output_audio.delta")
        [row] = await shop.log()
    # 36 bytes are ten tokens: 366 with its braces are 102.
    assert outcomes([row]) == [("customer_gone", 102 * 4000)]
    assert json.loads(row["evidence"])["hang_up_policy"] == "input_only"


async def test_input_of_a_cut_response_is_what_was_heard_since(tmp_path: Path) -> None:
    """A second of sound was committed: 10 tokens at 32000; what the response before read counts as cached."""
    committed = event("input_audio_buffer.committed", item_id="i")

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        await connection.recv()
        for said in (created(), done()):
            await connection.send(said)
        await connection.recv()
        for said in (committed, created(), sound()):
            await connection.send(said)
        await connection.wait_closed()

    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
            await client.send(event("input_audio_buffer.append", audio=SECOND_OF_SOUND))
            await hear(client, "response.output_audio.delta")
        [_, row] = await shop.log(count=2)
    # 253 cached, 10 heard, 20 spoken.
    assert (row["outcome"], row["charge_nano"]) == ("customer_gone", 253 * 400 + 10 * 32_000 + 20 * 64_000)


async def test_money_that_ends_between_responses_ends_the_session(tmp_path: Path) -> None:
    """What was paid for is told first; then an error, and a close that is no success."""
    async with realtime_shop(tmp_path, credit="0.092") as (upstream, shop):
        heard, code = await talk_with(shop)
        async with asyncio.timeout(1):
            await upstream.visits[0].gone.wait()
        rows = await shop.log()
        left = balances(shop.rows(LOTS))
    assert [said["type"] for said in heard[-2:]] == ["response.done", "error"]
    assert heard[-1]["error"]["code"] == "insufficient_user_quota"
    assert heard[-1]["error"]["type"] == "insufficient_quota"
    assert code == 1008
    assert outcomes(rows) == [("complete", CHARGE)]
    assert left == (92_000_000 - CHARGE, 0)


async def test_nothing_is_sent_once_there_is_no_money_for_another_response(tmp_path: Path) -> None:
    """Not even what the customer says while being told of the last one's end."""
    async with realtime_shop(tmp_path, credit="0.092") as (upstream, shop):
        async with connected(shop) as client:
            await hear(client, "session.created")
            await client.send(CREATE)
            with suppress(ConnectionClosed):
                for _ in range(50):
                    await client.send('{"type":"input_audio_buffer.clear"}')
            heard, code = await ended(client)
        async with asyncio.timeout(1):
            await upstream.visits[0].gone.wait()
        assert outcomes(await shop.log()) == [("complete", CHARGE)]
    assert ([said["type"] for said in heard[-2:]], code) == (["response.done", "error"], 1008)


async def test_money_that_ends_in_a_response_cuts_it_before_it_is_overdrawn(tmp_path: Path) -> None:
    """The hold of 1024 tokens of sound can't grow: 51 seconds of it are passed on, and not one more."""
    talk = says(created(), *[sound()] * 200, done())
    async with realtime_shop(tmp_path, talk, credit="0.1") as (_, shop):
        heard, code = await talk_with(shop)
        [row] = await shop.log()
        left = balances(shop.rows(LOTS))
    spoken = [said["type"] for said in heard].count("response.output_audio.delta")
    assert (spoken, heard[-1]["error"]["code"], code) == (51, "insufficient_user_quota", 1008)
    assert row["outcome"] == "truncated"
    assert row["charge_nano"] <= 100_000_000
    assert left == (100_000_000 - row["charge_nano"], 0)
    assert shop.rows("select * from overrun_day") == []


@pytest.mark.parametrize("cause", ["key cap", "revoked key"])
async def test_a_response_that_its_key_could_not_pay_for_is_no_claim(tmp_path: Path, cause: str) -> None:
    """Nobody but its customer cut it short, after four of the five seconds that were held for."""
    profile = PROFILE + "limits: {{hold_output_tokens_stream: 100}}\n"
    cap_nano = 30_000_000 if cause == "key cap" else None
    talk = says(created(), *[sound()] * 9)
    async with realtime_shop(tmp_path, talk, profile=profile, cap_nano=cap_nano) as (_, shop):
        async with connected(shop) as client:
            await hear(client, "session.created")
            if cause == "revoked key":
                await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
            await client.send(CREATE)
            _, code = await ended(client)
        rows = await shop.log()
    assert (outcomes(rows), code) == ([("truncated", 4 * 20 * 64_000)], 1008)
    assert shop.rows("select * from claim") == []


async def marked(shop: Running) -> list[dict[str, Any]]:
    """Return what is marked, once anything is."""
    marks: Rows = []
    async with asyncio.timeout(10):
        while not marks:
            marks = shop.rows("select mark from reservation where mark is not null")
            await asyncio.sleep(0.01)
    return [json.loads(row["mark"]) for row in marks]


async def test_what_was_delivered_is_marked_while_the_response_goes_on(tmp_path: Path) -> None:
    """A second of sound: recovery would post it."""
    async with realtime_session(tmp_path, says(created(), sound())) as (_, shop, client):
        await client.send(CREATE)
        await hear(client, "response.output_audio.delta")
        [mark] = await marked(shop)
    [line] = mark["charge"]["lines"]
    assert (line["item"], line["count"]) == ("audio_output_tokens", 20)


async def test_hold_grows_with_what_is_said(tmp_path: Path) -> None:
    """Of 200 seconds of sound every one is covered before it is passed on."""
    talk = says(created(), *[sound()] * 200, done())
    async with realtime_session(tmp_path, talk) as (_, shop, client):
        await client.send(CREATE)
        await hear(client)
        [held] = shop.rows("select max(held_nano) as nano from reservation")
    assert held["nano"] >= 4000 * 64_000


async def test_hold_grows_with_what_is_heard(tmp_path: Path) -> None:
    """A minute of sound is beyond the window that the first hold has."""
    async with realtime_session(tmp_path) as (_, shop, client):
        [before] = shop.rows("select held_nano from reservation")
        for _ in range(60):
            await client.send(event("input_audio_buffer.append", audio=SECOND_OF_SOUND))
        await client.send(CREATE)
        await hear(client, "response.created")
        [after] = shop.rows("select held_nano from reservation")
    assert after["held_nano"] - before["held_nano"] >= (600 - 512) * 32_000


async def test_an_account_that_can_not_pay_for_what_is_heard_is_told(tmp_path: Path) -> None:
    """The frame that nobody pays for is not sent on."""
    async with realtime_shop(tmp_path, credit="0.092") as (upstream, shop):
        heard, code = await talk_with(shop, event("input_audio_buffer.append", audio=SECOND_OF_SOUND * 120))
        async with asyncio.timeout(1):
            await upstream.visits[0].gone.wait()
        assert outcomes(await shop.log()) == [("customer_gone", 0)]
    assert (heard[-1]["error"]["code"], code) == ("insufficient_user_quota", 1008)
    assert upstream.visits[0].said == []


async def test_responses_beside_each_other_are_all_held_for(tmp_path: Path) -> None:
    """Whoever asks for more of them than the account can pay for is told before the upstream is."""
    beside = '{"type":"response.create","response":{"conversation":"none"}}'
    talk = says(created())
    async with realtime_shop(tmp_path, talk, credit="0.15") as (upstream, shop):
        heard, code = await talk_with(shop, *[beside] * 30)
        rows = await shop.log()
    assert (heard[-1]["error"]["code"], code) == ("insufficient_user_quota", 1008)
    # 64 million nano-credits are left beside the first hold, and each reads at least 512 tokens of text.
    assert len(upstream.visits[0].said) < 30
    assert outcomes(rows) == [("upstream_error", 0)]


SHORT = PROFILE.replace('audio_completion_ratio: "2"', 'audio_completion_ratio: "2", output_tokens_max: 100')


async def test_the_output_of_responses_beside_each_other_is_held_for(tmp_path: Path) -> None:
    """Each may reach the model's limit: 200 tokens spoken, beside twice 512 read and 512 that may be heard."""
    spoken = [sound(response_id=response_id) for response_id in ("resp_1", "resp_2") for _ in range(5)]
    talk = says(created(), created("resp_2"), *spoken)
    async with realtime_session(tmp_path, talk, profile=SHORT) as (_, shop, client):
        await client.send(CREATE)
        for _ in spoken:
            await hear(client, "response.output_audio.delta")
        held = balances(shop.rows(LOTS))[1]
    assert held == 200 * 64_000 + 1024 * 4000 + 512 * 32_000


async def test_what_a_response_has_said_stays_held_for_when_another_ends(tmp_path: Path) -> None:
    """A minute, 1200 tokens, is covered by 4096; 661 of text and 104 of sound are read, and a window beyond them."""
    talk = says(created(), created("resp_2"), *[sound(response_id="resp_2")] * 60, done())
    async with realtime_session(tmp_path, talk) as (_, shop, client):
        await client.send(CREATE)
        await hear(client)
        held = balances(shop.rows(LOTS))[1]
    assert held == 4096 * 64_000 + (661 + 512) * 4000 + (104 + 512) * 32_000


async def test_what_a_response_has_said_stays_marked_when_another_ends(tmp_path: Path) -> None:
    """At once, not only with the next beat, which never comes here: should the process die, it is paid."""
    talk = says(created(), created("resp_2"), sound(response_id="resp_2"), done())
    async with realtime_shop(tmp_path, talk) as (_, shop):
        shop.shop.heartbeat.add = lambda stream: None  # type: ignore[method-assign] # a heart that stands still
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
            marks = await marked(shop)
    assert [mark["usage"]["output_tokens"] for mark in marks] == [20]


async def test_responses_beside_each_other_end_with_the_money(tmp_path: Path) -> None:
    """What was held for is all that is passed on, so the shop loses nothing."""
    spoken = [sound(response_id=f"resp_{index}") for _ in range(5) for index in range(8)]
    talk = says(*[created(f"resp_{index}") for index in range(8)], *spoken)
    async with realtime_shop(tmp_path, talk, profile=SHORT, credit="0.06") as (_, shop):
        heard, code = await talk_with(shop)
        [row] = await shop.log()
    assert (heard[-1]["error"]["code"], code) == ("insufficient_user_quota", 1008)
    assert (row["outcome"], row["overrun_nano"]) == ("truncated", 0)


async def test_responses_beside_each_other_are_told_apart(tmp_path: Path) -> None:
    """One is done; the other is cut, and pays for its own second of sound: 253 x 400 read, 20 x 64000 spoken."""
    talk = says(created(), created("resp_2"), sound(), sound(response_id="resp_2"), done(), then="cut")
    async with realtime_shop(tmp_path, talk) as (_, shop):
        await talk_with(shop)
        rows = await shop.log(count=2)
    assert outcomes(rows) == [("complete", CHARGE), ("truncated", 253 * 400 + 20 * 64_000)]


async def test_a_response_that_was_said_before_another_ended_is_not_empty(tmp_path: Path) -> None:
    """Else its price would be claimed back."""
    talk = says(created(), created("resp_2"), sound(), sound(response_id="resp_2"), done(), done(response_id="resp_2"))
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
            await hear(client)
        rows = await shop.log(count=3)
        assert shop.rows("select * from claim") == []
    assert outcomes(rows)[:2] == [("complete", CHARGE), ("complete", CHARGE)]


async def test_a_bug_of_ours_at_the_end_leaves_no_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The customer is gone; the hold goes along."""

    def delivered_usage(*_: object, **__: object) -> None:
        raise AssertionError("a bug")

    talk = says(created(), words("Hello"))
    async with realtime_shop(tmp_path, talk) as (_, shop):
        monkeypatch.setattr(Context, "delivered_usage", delivered_usage)
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client, "response.output_text.delta")
        assert outcomes(await shop.log()) == [("customer_gone", 0)]
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 0)


async def test_a_bug_of_ours_in_the_middle_ends_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an error, and what was delivered is priced."""

    def session_changed(*_: object) -> None:
        raise AssertionError("a bug")

    talk = says(created(), words("Hello"), event("session.updated", session={}))
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await hear(client, "session.created")
            monkeypatch.setattr(Context, "session_changed", session_changed)
            await client.send(CREATE)
            heard, code = await ended(client)
        assert outcomes(await shop.log()) == [("truncated", 32_000)]
    assert (heard[-1]["error"]["code"], code) == ("internal_error", 1011)


async def test_books_that_can_not_be_written_end_the_session(tmp_path: Path) -> None:
    """Before the customer sees the end of what is not booked; nothing is booked twice."""
    async with realtime_shop(tmp_path) as (_, shop):
        posted: list[str] = []

        async def post(record: RequestRecord) -> Posted:
            posted.append(record.request_id)
            raise LedgerUnavailableError("the disk is full")

        shop.shop.ledger.post = post  # type: ignore[method-assign] # a full disk
        heard, code = await talk_with(shop)
    assert (heard[-1]["error"]["code"], code) == ("ledger_unavailable", 1013)
    assert "response.done" not in [said["type"] for said in heard]
    assert len(posted) == 1


async def test_a_response_that_ended_while_its_customer_left_is_complete(tmp_path: Path) -> None:
    """And stays paid, should the process die later."""
    talk = says(created(), words("Hello"), done())
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client, "response.created")
            client.transport.abort()
        rows = await shop.log()
    # Read once the shop has closed: that a response was delivered is noted with the commit after its post.
    undelivered = shop.rows("select * from reservation where state = 'posted' and delivered_at is null")
    # The hold for the next response, if there was one, left a row without a charge.
    assert [one for one in outcomes(rows) if one[1]] in ([("complete", CHARGE)], [("customer_gone", 32_000)])
    assert undelivered == []


RUBBISH = ["", "no json", "[]", '{"type":1}', "{}", '{"type":"response.create"', b"\x00\xff", '"\\ud800"', "[" * 5000]


@pytest.mark.parametrize("rubbish", RUBBISH, ids=range(len(RUBBISH)))
async def test_rubbish_of_a_customer_is_refused_and_the_session_goes_on(tmp_path: Path, rubbish: str | bytes) -> None:
    """Told as an error event, as OpenAI does; the upstream never sees it."""
    async with realtime_session(tmp_path) as (upstream, _, client):
        await hear(client, "session.created")
        await client.send(rubbish)
        [refusal] = await hear(client, "error")
        await client.send(CREATE)
        await hear(client)
    assert (refusal["error"]["type"], refusal["error"]["code"]) == ("invalid_request_error", "bad_request")
    assert [frame["type"] for frame in upstream.visits[0].events] == ["response.create"]


async def test_a_refusal_names_the_event_it_refuses(tmp_path: Path) -> None:
    """As a client called it, so that it knows which."""
    async with realtime_session(tmp_path) as (_, _, client):
        await client.send('{"type":"session.update","event_id":"mine","session":{"model":"other"}}')
        [*_, refusal] = await hear(client, "error")
    assert (refusal["error"]["event_id"], refusal["error"]["param"]) == ("mine", "session.model")


@pytest.mark.parametrize("rubbish", ["", "no json", "[1]", '{"type":{}}', '{"type":"response.done"}', b"\x00"])
async def test_rubbish_of_an_upstream_passes_and_breaks_nothing(tmp_path: Path, rubbish: str | bytes) -> None:
    """It is the customer's to make sense of; what can be metered still is."""
    talk = says(rubbish, created(), words("Hello"), done())
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await hear(client, "session.created")
            await client.send(CREATE)
            assert await client.recv() == rubbish
            await hear(client)
        assert ("complete", CHARGE) in outcomes(await shop.log(count=2))


UNTRUE = {"input_tokens": -1, "output_tokens": 5}


@pytest.mark.parametrize(
    ("end", "outcome", "charge"),
    [
        (done("cancelled", type="cancelled", reason="turn_detected"), "complete", CHARGE),
        (done("cancelled", None, type="cancelled", reason="client_cancelled"), "complete", 32_000),
        (done("incomplete", type="incomplete", reason="max_output_tokens"), "complete", CHARGE),
        (done("incomplete", type="incomplete", reason="content_filter"), "refused", CHARGE),
        (done("failed", None, type="failed", error={"type": "server_error", "code": "x"}), "truncated", 32_000),
        (done("failed", None, type="failed", error={"type": 5, "code": 5}), "truncated", 32_000),
        (done("completed", None), "complete", 32_000),
        (done("completed", UNTRUE), "complete", 32_000),
        (event("response.done", response=5), "truncated", 32_000),
    ],
)
async def test_every_end_of_a_response_has_its_outcome(tmp_path: Path, end: str, outcome: str, charge: int) -> None:
    """Where the upstream gives no figures, the word that was handed over is two tokens."""
    talk = says(created(), words("Hello"), end)
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
        [row, _] = await shop.log(count=2)
    assert (row["outcome"], row["charge_nano"]) == (outcome, charge)


async def test_a_failed_response_without_output_costs_nothing(tmp_path: Path) -> None:
    """The upstream's words about its own account stay here."""
    error = {"type": "insufficient_quota", "code": "insufficient_quota", "message": "org-secret has no money"}
    talk = says(created(), done("failed", None, type="failed", error=error))
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            heard = await hear(client)
        rows = await shop.log(count=2)
    assert outcomes(rows)[0] == ("upstream_error", 0)
    assert heard[-1]["response"]["status_details"]["error"]["code"] == "upstream_unavailable"
    assert "org-secret" not in json.dumps(heard)


async def test_an_end_that_is_told_twice_is_paid_once(tmp_path: Path) -> None:
    """It passes like the first, without the upstream's words about its own account."""
    error = {"type": "insufficient_quota", "code": "insufficient_quota", "message": "org-secret has no money"}
    talk = says(created(), words("Hello"), done(), done("failed", type="failed", error=error))
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
            heard = await hear(client)
        rows = await shop.log(count=2)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - CHARGE, 0)
    assert outcomes(rows) == [("complete", CHARGE), ("customer_gone", 0)]
    assert heard[-1]["response"]["status_details"]["error"]["code"] == "upstream_unavailable"
    assert "org-secret" not in json.dumps(heard)


async def test_an_end_without_an_id_that_is_told_twice_is_paid_once(tmp_path: Path) -> None:
    """Until another response is asked for, or begins: that may be one which tells only its end."""
    end, begun = done(response_id=""), created("")
    talk = says(end, end, begun, end, end)
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            for _ in range(2):
                await client.send(CREATE)
                for _ in range(4):
                    await hear(client)
        rows = await shop.log(count=5)
    assert [row["charge_nano"] for row in rows] == [CHARGE] * 4 + [0]


async def test_an_end_that_is_told_again_beside_another_response_is_paid_once(tmp_path: Path) -> None:
    """The other is still under way, and paid with its own end."""
    talk = says(
        created(),
        created("resp_2"),
        sound(),
        sound(response_id="resp_2"),
        done(),
        done(),
        done(response_id="resp_2"),
    )
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            for _ in range(3):
                await hear(client)
        rows = await shop.log(count=3)
    assert outcomes(rows) == [("complete", CHARGE), ("complete", CHARGE), ("customer_gone", 0)]


async def test_a_response_that_failed_silently_pays_nothing_for_another_that_speaks(tmp_path: Path) -> None:
    """The words are the other's, which is paid with its own end."""
    failed = done("failed", None, "resp_2", type="failed", error={"type": "server_error"})
    talk = says(created(), created("resp_2"), sound(), failed, done())
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            for _ in range(2):
                await hear(client)
        rows = await shop.log(count=3)
    assert outcomes(rows) == [("upstream_error", 0), ("complete", CHARGE), ("customer_gone", 0)]


async def test_a_response_whose_beginning_is_told_twice_is_one(tmp_path: Path) -> None:
    """When it has ended, nothing is under way that its customer could leave."""
    async with realtime_shop(tmp_path, says(created(), created(), sound(), done())) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
        rows = await shop.log(count=2)
    assert outcomes(rows) == [("complete", CHARGE), ("customer_gone", 0)]


async def test_a_response_whose_beginning_is_not_told_is_paid_by_who_leaves(tmp_path: Path) -> None:
    """As far as it was heard: twenty tokens."""
    async with realtime_shop(tmp_path, says(sound())) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client, "response.output_audio.delta")
        rows = await shop.log()
    assert outcomes(rows) == [("customer_gone", 20 * 64_000)]


@pytest.mark.parametrize(
    ("credit", "cap_nano", "refusal"),
    [("0.093", None, "insufficient_user_quota"), ("10", 93_000_000, "pre_consume_token_quota_failed")],
)
async def test_what_a_response_said_is_paid_although_another_has_used_up_the_money(
    tmp_path: Path, credit: str, cap_nano: int | None, refusal: str
) -> None:
    """Nothing can be held for after that one; what is left pays for what was heard: 40 seconds, and 253 read again."""
    spoken = [sound(response_id="resp_2")] * 40
    talk = says(created(), created("resp_2"), sound(), *spoken, done())
    async with realtime_shop(tmp_path, talk, credit=credit, cap_nano=cap_nano) as (_, shop):
        before, _ = balances(shop.rows(LOTS))
        heard, code = await talk_with(shop)
        rows = await shop.log(count=2)
        assert balances(shop.rows(LOTS)) == (before - CHARGE - 253 * 400 - 800 * 64_000, 0)
        assert verify(shop.data) == []
    assert outcomes(rows) == [("complete", CHARGE), ("truncated", 253 * 400 + 800 * 64_000)]
    assert [said["type"] for said in heard[-2:]] == ["response.done", "error"]
    assert (heard[-1]["error"]["code"], code) == (refusal, 1008)


LIMITED = PROFILE.replace('audio_completion_ratio: "2"', 'audio_completion_ratio: "2", output_tokens_max: 4096')


@pytest.mark.parametrize(
    ("seconds", "told", "paid", "source"),
    [
        (1, 16_384, 16_384, "upstream"),
        (1, 16_385, 4096, "disputed"),
        (210, 16_800, 16_800, "upstream"),
        (210, 16_801, 4200, "disputed"),
    ],
)
async def test_more_output_than_a_response_can_have_is_disputed(
    tmp_path: Path, seconds: int, told: int, paid: int, source: str
) -> None:
    """Four times the model's limit, or the sound that was heard, twenty tokens a second."""
    usage = {"input_tokens": 0, "output_tokens": told, "output_token_details": {"audio_tokens": told}}
    pieces = [sound(SECOND_OF_SOUND * min(seconds, 10))] * -(-seconds // 10)
    async with realtime_shop(tmp_path, says(created(), *pieces, done(usage=usage)), profile=LIMITED) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
        [row, _] = await shop.log(count=2)
    assert (row["charge_nano"], row["usage_source"]) == (paid * 64_000, source)


async def test_a_response_without_output_and_figures_costs_nothing(tmp_path: Path) -> None:
    """Its input is not guessed."""
    talk = says(created(), done("completed", None))
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
        [row, _] = await shop.log(count=2)
    assert (row["outcome"], row["charge_nano"], row["usage_source"]) == ("empty", 0, "estimated")


async def test_a_response_that_its_customer_cancels_before_it_said_anything_is_complete(tmp_path: Path) -> None:
    """Nothing is claimed of it."""
    talk = says(created(), done("cancelled", type="cancelled", reason="client_cancelled"))
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
        rows = await shop.log(count=2)
    assert outcomes(rows) == [("complete", CHARGE), ("customer_gone", 0)]
    assert shop.rows("select kind from claim") == []


async def test_an_empty_response_is_claimed(tmp_path: Path) -> None:
    """As any exchange that brought nothing."""
    async with realtime_shop(tmp_path, says(created(), done())) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await hear(client)
        await shop.log(count=2)
    claims = shop.rows("select kind, amount_nano from claim")
    assert claims == [{"kind": "empty_reply", "amount_nano": CHARGE}]


async def test_errors_about_the_request_pass_and_others_are_put_in_our_words(tmp_path: Path) -> None:
    """An upstream speaks of its key and organisation in the same form."""
    mine = event("error", error={"type": "invalid_request_error", "code": "invalid_value", "message": "Bad voice"})
    its = event("error", error={"type": "tokens", "code": "rate_limit_exceeded", "message": "org-secret is limited"})
    async with realtime_session(tmp_path, says(mine, its)) as (_, _, client):
        await hear(client, "session.created")
        await client.send(CREATE)
        assert await client.recv() == mine
        told = json.loads(await client.recv())
    assert told["error"]["type"] == "rate_limit_error"
    assert "org-secret" not in json.dumps(told)


async def test_errors_of_three_sessions_let_a_channel_rest_and_those_of_one_do_not(tmp_path: Path) -> None:
    """However many that one told."""
    broken = event("error", error={"type": "server_error", "code": "server_error", "message": "x"})
    async with realtime_shop(tmp_path, says(*[broken] * 9)) as (upstream, shop):
        for _ in range(3):
            async with connected(shop) as client:
                await client.send(CREATE)
                for _ in range(9):
                    await hear(client, "error")
        with pytest.raises(InvalidStatus) as refused:
            await connected(shop)
    assert refused.value.response.status_code == 503
    assert len(upstream.visits) == 3


@pytest.mark.parametrize("then", ["cut", "close"])
async def test_a_channel_whose_sessions_break_off_before_a_response_rests(
    tmp_path: Path, then: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Though nothing was charged, and each had begun; the log says each time which channel it was."""
    caplog.set_level("INFO", "relay")
    async with realtime_shop(tmp_path, says(created(), then=then)) as (upstream, shop):
        for _ in range(3):
            await talk_with(shop)
        with pytest.raises(InvalidStatus) as refused:
            await connected(shop)
    assert refused.value.response.status_code == 503
    assert len(upstream.visits) == 3
    logged = [vars(record)["fields"] for record in caplog.records if record.msg == "attempt.failed"]
    assert [(each["channel"], each["failure"], each["status"]) for each in logged] == [("openai-a", "sick", 101)] * 3


async def test_what_is_left_of_the_upstreams_limits_is_not_told(tmp_path: Path) -> None:
    """They are the shop's, and all its customers' together; what follows is."""
    limits = event("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 9, "remaining": 7}])
    async with realtime_session(tmp_path, says(limits, words("Hello"))) as (_, _, client):
        await client.send(CREATE)
        heard = await hear(client, "response.output_text.delta")
    assert [said["type"] for said in heard] == ["session.created", "response.output_text.delta"]


APIECE = (
    PROFILE.partition("  gpt-realtime:\n")[0]
    + '  gpt-realtime: {{unit_price: "0.25"}}\n  gpt-4o-transcribe:'
    + PROFILE.partition("  gpt-4o-transcribe:")[2]
).replace("billing.token_ratio\n", "billing.token_ratio\n  - use: billing.per_call\n")


async def test_a_model_sold_apiece_costs_its_price_a_response(tmp_path: Path) -> None:
    """Held for before it begins, however long it speaks; a session without one is free."""
    async with realtime_shop(tmp_path, profile=APIECE) as (_, shop):
        async with connected(shop) as client:
            await hear(client, "session.created")
            assert shop.rows("select held_nano from reservation") == [{"held_nano": 250_000_000}]
            await client.send(CREATE)
            await hear(client)
        rows = await shop.log(count=2)
    assert [row["charge_nano"] for row in rows] == [250_000_000, 0]


async def test_nothing_is_sent_once_only_what_was_said_can_be_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long its customer takes to hear of the end: another response is under way, and none can be held for."""
    send = Customer.send

    async def send_slowly(customer: Customer, frame: str | bytes) -> None:
        if "response.done" in str(frame):
            await asyncio.sleep(0.3)  # the customer goes on meanwhile
        await send(customer, frame)

    monkeypatch.setattr(Customer, "send", send_slowly)
    talk = says(created(), created("resp_2"), sound(response_id="resp_2"), done())
    async with realtime_shop(tmp_path, talk, credit="0.093") as (upstream, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            await shop.log()
            await client.send('{"type":"input_audio_buffer.clear"}')
            heard, _ = await ended(client)
        await shop.log(count=2)
    assert [said["type"] for said in heard[-2:]] == ["response.done", "error"]
    assert upstream.visits[0].said == [CREATE]


async def test_what_a_response_sold_apiece_said_is_paid_although_another_has_used_up_the_money(tmp_path: Path) -> None:
    """From what is left; the rest of its price is the shop's loss."""
    talk = says(created(), created("resp_2"), sound(), sound(response_id="resp_2"), done())
    async with realtime_shop(tmp_path, talk, profile=APIECE, credit="0.4") as (_, shop):
        heard, code = await talk_with(shop)
        rows = await shop.log(count=2)
        assert balances(shop.rows(LOTS)) == (0, 0)
        assert verify(shop.data) == []
    assert [(row["outcome"], row["charge_nano"], row["overrun_nano"]) for row in rows] == [
        ("complete", 250_000_000, 0),
        ("truncated", 150_000_000, 100_000_000),
    ]
    assert [said["type"] for said in heard[-2:]] == ["response.done", "error"]
    assert (heard[-1]["error"]["code"], code) == ("insufficient_user_quota", 1008)


async def test_a_revoked_key_ends_the_session_with_the_next_response(tmp_path: Path) -> None:
    """The one under way is still delivered and paid."""
    async with realtime_shop(tmp_path) as (_, shop):
        async with connected(shop) as client:
            await hear(client, "session.created")
            await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
            await client.send(CREATE)
            heard, code = await ended(client)
        rows = await shop.log()
    assert [said["type"] for said in heard[-2:]] == ["response.done", "error"]
    assert (heard[-1]["error"]["code"], code) == ("api_key_revoked", 1008)
    assert outcomes(rows) == [("complete", CHARGE)]


async def test_a_key_switched_to_a_group_without_the_channel_ends_the_session_with_the_next_response(
    tmp_path: Path,
) -> None:
    """The one under way is still delivered and paid at its own group's price; nothing is held for another."""
    chats = (
        "  - {{name: chats, use: channels.openai, base_url: {url}, keys: ['file:upstream.key'],"
        " models: [gpt-4o-mini], groups: [dear]}}\n"
    )
    profile = PROFILE.replace("groups: [plain, dear]", "groups: [plain]") + chats
    async with realtime_shop(tmp_path, profile=profile) as (_, shop):
        async with connected(shop) as client:
            await hear(client, "session.created")
            await shop.shop.ledger.set_key_group(SetKeyGroup(key_id=shop.key_id, group="dear", actor="test"))
            await client.send(CREATE)
            heard, code = await ended(client)
        rows = await shop.log()
        held = shop.rows("select held_nano from reservation where state = 'open'")
    assert [said["type"] for said in heard[-2:]] == ["response.done", "error"]
    assert (heard[-1]["error"]["code"], code) == ("model_not_found", 1008)
    assert [(row["group"], row["charge_nano"]) for row in rows] == [("plain", CHARGE)]
    assert held == []


async def test_a_switched_group_holds_for_the_next_response(tmp_path: Path) -> None:
    """The price follows, without a new session."""
    async with realtime_shop(tmp_path) as (_, shop):
        async with connected(shop) as client:
            await hear(client, "session.created")
            await shop.shop.ledger.set_key_group(SetKeyGroup(key_id=shop.key_id, group="dear", actor="test"))
            for _ in range(2):
                await client.send(CREATE)
                await hear(client)
        rows = await shop.log(count=3)
    assert [row["charge_nano"] for row in rows] == [CHARGE, 2 * CHARGE, 0]


@pytest.mark.parametrize(
    ("limit", "code"), [("realtime_idle_s: 0.3", "session_idle"), ("realtime_total_s: 0.3", "session_expired")]
)
async def test_a_session_has_an_end(tmp_path: Path, limit: str, code: str) -> None:
    """Told as an error event, and never as a success."""
    profile = PROFILE + f"limits: {{{{{limit}}}}}\n"
    async with realtime_shop(tmp_path, profile=profile) as (upstream, shop):
        async with connected(shop) as client:
            heard, close = await ended(client)
        async with asyncio.timeout(1):
            await upstream.visits[0].gone.wait()
    assert (heard[-1]["error"]["code"], close) == (code, 1001)


async def test_a_session_that_is_told_twice_to_end_ends_for_the_first_reason(tmp_path: Path) -> None:
    """A beat may come while it is already ending."""
    async with realtime_session(tmp_path) as (_, shop, client):
        await hear(client, "session.created")
        [session] = shop.shop.heartbeat._running
        limits, now_s = shop.shop.profile.limits, asyncio.get_running_loop().time() + 1
        session.beat(now_s + limits.realtime_total_s)
        session.beat(now_s + limits.realtime_idle_s)
        heard, close = await ended(client)
    assert ([said["error"]["code"] for said in heard], close) == (["session_expired"], 1001)


async def test_a_session_ends_at_the_beat_whose_mark_no_plugin_can_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure concerns only the mark."""

    def fails(*_: object) -> None:
        raise PluginError("no price")

    monkeypatch.setattr(heartbeat, "TICK_S", 60)
    monkeypatch.setattr(Settlement, "mark", fails)
    async with realtime_session(tmp_path, says(created(), sound())) as (_, shop, client):
        await client.send(CREATE)
        await hear(client, "response.output_audio.delta")
        [session] = shop.shop.heartbeat._running
        with pytest.raises(PluginError):
            session.beat(asyncio.get_running_loop().time() + shop.shop.profile.limits.realtime_total_s)
        _, close = await ended(client)
    assert close == 1001


async def test_an_oversize_frame_of_either_side_ends_the_session(tmp_path: Path) -> None:
    """1009 to the customer who sends it, an error to the one who would get it."""
    giant = "x" * (24 * 1024 * 1024 + 1)
    async with realtime_shop(tmp_path, says(giant)) as (_, shop):
        async with connected(shop) as client:
            with suppress(ConnectionClosed):
                await client.send(giant)
            assert (await ended(client))[1] == 1009
        heard, code = await talk_with(shop)
        assert (heard[-1]["error"]["code"], code) == ("upstream_error", 1011)
        assert [row["charge_nano"] for row in await shop.log(count=2)] == [0, 0]


async def test_a_customer_who_reads_nothing_stops_the_upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits in between is bounded: the upstream's writes wait too, until the customer is given up."""
    monkeypatch.setattr("relay.core.realtime.session.WRITE_DEADLINE_S", 0.5)
    written = 0

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        nonlocal written
        await connection.send(json.dumps(SESSION))
        await connection.recv()
        await connection.send(created())
        while True:
            await connection.send(event("something.large", text="x" * 1_000_000))
            written += 1

    async with (
        realtime_shop(tmp_path, talk) as (upstream, shop),
        connected(shop, max_queue=1, close_timeout=0.2) as client,
    ):
        await client.send(CREATE)
        [row] = await shop.log()
        assert row["outcome"] == "customer_gone"
        async with asyncio.timeout(5):
            await upstream.visits[0].gone.wait()
    assert 0 < written < 60


SAID: list[str | bytes] = [
    "",
    "[" * 3000,
    b"\x00",
    created(),
    created("resp_2"),
    words("Hello"),
    sound(),
    sound(response_id="resp_2"),
    done(),
    done("failed", None, type="failed", error={"type": "server_error"}),
    done("cancelled", {"input_tokens": "many"}, response_id="resp_2", type="cancelled"),
    event("response.done", response=None),
    event("response.output_audio.delta"),
    event("error", error={"type": "invalid_request_error", "message": "no"}),
    event("error", error=5),
    event("session.updated", session={"audio": 5}),
    event("input_audio_buffer.speech_started", audio_start_ms=10**8),
    event("input_audio_buffer.speech_stopped", audio_end_ms=5),
    event("input_audio_buffer.committed"),
    event("input_audio_buffer.committed", item_id="item_1"),
    event("session.updated", session={"audio": {"input": {"transcription": {"model": "gpt-4o-transcribe-1"}}}}),
    event("conversation.item.input_audio_transcription.delta", item_id="item_1", delta="Hello"),
    event("conversation.item.input_audio_transcription.failed", item_id="item_1"),
    event("conversation.item.input_audio_transcription.completed", usage={"input_tokens": 5}),
    event("conversation.item.input_audio_transcription.completed"),
]
ASKED = [
    CREATE,
    "no json",
    '{"type":"session.update","session":{"model":"other"}}',
    '{"type":"session.update","session":{"audio":[]}}',
    '{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"gpt-4o-transcribe"}}}}}',
    '{"type":"conversation.item.create","item":{"content":[{"type":"input_audio","audio":7}]}}',
    event("input_audio_buffer.append", audio=SECOND_OF_SOUND),
    '{"type":"input_audio_buffer.append","audio":5}',
]


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_either_side_does_the_books_are_right(tmp_path: Path, seed: int) -> None:
    """Nothing is held once both are gone, and every balance can be made again from what was booked."""
    dice = random.Random(seed)
    talk = says(*dice.choices(SAID, k=40), then=dice.choice(["open", "close", "cut"]))
    async with realtime_shop(tmp_path, talk) as (upstream, shop):
        for _ in range(3):
            with suppress(ConnectionClosed, InvalidStatus, TimeoutError):
                async with connected(shop) as client, asyncio.timeout(0.3):
                    for frame in [*dice.choices(ASKED, k=dice.randrange(8)), CREATE]:
                        await client.send(frame)
                    while dice.random() > 0.01:
                        await client.recv()
        async with asyncio.timeout(5):
            await asyncio.gather(*(visit.gone.wait() for visit in upstream.visits))
    # The shop has closed, and every session has settled.
    left, held = balances(shop.rows(LOTS))
    charged = sum(row["charge_nano"] for row in shop.rows("select charge_nano from request_log"))
    assert (left, held) == (10_000_000_000 - charged, 0)
    assert shop.rows("select * from reservation where state = 'open'") == []
    assert verify(shop.data) == []


CODES: list[tuple[RelayError | None, int]] = [
    (None, 1000),
    (ShuttingDownError(), 1012),
    (SessionEndedError("session_idle", seconds="1"), 1001),
    (InsufficientBalanceError(), 1008),
    (KeyCapError(), 1008),
    (StaleKeyError(), 1008),
    (NoChannelError(group="g", model="m"), 1008),
    (LedgerUnavailableError(), 1013),
    (StorageFullError(), 1013),
    (UpstreamBrokenError("cut"), 1011),
    (RelayError("a bug"), 1011),
]


@pytest.mark.parametrize(("error", "code"), CODES)
def test_only_an_orderly_end_is_a_success(error: RelayError | None, code: int) -> None:
    """Clients that see 1000 take the session for whole."""
    assert close_code(error) == code
