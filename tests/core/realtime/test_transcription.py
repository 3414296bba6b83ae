"""Transcriptions of what a customer said: exchanges of their own, at the transcribing model's price."""

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from relay.core.ledger.operations import RevokeKey, SetKeyGroup
from relay.core.ledger.verify import verify
from relay.core.realtime.customer import Customer
from relay.core.realtime.transcription import plausible_usage
from relay.core.usage import Usage
from tests.chats import LOTS, balances
from tests.core.realtime.talks import realtime_session, realtime_shop
from tests.shops import Running

from .talks import (
    PROFILE,
    SECOND_OF_SOUND,
    SESSION,
    Talk,
    Visit,
    connected,
    created,
    event,
    hear,
    words,
)

TOKENS = {"type": "tokens", "input_tokens": 25, "output_tokens": 4, "input_token_details": {"audio_tokens": 20}}
"""5 x 2500 text + 20 x 6000 heard + 4 x 10000 written = 172 500 nano-credits of gpt-4o-transcribe."""
DURATION = {"type": "duration", "seconds": 2}
"""20 x 6000."""
UPDATE: Any = {
    "type": "session.update",
    "session": {"type": "realtime", "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}},
}
MINI_UPDATE: Any = json.loads(json.dumps(UPDATE).replace("gpt-4o-transcribe", "gpt-4o-mini"))


def transcribing(usage: object) -> Any:
    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        with suppress(ConnectionClosed):
            async for frame in connection:
                visit.said.append(frame)
                session = json.loads(frame).get("session")
                if session:
                    await connection.send(event("session.updated", session=session))
                kind = "conversation.item.input_audio_transcription.completed"
                await connection.send(event(kind, item_id="item_1", content_index=0, transcript="Hi", usage=usage))

    return talk


async def test_what_the_customer_asks_for_at_once_is_not_undone_by_how_the_session_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long relay takes to begin passing frames on: what is to be written down is held for."""
    accept = Customer.accept

    async def accept_slowly(
        customer: Customer, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        await accept(customer, subprotocol, headers)
        await asyncio.sleep(0.3)  # the customer's first frame waits already when it begins

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        async for frame in connection:
            visit.said.append(frame)
            await connection.send(event("input_audio_buffer.committed", item_id="item_1"))

    monkeypatch.setattr(Customer, "accept", accept_slowly)
    async with realtime_session(tmp_path, talk) as (_, shop, client):
        for said in (json.dumps(UPDATE), event("input_audio_buffer.append", audio=SECOND_OF_SOUND)):
            await client.send(said)
            await hear(client, "input_audio_buffer.committed")
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 86_016_000 + 14_700_000)


@pytest.mark.parametrize(("usage", "charge"), [(TOKENS, 172_500), (DURATION, 120_000), (None, 10_000)])
async def test_a_transcription_costs_what_its_model_does(tmp_path: Path, usage: object, charge: int) -> None:
    """Posted before its words are read; the upstream knows the model by its own name."""
    async with realtime_shop(tmp_path, transcribing(usage)) as (upstream, shop):
        async with connected(shop) as client:
            await client.send(json.dumps(UPDATE))
            await hear(client, "conversation.item.input_audio_transcription.completed")
            [row] = shop.rows("select * from request_log")
        await shop.log(count=2)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - charge, 0)
        assert verify(shop.data) == []
    assert (row["model"], row["operation"], row["outcome"]) == ("gpt-4o-transcribe", "transcription", "complete")
    assert row["charge_nano"] == charge
    assert row["model_sent"] == "gpt-4o-transcribe-1"
    evidence = json.loads(row["evidence"])
    assert (evidence["has_text"], evidence["is_end_seen"]) == (True, True)
    [asked] = upstream.visits[0].events
    assert asked["session"]["audio"]["input"]["transcription"]["model"] == "gpt-4o-transcribe-1"


async def test_a_transcript_that_was_handed_over_stays_paid(tmp_path: Path) -> None:
    """What is not noted as handed over would be given back at the next start."""
    async with realtime_shop(tmp_path, transcribing(TOKENS)) as (_, shop):
        async with connected(shop) as client:
            await client.send(json.dumps(UPDATE))
            await hear(client, "conversation.item.input_audio_transcription.completed")
        await shop.log(count=2)
    [posted] = shop.rows("select facts, delivered_at from reservation where state = 'posted'")
    assert json.loads(posted["facts"])["operation"] == "transcription"
    assert posted["delivered_at"] is not None


async def test_a_segment_of_a_transcript_is_passed_on_and_costs_nothing(tmp_path: Path) -> None:
    """Only the transcript's end is paid for, once."""
    kind = "conversation.item.input_audio_transcription"

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        await connection.recv()
        await connection.send(event("session.updated", session=UPDATE["session"]))
        await connection.send(event(f"{kind}.segment", item_id="item_1", text="Hi", speaker="A"))
        await connection.send(event(f"{kind}.completed", item_id="item_1", transcript="Hi", usage=TOKENS))
        await connection.wait_closed()

    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(json.dumps(UPDATE))
            heard = await hear(client, f"{kind}.completed")
        rows = await shop.log(count=2)
    assert [said["type"] for said in heard[-2:]] == [f"{kind}.segment", f"{kind}.completed"]
    assert [row["charge_nano"] for row in rows if row["operation"] == "transcription"] == [172_500]


async def test_a_transcription_by_a_model_nobody_asked_for_costs_what_the_session_does(tmp_path: Path) -> None:
    """5 x 4000 text + 20 x 32000 heard + 4 x 16000."""
    async with realtime_shop(tmp_path, transcribing(TOKENS)) as (_, shop):
        async with connected(shop) as client:
            await client.send('{"type":"response.create"}')
            await hear(client, "conversation.item.input_audio_transcription.completed")
        rows = await shop.log(count=2)
    [row] = [row for row in rows if row["operation"] == "transcription"]
    assert (row["model"], row["charge_nano"]) == ("gpt-realtime", 724_000)


async def test_sound_that_became_input_before_a_model_was_named_costs_what_the_session_does(tmp_path: Path) -> None:
    """The upstream writes it down all the same: 5 x 4000 text + 20 x 32000 heard + 4 x 16000."""
    kind = "conversation.item.input_audio_transcription.completed"

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        await connection.recv()
        await connection.send(event("input_audio_buffer.committed", item_id="item_1"))
        await connection.send(event(kind, item_id="item_1", transcript="Hi", usage=TOKENS))
        await connection.wait_closed()

    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(event("input_audio_buffer.append", audio=SECOND_OF_SOUND))
            await hear(client, kind)
        rows = await shop.log(count=2)
    told = [(row["model"], row["charge_nano"]) for row in rows if row["operation"] == "transcription"]
    assert told == [("gpt-realtime", 724_000)]


async def test_a_model_that_is_not_sold_is_refused_and_the_session_goes_on(tmp_path: Path) -> None:
    """The upstream never hears of it."""
    settings = json.dumps(UPDATE).replace("gpt-4o-transcribe", "whisper-1")
    async with realtime_session(tmp_path) as (upstream, _, client):
        await client.send(settings)
        [_, refusal] = await hear(client, "error")
        await client.send('{"type":"response.create"}')
        await hear(client)
    assert refusal["error"]["code"] == "not_offered"
    assert refusal["error"]["param"] == "session.audio.input.transcription.model"
    assert [said["type"] for said in upstream.visits[0].events] == ["response.create"]


APPEND = event("input_audio_buffer.append", audio=SECOND_OF_SOUND)
ITEM = {"item_id": "item_1", "content_index": 0}
COMPLETED = "conversation.item.input_audio_transcription.completed"
TURN_NANO = 86_016_000
"""Held for the response that may come: 1024 x 4000 text, 512 x 32000 heard, 1024 x 64000 spoken."""
MINUTE_NANO = 14_700_000
"""Held for 61 seconds: 512 x 2500 text, 20 a second x 6000 heard, 10 a second x 10000 written."""
SECOND_NANO = 1_500_000
"""The same for one second."""


def writing_down(*said: str) -> Any:
    """Return an upstream that makes an item of each second of sound, and then says *said* of it."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        with suppress(ConnectionClosed):
            async for frame in connection:
                visit.said.append(frame)
                if json.loads(frame)["type"] == "session.update":
                    await connection.send(event("session.updated", session=json.loads(frame)["session"]))
                else:
                    await connection.send(event("input_audio_buffer.committed", item_id="item_1"))
                    for each in said:
                        await connection.send(each)

    return talk


def completed(usage: object, item_id: str = "item_1") -> str:
    return event(COMPLETED, item_id=item_id, content_index=0, transcript="Hi", usage=usage)


def held(shop: Running) -> dict[str, int]:
    """Return what is held in open reservations, by operation."""
    rows = shop.rows("select facts, held_nano from reservation where state = 'open'")
    return {json.loads(row["facts"])["operation"]: row["held_nano"] for row in rows}


async def speak(client: ClientConnection, settings: Any = UPDATE) -> None:
    """Ask for transcription, and say one second."""
    await client.send(json.dumps(settings))
    await client.send(APPEND)


async def test_sound_is_held_for_before_it_is_sent_on(tmp_path: Path) -> None:
    """And for a minute beyond it; the post takes from there, and the rest is free again."""
    async with realtime_shop(tmp_path, writing_down(completed(TOKENS))) as (_, shop):
        async with connected(shop) as client:
            await client.send(json.dumps(UPDATE))
            await hear(client, "session.updated")
            assert held(shop) == {"realtime": TURN_NANO}
            await client.send(APPEND)
            await hear(client, COMPLETED)
            assert held(shop) == {"realtime": TURN_NANO}
            assert shop.rows("select held_nano from reservation where state = 'posted'") == [{"held_nano": MINUTE_NANO}]
        rows = await shop.log(count=2)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - 172_500, 0)
        assert verify(shop.data) == []
    assert sorted((row["operation"], row["charge_nano"]) for row in rows) == [
        ("realtime", 0),
        ("transcription", 172_500),
    ]


async def test_what_is_held_follows_the_sound(tmp_path: Path) -> None:
    """61 seconds at first; with the 62nd, for 122."""
    async with realtime_shop(tmp_path, writing_down()) as (_, shop):
        async with connected(shop) as client:
            await client.send(json.dumps(UPDATE))
            for second in range(1, 63):
                await client.send(APPEND)
                await hear(client, "input_audio_buffer.committed")
                if second in (1, 61):
                    assert held(shop)["transcription"] == MINUTE_NANO
            assert held(shop)["transcription"] == MINUTE_NANO + 61 * 220_000
        await shop.log(count=2)
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 0)
        assert verify(shop.data) == []


@pytest.mark.parametrize(("credit", "sent"), [("0.0876", 1), ("0.0875", 0)])
async def test_sound_that_cannot_be_paid_for_is_not_sent_on(tmp_path: Path, credit: str, sent: int) -> None:
    """The window is waived where the second itself can be paid; else the session ends before the upstream hears it."""
    async with realtime_shop(tmp_path, writing_down(), credit=credit) as (upstream, shop):
        async with connected(shop) as client:
            await speak(client)
            heard = await hear(client, "input_audio_buffer.committed" if sent else "error")
            assert held(shop) == ({"realtime": TURN_NANO, "transcription": SECOND_NANO} if sent else {})
        await shop.log(count=1 + sent)
    assert [each["type"] for each in upstream.visits[0].events].count("input_audio_buffer.append") == sent
    assert heard[-1].get("error", {}).get("code") == (None if sent else "insufficient_user_quota")


async def test_the_window_is_waived_for_what_is_said_later_too(tmp_path: Path) -> None:
    """Two seconds can be paid for, and not three."""
    async with realtime_shop(tmp_path, writing_down(), credit="0.0878") as (upstream, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, "input_audio_buffer.committed")
            await client.send(APPEND)
            await hear(client, "input_audio_buffer.committed")
            assert held(shop) == {"realtime": TURN_NANO, "transcription": SECOND_NANO + 220_000}
            await client.send(APPEND)
            heard = await hear(client, "error")
        await shop.log(count=2)
        assert balances(shop.rows(LOTS)) == (87_800_000, 0)
    assert [each["type"] for each in upstream.visits[0].events].count("input_audio_buffer.append") == 2
    assert heard[-1]["error"]["code"] == "insufficient_user_quota"


DELTA_KIND = "conversation.item.input_audio_transcription.delta"
DELTA = event(DELTA_KIND, **ITEM, delta="Hello world")


@pytest.mark.parametrize(("hang_up", "charge"), [("delivered", 100_000), ("drain", 100_000), ("input_only", 60_000)])
async def test_a_transcript_left_before_its_end_is_paid_for(tmp_path: Path, hang_up: str, charge: int) -> None:
    """10 x 6000 heard and, unless the shop waives it, the 4 tokens that its words likely are."""
    profile = PROFILE + f"limits: {{{{hang_up: {hang_up}}}}}\n"
    async with realtime_shop(tmp_path, writing_down(DELTA), profile=profile) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, "conversation.item.input_audio_transcription.delta")
        rows = await shop.log(count=2)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - charge, 0)
        assert verify(shop.data) == []
    [row] = [row for row in rows if row["operation"] == "transcription"]
    assert (row["outcome"], row["usage_source"], row["charge_nano"]) == ("customer_gone", "estimated", charge)


async def test_all_pieces_of_a_transcript_left_before_its_end_are_paid_for(tmp_path: Path) -> None:
    """10 x 6000 heard, and 7 x 10000 for the likely tokens of 22 letters and blanks."""
    async with realtime_shop(tmp_path, writing_down(DELTA, DELTA)) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            for _ in range(2):
                await hear(client, "conversation.item.input_audio_transcription.delta")
        rows = await shop.log(count=2)
    assert [row["charge_nano"] for row in rows if row["operation"] == "transcription"] == [130_000]


async def test_what_stands_beside_the_words_of_a_transcript_is_free(tmp_path: Path) -> None:
    """10 x 6000 heard and 4 x 10000 written, also where each piece comes with how likely it is."""
    likely = {"logprobs": [{"token": "Hello world", "logprob": -0.25, "bytes": [72, 101, 108, 108, 111]}]}
    delta = event(DELTA_KIND, **ITEM, delta="Hello world", **likely)
    async with realtime_shop(tmp_path, writing_down(delta)) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, DELTA_KIND)
        rows = await shop.log(count=2)
    assert [row["charge_nano"] for row in rows if row["operation"] == "transcription"] == [100_000]


def cut_short_behind(*said: str) -> Talk:
    """Return an upstream that breaks off behind *said*, of the first sound that it hears."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        await connection.recv()
        await connection.send(event("session.updated", session=UPDATE["session"]))
        await connection.recv()
        for each in (event("input_audio_buffer.committed", item_id="item_1"), *said):
            await connection.send(each)
        connection.transport.abort()

    return talk


async def test_a_transcript_that_its_upstream_cuts_short_is_claimed(tmp_path: Path) -> None:
    """As any exchange that is: half of 10 x 6000 heard and 4 x 10000 written."""
    async with realtime_shop(tmp_path, cut_short_behind(DELTA)) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, "error")
        await shop.log(count=2)
    assert shop.rows("select kind, share, amount_nano from claim") == [
        {"kind": "truncated_reply", "share": "1/2", "amount_nano": 50_000}
    ]
    assert shop.rows("select * from reservation where state = 'posted' and not is_checked") == []


