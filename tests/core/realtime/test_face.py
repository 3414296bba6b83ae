"""Where a websocket comes in: nothing it says is logged, nothing is compressed, and refusals end the connection."""

import logging
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.shops import serving

from .talks import PROFILE, RealtimeUpstream, address, connected, hear


async def test_neither_keys_nor_words_reach_a_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where everything is logged."""
    async with RealtimeUpstream().opened() as upstream, serving(tmp_path, upstream.url, profile=PROFILE) as shop:
        with caplog.at_level(logging.DEBUG, logger="uvicorn.error"):
            client = connect(f"{address(shop)}&key={shop.api_key}", proxy=None, logger=logging.Logger("client"))
            async with client as connection:
                await connection.send('{"type":"response.create","said":"canary"}')
                await hear(connection)
        told = "\n".join(record.getMessage() for record in caplog.records if record.name == "uvicorn.error")
    assert shop.api_key not in told
    assert "canary" not in told
    assert "Hello" not in told


async def test_nothing_is_compressed(tmp_path: Path) -> None:
    """A client that offers it is not answered with it: nobody can send what unpacks without bound."""
    async with (
        RealtimeUpstream().opened() as upstream,
        serving(tmp_path, upstream.url, profile=PROFILE) as shop,
        connected(shop, compression="deflate") as client,
    ):
        assert client.response is not None
        assert "sec-websocket-extensions" not in client.response.headers
        assert "sec-websocket-extensions" not in upstream.visits[0].request.headers


async def test_a_refused_connection_is_closed(tmp_path: Path) -> None:
    """What else came on it is never read as frames."""
    async with RealtimeUpstream().opened() as upstream, serving(tmp_path, upstream.url, profile=PROFILE) as shop:
        with pytest.raises(InvalidStatus) as caught:
            await connected(shop, additional_headers={})
    assert caught.value.response.headers["connection"] == "close"


async def test_other_requests_go_on_beside_a_session(tmp_path: Path) -> None:
    """The shop's pages, and its endpoints over HTTP."""
    async with (
        RealtimeUpstream().opened() as upstream,
        serving(tmp_path, upstream.url, profile=PROFILE) as shop,
        connected(shop) as client,
    ):
        await hear(client, "session.created")
        async with httpx.AsyncClient(base_url=shop.url, headers=shop.headers) as http:
            pages = [(await http.get(path)).status_code for path in ("/livez", "/v1/models", "/")]
            hello = (await http.get("/")).text
    assert pages == [200, 200, 200]
    assert "GET /v1/realtime" in hello
