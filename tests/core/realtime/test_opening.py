"""The way to an upstream: tried like any exchange until a session has begun, and the hold given back if none does."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.chats import LOTS, balances
from tests.core.realtime.talks import realtime_shop
from tests.shops import Running, reselling, serving
from tests.upstreams import Upstream, document

from .talks import PROFILE, SESSION, RealtimeUpstream, Talk, Visit, connected, event, hear

SECOND = """
  - name: openai-b
    use: channels.openai
    base_url: {other}
    keys: ["file:upstream.key"]
    dialects: [realtime]
    models: [gpt-realtime]
    groups: [plain]
    priority: 1
"""


async def refused(shop: Running) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        await connected(shop)
    assert caught.value.response.body is not None
    return caught.value.response.status_code, json.loads(caught.value.response.body)["error"]["code"]


def opening_with(*frames: str | bytes, close: int | None = None) -> Talk:
    async def talk(connection: ServerConnection, visit: Visit) -> None:
        with suppress(ConnectionClosed):
            for frame in frames:
                await connection.send(frame)
            if close is not None:
                await connection.close(close)
            await connection.wait_closed()

    return talk


DEAD_KEY = b'{"error":{"type":"invalid_request_error","code":"invalid_api_key","message":"Incorrect key sk-secret"}}'
BAD_VOICE = b'{"error":{"type":"invalid_request_error","code":"invalid_voice","message":"No such voice"}}'
ANSWERS = [
    (401, DEAD_KEY, 503, "upstream_unavailable"),
    (403, DEAD_KEY, 503, "upstream_unavailable"),
    (404, b"", 503, "upstream_unavailable"),
    (429, b"", 429, "upstream_throttled"),
    (500, b"<html>", 502, "upstream_error"),
    (302, b"", 502, "upstream_error"),
    (200, b"{}", 502, "upstream_error"),
    (400, BAD_VOICE, 400, "invalid_voice"),
]


@pytest.mark.parametrize(("status", "body", "told", "code"), ANSWERS)
async def test_an_upstream_that_refuses_is_an_http_error(
    tmp_path: Path, status: int, body: bytes, told: int, code: str
) -> None:
    """Of the class its status has; nothing stays held, and a row says what was tried."""
    async with (
        RealtimeUpstream(refusal=(status, body)).opened() as upstream,
        serving(tmp_path, upstream.url, profile=PROFILE) as shop,
    ):
        assert await refused(shop) == (told, code)
        [row] = await shop.log()
        assert (row["outcome"], row["charge_nano"]) == ("upstream_error", 0)
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 0)


@pytest.mark.parametrize(
    "talk",
    [
        opening_with(close=1000),
        opening_with(close=1011),
        opening_with(event("error", error={"type": "server_error", "code": "x", "message": "down"}), close=1011),
    ],
)
async def test_a_session_that_ends_before_it_began_is_a_failed_attempt(tmp_path: Path, talk: Talk) -> None:
    """The customer was not upgraded yet."""
    async with realtime_shop(tmp_path, talk) as (_, shop):
        assert await refused(shop) == (502, "upstream_error")


async def test_an_upstream_that_is_no_websocket_is_an_http_error(tmp_path: Path) -> None:
    """Whatever it answers."""
    async with reselling(tmp_path, lambda _: document({"hello": 1}), profile=PROFILE) as (_, shop):
        assert await refused(shop) == (502, "upstream_error")


async def test_an_upstream_that_is_not_there_is_an_http_error(tmp_path: Path) -> None:
    """Nobody listens on that port."""
    async with serving(tmp_path, "http://127.0.0.1:9", profile=PROFILE) as shop:
        assert await refused(shop) == (502, "upstream_error")


@pytest.mark.parametrize("talk", [opening_with(), None])
async def test_an_upstream_that_says_nothing_passes_its_deadline(tmp_path: Path, talk: Talk | None) -> None:
    """After the upgrade, or before it."""
    profile = PROFILE.replace("priority: 2", "priority: 2\n    deadlines: {{first_event_s: 0.3}}")
    silent = RealtimeUpstream(talk) if talk is not None else Upstream(lambda _: [30.0])
    async with silent.opened() as upstream, serving(tmp_path, upstream.url, profile=profile) as shop:
        assert await refused(shop) == (504, "upstream_timeout")


async def test_another_channel_is_tried_and_the_failed_one_rests(tmp_path: Path) -> None:
    """The customer notices nothing; the log says both."""
    async with (
        RealtimeUpstream(refusal=(401, DEAD_KEY)).opened() as bad,
        RealtimeUpstream().opened() as good,
        serving(tmp_path, bad.url, profile=PROFILE + SECOND.replace("{other}", good.url)) as shop,
    ):
        for _ in range(2):
            async with connected(shop) as client:
                assert await hear(client, "session.created") == [SESSION]
        rows = await shop.log(count=2)
        attempts = shop.rows("select request_id, channel, failure from attempt order by started_at")
    assert [(row["channel"], row["failure"]) for row in attempts] == [
        ("openai-a", "key_dead"),
        ("openai-b", None),
        ("openai-b", None),
    ]
    assert {row["request_id"] for row in attempts} == {row["request_id"] for row in rows}


async def test_a_customer_who_leaves_while_an_upstream_is_sought_takes_the_hold_along(tmp_path: Path) -> None:
    """At once, not at the upstream's deadline."""
    async with realtime_shop(tmp_path, opening_with()) as (upstream, shop):
        leaving = asyncio.ensure_future(connected(shop).__aenter__())
        async with asyncio.timeout(5):
            await upstream.visited.wait()
        leaving.cancel()
        with suppress(asyncio.CancelledError):
            await leaving
        async with asyncio.timeout(1):
            await upstream.visits[0].gone.wait()
        [row] = await shop.log()
        assert (row["outcome"], row["charge_nano"]) == ("customer_gone", 0)
        assert balances(shop.rows(LOTS)) == (10_000_000_000, 0)