async def test_a_response_and_a_transcript_that_are_cut_short_together_are_both_claimed(tmp_path: Path) -> None:
    """Each by itself, once."""
    async with realtime_shop(tmp_path, cut_short_behind(DELTA, created(), words("Hi"))) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, "error")
        await shop.log(count=2)
    claimed = shop.rows("select operation from claim join request_log using (request_id) order by operation")
    assert claimed == [{"operation": "realtime"}, {"operation": "transcription"}]
    assert shop.rows("select * from reservation where not is_checked") == []


async def test_a_revoked_key_that_leaves_has_paid_for_all_it_was_told_and_holds_nothing(tmp_path: Path) -> None:
    """20 x 6000 heard and 7 written of two transcripts left in the middle, from one hold; the other model's is given back."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        with suppress(ConnectionClosed):
            for said in (
                [event("session.updated", session=UPDATE["session"])],
                [event("input_audio_buffer.committed", item_id="item_1"), DELTA],
                [event("input_audio_buffer.committed", item_id="item_2"), DELTA.replace("item_1", "item_2")],
                [event("session.updated", session=MINI_UPDATE["session"])],
                [event("conversation.item.added")],
            ):
                await connection.recv()
                for each in said:
                    await connection.send(each)
            await connection.wait_closed()

    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, "conversation.item.input_audio_transcription.delta")
            await client.send(APPEND)
            await hear(client, "conversation.item.input_audio_transcription.delta")
            await speak(client, MINI_UPDATE)
            await hear(client, "conversation.item.added")
            assert len(shop.rows("select * from reservation where state = 'open'")) == 3
            await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
        rows = await shop.log(count=3)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - 190_000, 0)
        assert verify(shop.data) == []
    assert sorted((row["model"], row["charge_nano"]) for row in rows) == [
        ("gpt-4o-mini", 0),
        ("gpt-4o-transcribe", 190_000),
        ("gpt-realtime", 0),
    ]


async def test_sound_costs_what_the_model_of_its_time_does(tmp_path: Path) -> None:
    """A cheaper one that was asked for meanwhile had not begun."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        await connection.recv()
        await connection.send(event("session.updated", session=UPDATE["session"]))
        for _ in range(2):
            await connection.recv()
        for said in (
            event("input_audio_buffer.committed", item_id="item_1"),
            event("session.updated", session=MINI_UPDATE["session"]),
            completed(TOKENS),
        ):
            await connection.send(said)
        await connection.wait_closed()

    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await client.send(json.dumps(MINI_UPDATE))
            await hear(client, COMPLETED)
        rows = await shop.log(count=3)
        assert verify(shop.data) == []
    assert sorted((row["model"], row["charge_nano"]) for row in rows) == [
        ("gpt-4o-mini", 0),
        ("gpt-4o-transcribe", 172_500),
        ("gpt-realtime", 0),
    ]


