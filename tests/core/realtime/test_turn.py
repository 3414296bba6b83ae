"""One turn's money: what its hold covers, and what a plugin's meter may say of it."""

import json
from pathlib import Path

import pytest

from tests.chats import LOTS, balances
from tests.core.realtime.talks import realtime_session, realtime_shop

from .talks import CHARGE, PROFILE, SECOND_OF_SOUND, connected, done, event, hear, words
from .test_session import says

CREATE = '{"type":"response.create"}'
METER = """\
from relay import Meter, Plugin, PluginConfig, Usage, hookimpl


class CountConfig(PluginConfig, frozen=True, kw_only=True):
    pass


class Counted:
    def __init__(self):
        self.count = 0

    def feed(self, event):
        self.count += 1

    def usage(self):
        return Usage(output_tokens=self.count)


class Count(Plugin[CountConfig]):
    config_type = CountConfig

    @hookimpl
    def meter_stream(self, exchange, channel):
        return Counted()
"""


async def test_the_first_hold_covers_a_response_of_sound(tmp_path: Path) -> None:
    """1024 tokens said and 512 heard, at the price of sound; 1024 of text for what the upstream says itself."""
    async with realtime_session(tmp_path) as (_, shop, client):
        await hear(client, "session.created")
        held = balances(shop.rows(LOTS))[1]
    assert held == 1024 * 64_000 + 512 * 32_000 + 1024 * 4_000


async def test_the_next_hold_covers_what_the_last_response_left(tmp_path: Path) -> None:
    """Its 253 tokens are read again: 104 of sound among them."""
    async with realtime_session(tmp_path) as (_, shop, client):
        await client.send(CREATE)
        await hear(client)
        held = balances(shop.rows(LOTS))[1]
    assert held == 1024 * 64_000 + (512 + 104) * 32_000 + (1024 + 149) * 4_000


async def test_a_plugins_meter_counts_each_turn_anew(tmp_path: Path) -> None:
    """It sees every frame of a turn as an event: created, two deltas and the end, after the session's first."""
    (tmp_path / "count.py").write_text(METER)
    profile = PROFILE.replace("plugins:\n", "plugins:\n  - use: ./count.py\n", 1)
    async with realtime_shop(tmp_path, profile=profile) as (_, shop):
        async with connected(shop) as client:
            for _ in range(2):
                await client.send(CREATE)
                await hear(client)
        rows = await shop.log(count=3)
    assert [json.loads(row["usage"])["output_tokens"] for row in rows] == [5, 4, 0]


async def test_a_plugins_meter_sees_no_end_twice(tmp_path: Path) -> None:
    """Else the next turn, a word and an end, would count three."""
    (tmp_path / "count.py").write_text(METER)
    profile = PROFILE.replace("plugins:\n", "plugins:\n  - use: ./count.py\n", 1)
    talk = says(words("Hi"), done(), done(), words("Hi"), done())
    async with realtime_shop(tmp_path, talk, profile=profile) as (_, shop):
        async with connected(shop) as client:
            await client.send(CREATE)
            for _ in range(3):
                await hear(client)
        rows = await shop.log(count=3)
    assert [json.loads(row["usage"])["output_tokens"] for row in rows] == [3, 2, 0]


async def test_a_switch_of_the_balance_in_between_holds_for_the_next_turn(tmp_path: Path) -> None:
    """A top-up made while a session is open pays for its next response."""
    async with realtime_shop(tmp_path, credit="0.092") as (_, shop):
        async with connected(shop) as client:
            await shop.top_up("1")
            for _ in range(2):
                await client.send(CREATE)
                await hear(client)
        rows = await shop.log(count=3)
    assert [row["charge_nano"] for row in rows] == [CHARGE, CHARGE, 0]


@pytest.mark.parametrize(("credit", "cap_nano"), [("0.087", None), ("10", 87_000_000)])
async def test_the_window_is_waived_where_only_what_was_said_can_be_held_for(
    tmp_path: Path, credit: str, cap_nano: int | None
) -> None:
    """A minute of sound, beyond the first window; a second one would cost more than there is."""
    talk = says(words("Hi"))
    async with realtime_session(tmp_path, talk, credit=credit, cap_nano=cap_nano) as (_, shop, client):
        await client.send(event("input_audio_buffer.append", audio=SECOND_OF_SOUND * 60))
        await client.send('{"type":"response.create","response":""}')
        await hear(client, "response.output_text.delta")
        held = balances(shop.rows(LOTS))[1]
    assert held == 1024 * 64_000 + 600 * 32_000 + 513 * 4_000