async def test_a_channel_with_a_bug_is_a_failed_attempt(tmp_path: Path) -> None:
    """Named by its file in the log, never to the customer."""
    (tmp_path / "broken.py").write_text(BROKEN)
    profile = PROFILE.replace("use: channels.openai", "use: ./broken.py")
    async with serving(tmp_path, "http://127.0.0.1:9", profile=profile) as shop:
        assert (await refused(shop))[0] == 500


async def test_a_plugin_that_fails_at_the_request_is_a_failed_attempt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing was held yet, and the upstream heard nothing; the log names the plugin."""
    (tmp_path / "fails.py").write_text(FAILS)
    profile = PROFILE.replace("plugins:\n", "plugins:\n  - use: ./fails.py\n", 1)
    async with realtime_shop(tmp_path, profile=profile) as (upstream, shop):
        assert await refused(shop) == (500, "plugin_error")
        assert shop.rows("select * from reservation") == []
        assert upstream.visits == []
    [event] = [record for record in caplog.records if record.name == "relay"]
    assert (event.message, vars(event)["fields"]["plugin"]) == ("request.failed", "./fails.py")


FAILS = """\
from relay import Plugin, PluginConfig, hookimpl


class FailsConfig(PluginConfig, frozen=True, kw_only=True):
    pass


class Fails(Plugin[FailsConfig]):
    config_type = FailsConfig

    @hookimpl
    async def transform_request(self, request):
        raise ZeroDivisionError
"""
BROKEN = """\
from relay import ChannelPlugin, PluginConfig


class BrokenConfig(PluginConfig, frozen=True, kw_only=True):
    pass


class Broken(ChannelPlugin[BrokenConfig]):
    config_type = BrokenConfig
    dialects = ("realtime", "openai_chat")

    def build(self, request, api_key):
        raise ZeroDivisionError
"""