def switching(*last: str) -> Talk:
    """Return an upstream that writes down two items by one model and a third by another, and then says *last*."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        for said in (
            [event("session.updated", session=UPDATE["session"])],
            [event("input_audio_buffer.committed", item_id="item_1"), DELTA],
            [event("input_audio_buffer.committed", item_id="item_2"), DELTA.replace("item_1", "item_2")],
            [event("session.updated", session=MINI_UPDATE["session"])],
            [event("input_audio_buffer.committed", item_id="item_3"), DELTA.replace("item_1", "item_3")],
            last,
        ):
            await connection.recv()
            for each in said:
                await connection.send(each)
        await connection.wait_closed()

    return talk


async def speak_to_two_models(client: ClientConnection) -> None:
    await speak(client)
    await hear(client, DELTA_KIND)
    await client.send(APPEND)
    await hear(client, DELTA_KIND)
    await speak(client, MINI_UPDATE)
    await hear(client, DELTA_KIND)


async def test_what_a_model_of_before_still_writes_down_stays_held_for(tmp_path: Path) -> None:
    """Its first transcript is posted from the hold that both had; the second gets one of its own."""
    talk = switching(completed(TOKENS), event("conversation.item.added"))
    async with realtime_session(tmp_path, talk) as (_, shop, client):
        await speak_to_two_models(client)
        await client.send(APPEND)
        await hear(client, "conversation.item.added")
        rows = shop.rows("select facts, held_nano from reservation where state = 'open'")
    by_model = {json.loads(row["facts"])["model"]: row["held_nano"] for row in rows}
    assert by_model["gpt-4o-transcribe"] == MINUTE_NANO


async def test_a_revoked_key_pays_for_what_was_held_though_it_cannot_for_the_rest(tmp_path: Path) -> None:
    """10 x 2000 heard and 4 x 8000 written by the second model; what the first had begun besides is free."""
    async with realtime_shop(tmp_path, switching(completed(TOKENS))) as (_, shop):
        async with connected(shop) as client:
            await speak_to_two_models(client)
            await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
            await client.send(json.dumps({"type": "input_audio_buffer.commit"}))
            await hear(client, "error")
        rows = await shop.log(count=3)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - 172_500 - 52_000, 0)
        assert verify(shop.data) == []
    assert sorted((row["model"], row["charge_nano"]) for row in rows) == [
        ("gpt-4o-mini", 52_000),
        ("gpt-4o-transcribe", 172_500),
        ("gpt-realtime", 0),
    ]


async def test_what_could_not_be_written_down_is_free(tmp_path: Path) -> None:
    """And its hold is given back with the session's end."""
    failure = event("conversation.item.input_audio_transcription.failed", **ITEM, error={"type": "server_error"})
    async with realtime_shop(tmp_path, writing_down(DELTA, failure)) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, "conversation.item.input_audio_transcription.failed")
        assert [row["charge_nano"] for row in await shop.log(count=2)] == [0, 0]
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 0)


LIE = {"type": "tokens", "input_tokens": 10**9, "output_tokens": 4}


@pytest.mark.parametrize(
    ("usage", "source"),
    [
        (None, "disputed"),
        (LIE, "disputed"),
        ({"type": "duration", "seconds": 50_000}, "disputed"),
        (TOKENS, "upstream"),
    ],
)
async def test_a_model_sold_by_the_second_is_paid_by_it(tmp_path: Path, usage: object, source: str) -> None:
    """Whatever its upstream counts in, and whatever it claims: one second was sent."""
    profile = PROFILE.replace("billing.token_ratio\n", "billing.token_ratio\n  - use: billing.per_call\n").replace(
        'gpt-4o-transcribe: {{model_ratio: "1.25", completion_ratio: "4", audio_ratio: "2.4"}}',
        'gpt-4o-transcribe: {{unit_price: "0.0001"}}',
    )
    async with realtime_shop(tmp_path, writing_down(completed(usage)), profile=profile) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, COMPLETED)
        rows = await shop.log(count=2)
    [row] = [row for row in rows if row["operation"] == "transcription"]
    assert (row["usage_source"], row["charge_nano"]) == (source, 100_000)


@pytest.mark.parametrize("usage", [None, LIE, {"type": "tokens", "input_tokens": 25, "output_tokens": -1}])
async def test_a_transcript_without_true_figures_costs_its_sound_and_its_words(tmp_path: Path, usage: object) -> None:
    """10 x 6000 heard in a second, and 4 x 10000 for the likely tokens of eleven letters and blanks."""
    end = event(COMPLETED, **ITEM, transcript="Hello world", usage=usage)
    async with realtime_shop(tmp_path, writing_down(end)) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, COMPLETED)
        rows = await shop.log(count=2)
        assert verify(shop.data) == []
    [row] = [row for row in rows if row["operation"] == "transcription"]
    assert (row["usage_source"], row["output_tokens"], row["charge_nano"]) == ("disputed", 4, 100_000)


UNNAMED = event(COMPLETED, transcript="Hi", usage=TOKENS)


async def test_the_end_of_a_transcript_that_is_told_twice_is_paid_once(tmp_path: Path) -> None:
    """Of each part of an item; one that names no item, too."""
    other_part = event(COMPLETED, item_id="item_1", content_index=1, transcript="Hi", usage=TOKENS)
    ends = [completed(TOKENS), completed(TOKENS), other_part, UNNAMED, UNNAMED]
    async with realtime_shop(tmp_path, writing_down(*ends)) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            for _ in ends:
                await hear(client, COMPLETED)
        rows = await shop.log(count=4)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - 3 * 172_500, 0)
        assert verify(shop.data) == []
    assert sorted(row["charge_nano"] for row in rows) == [0, 172_500, 172_500, 172_500]


@pytest.mark.parametrize("is_committed", [True, False])
async def test_a_transcript_that_names_no_item_is_paid_for_after_each_sound(tmp_path: Path, is_committed: bool) -> None:
    """It is that of the sound that waits, or may be that of sound which the upstream has not told of."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        with suppress(ConnectionClosed):
            async for _ in connection:
                if is_committed:
                    await connection.send(event("input_audio_buffer.committed", item_id="item_1"))
                await connection.send(UNNAMED)

    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(json.dumps(UPDATE))
            await hear(client, COMPLETED)
            for _ in range(2):
                await client.send(APPEND)
                await hear(client, COMPLETED)
        await shop.log(count=4)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - 3 * 172_500, 0)


async def test_a_transcript_that_names_no_item_is_the_oldest(tmp_path: Path) -> None:
    """Its words and its end without figures: 10 x 6000 heard in its second, and 4 x 10000 written, once."""
    kind = "conversation.item.input_audio_transcription.delta"
    talk = writing_down(event(kind, delta="Hello world"), event(COMPLETED, transcript="Hello world"))
    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, COMPLETED)
        rows = await shop.log(count=2)
    assert sorted(row["charge_nano"] for row in rows) == [0, 100_000]


async def test_a_whole_conversation_that_is_told_again_is_paid_once(tmp_path: Path) -> None:
    """However long it was, as of an upstream that lost its place."""
    ends = [event(COMPLETED, item_id=f"item_{index}", transcript="Hi", usage=TOKENS) for index in range(70)]
    async with realtime_shop(tmp_path, writing_down(*ends, *ends)) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            for _ in range(140):
                await hear(client, COMPLETED)
        await shop.log(count=71)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - 70 * 172_500, 0)


async def test_an_item_that_is_spoken_again_is_paid_again(tmp_path: Path) -> None:
    """Its sound came anew, so its transcript is another."""
    async with realtime_shop(tmp_path, writing_down(completed(TOKENS))) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await hear(client, COMPLETED)
            await client.send(APPEND)
            await hear(client, COMPLETED)
        await shop.log(count=3)
        assert balances(shop.rows(LOTS)) == (10_000_000_000 - 2 * 172_500, 0)


async def test_sound_that_is_written_down_no_more_is_not_held_for(tmp_path: Path) -> None:
    """From when the upstream says that it has taken note."""
    off = event("session.update", session={"type": "realtime", "audio": {"input": {"transcription": None}}})
    async with realtime_session(tmp_path, writing_down()) as (_, shop, client):
        await client.send(json.dumps(UPDATE))
        await hear(client, "session.updated")
        await client.send(off)
        await hear(client, "session.updated")
        await client.send(APPEND)
        await hear(client, "input_audio_buffer.committed")
        assert held(shop) == {"realtime": TURN_NANO}


async def test_what_an_upstream_writes_down_unasked_is_held_for(tmp_path: Path) -> None:
    """At the price of the model that its session begins with, under the customer's name for it."""
    begun = json.dumps(SESSION).replace('"transcription": null', '"transcription": {"model": "gpt-4o-transcribe-1"}')

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(begun)
        async for _ in connection:
            await connection.send(event("input_audio_buffer.committed", item_id="item_1"))

    async with realtime_session(tmp_path, talk) as (_, shop, client):
        await hear(client, "session.created")
        await client.send(APPEND)
        await hear(client, "input_audio_buffer.committed")
        assert held(shop) == {"realtime": TURN_NANO, "transcription": MINUTE_NANO}


HEARD = Usage(input_tokens=2000, audio_input_tokens=2000, unit_count=200, source="disputed")


@pytest.mark.parametrize(
    ("told", "judged"),
    [
        (
            Usage(input_tokens=18_048, output_tokens=8000),
            Usage(input_tokens=18_048, output_tokens=8000, unit_count=200),
        ),
        (Usage(unit_count=800, output_tokens=1), Usage(unit_count=800, output_tokens=1)),
        (Usage(output_tokens=1), Usage(output_tokens=1)),
        (Usage(input_tokens=18_049), HEARD),
        (Usage(input_tokens=1, cache_read_tokens=18_048), HEARD),
        (Usage(input_tokens=1, output_tokens=8001), HEARD),
        (Usage(input_tokens=1, unit_count=801), HEARD),
        (Usage(input_tokens=1, source="disputed"), HEARD),
    ],
)
def test_figures_above_four_times_what_the_sound_can_be_are_disputed(told: Usage, judged: Usage) -> None:
    """Of 200 seconds: 512 tokens and twice ten a second of input, ten a second of output, and the seconds themselves."""
    assert plausible_usage(told, 200) == judged


async def test_of_two_names_for_one_model_the_one_asked_for_is_paid(tmp_path: Path) -> None:
    """They may have two prices."""
    profile = PROFILE.replace(
        "      - gpt-4o-mini\n",
        "      - gpt-4o-mini\n      - {{name: dear-transcribe, upstream: gpt-4o-transcribe-1}}\n",
    ).replace(
        "prices:\n", 'prices:\n  dear-transcribe: {{model_ratio: "2.5", completion_ratio: "4", audio_ratio: "2.4"}}\n'
    )
    async with realtime_shop(tmp_path, writing_down(completed(TOKENS)), profile=profile) as (_, shop):
        async with connected(shop) as client:
            await speak(client, json.loads(json.dumps(UPDATE).replace("gpt-4o-", "dear-")))
            await hear(client, COMPLETED)
        rows = await shop.log(count=2)
    [row] = [row for row in rows if row["operation"] == "transcription"]
    assert (row["model"], row["charge_nano"]) == ("dear-transcribe", 345_000)


async def test_a_model_that_is_reported_under_another_name_costs_what_the_one_asked_for_does(tmp_path: Path) -> None:
    """As what is behind a deployment of Azure's, or a dated name of OpenAI's."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        await connection.recv()
        await connection.send(
            event("session.updated", session=UPDATE["session"]).replace("scribe", "scribe-2025-03-20")
        )
        await connection.recv()
        for said in (event("input_audio_buffer.committed", item_id="item_1"), completed(TOKENS)):
            await connection.send(said)
        await connection.wait_closed()

    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await client.send(json.dumps(UPDATE))
            await hear(client, "session.updated")
            await client.send(APPEND)
            await hear(client, COMPLETED)
        rows = await shop.log(count=2)
    [row] = [row for row in rows if row["operation"] == "transcription"]
    assert (row["model"], row["model_sent"], row["charge_nano"]) == (
        "gpt-4o-transcribe",
        "gpt-4o-transcribe-1",
        172_500,
    )


async def test_what_is_switched_off_meanwhile_costs_what_it_did(tmp_path: Path) -> None:
    """Sound that was heard before is still written down, by the model of then and from its hold."""
    off = json.dumps({"type": "session.update", "session": {"audio": {"input": {"transcription": None}}}})

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        with suppress(ConnectionClosed):
            for said in (
                [event("session.updated", session=UPDATE["session"])],
                [event("input_audio_buffer.committed", item_id="item_1")],
                [event("session.updated", session=json.loads(off)["session"]), completed(TOKENS)],
            ):
                await connection.recv()
                for each in said:
                    await connection.send(each)
            await connection.wait_closed()

    async with realtime_shop(tmp_path, talk) as (_, shop):
        async with connected(shop) as client:
            await speak(client)
            await client.send(off)
            await hear(client, COMPLETED)
            assert held(shop) == {"realtime": TURN_NANO}
        rows = await shop.log(count=2)
    [row] = [row for row in rows if row["operation"] == "transcription"]
    assert (row["model"], row["charge_nano"]) == ("gpt-4o-transcribe", 172_500)


async def test_a_key_in_another_group_pays_what_that_group_does(tmp_path: Path) -> None:
    """From the next sound on: the key is looked up afresh."""
    async with realtime_shop(tmp_path, writing_down(completed(TOKENS))) as (_, shop):
        async with connected(shop) as client:
            await client.send(json.dumps(UPDATE))
            await hear(client, "session.updated")
            await shop.shop.ledger.set_key_group(SetKeyGroup(key_id=shop.key_id, group="dear", actor="test"))
            await client.send(APPEND)
            await hear(client, COMPLETED)
        rows = await shop.log(count=2)
    [row] = [row for row in rows if row["operation"] == "transcription"]
    assert (row["group"], row["charge_nano"]) == ("dear", 345_000)


async def test_a_revoked_keys_sound_is_not_sent_on(tmp_path: Path) -> None:
    """The session ends before it."""
    async with realtime_session(tmp_path, writing_down()) as (upstream, shop, client):
        await client.send(json.dumps(UPDATE))
        await hear(client, "session.updated")
        await shop.shop.ledger.revoke_key(RevokeKey(key_id=shop.key_id, actor="test"))
        await client.send(APPEND)
        [refusal] = await hear(client, "error")
    assert refusal["error"]["code"] == "api_key_revoked"
    assert [each["type"] for each in upstream.visits[0].events] == ["session.update"]
