"""Where a websocket comes in: nothing it says is logged, nothing is compressed, and refusals end the connection."""

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidStatus

from relay.core import face
from relay.core.realtime.door import RealtimeDoor
from relay.core.realtime.face import FRAGMENTS_MAX, TURN_BYTES, WebsocketFace
from tests.core.realtime.talks import realtime_session, realtime_shop

from .talks import SESSION, Visit, address, connected, hear

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")

UPGRADE = (
    b"GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer %b\r\nconnection: Upgrade\r\n"
    b"upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_neither_keys_nor_words_reach_a_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not even where everything is logged."""
    async with realtime_shop(tmp_path) as (_, shop):
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
        realtime_shop(tmp_path) as (upstream, shop),
        connected(shop, compression="deflate") as client,
    ):
        assert client.response is not None
        assert "sec-websocket-extensions" not in client.response.headers
        assert "sec-websocket-extensions" not in upstream.visits[0].request.headers


async def test_a_refused_connection_is_closed(tmp_path: Path) -> None:
    """What else came on it is never read as frames."""
    async with realtime_shop(tmp_path) as (_, shop):
        with pytest.raises(InvalidStatus) as caught:
            await connected(shop, additional_headers={})
    assert caught.value.response.headers["connection"] == "close"


async def answer_to_an_opening(folder: Path, disturb: Callable[[asyncio.StreamWriter], None]) -> bytes:
    """Disturb a session while the upstream opens it, see that nothing stays held, and return what the customer got."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        is_opening.set()
        await connection.wait_closed()

    is_opening = asyncio.Event()
    async with realtime_shop(folder, talk) as (_, shop):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(shop.url.rsplit(":", 1)[1]))
        writer.write(UPGRADE % shop.api_key.encode())
        await is_opening.wait()
        disturb(writer)
        async with asyncio.timeout(5):
            answer = await reader.read()
        writer.close()
        await shop.log()
        assert shop.rows("select state from reservation") == [{"state": "voided"}]
    return answer


async def test_what_is_no_frame_ends_a_session_that_is_being_opened(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Before the upgrade there is no close frame to answer with; nothing is printed of it, and nothing stays held."""
    unmasked = b"\x01\x05hello"  # as no client may send
    assert await answer_to_an_opening(tmp_path, lambda writer: writer.write(unmasked)) == b""
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


async def test_an_upgrade_that_failed_stops_no_shutdown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection may be closing still when the server asks all of them to."""
    run, is_shut = WebsocketFace.run_asgi, asyncio.Event()

    async def fail(_: RealtimeDoor) -> None:
        raise asyncio.CancelledError

    async def run_and_shut(face: WebsocketFace) -> None:
        await run(face)
        face.shutdown()
        is_shut.set()

    monkeypatch.setattr(RealtimeDoor, "serve", fail)
    monkeypatch.setattr(WebsocketFace, "run_asgi", run_and_shut)
    async with realtime_shop(tmp_path) as (_, shop):
        with pytest.raises(InvalidStatus):
            await connected(shop)
        assert is_shut.is_set()


@pytest.fixture
def faces(monkeypatch: pytest.MonkeyPatch) -> list[WebsocketFace]:
    """The faces of all websockets that come in."""
    faces: list[WebsocketFace] = []
    run = WebsocketFace.run_asgi

    async def note_and_run(face: WebsocketFace) -> None:
        faces.append(face)
        await run(face)

    monkeypatch.setattr(WebsocketFace, "run_asgi", note_and_run)
    return faces


async def test_a_session_that_is_being_opened_is_refused_at_a_shutdown(
    tmp_path: Path, faces: list[WebsocketFace]
) -> None:
    """As an HTTP request is; nothing stays held."""
    answer = await answer_to_an_opening(tmp_path, lambda _: faces[0].shutdown())
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "shutting_down"


async def test_a_session_that_has_ended_keeps_no_shutdown_waiting(tmp_path: Path, faces: list[WebsocketFace]) -> None:
    """Its customer has been told, and has not answered yet: the connection is closed all the same."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        await connection.close()

    async with realtime_shop(tmp_path, talk) as (_, shop):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(shop.url.rsplit(":", 1)[1]))
        writer.write(UPGRADE % shop.api_key.encode())
        async with asyncio.timeout(5):
            await reader.readuntil(b"\x88\x02\x03\xe8")  # a close frame, with 1000
            faces[0].shutdown()
            assert await reader.read() == b""
        writer.close()


async def test_other_requests_go_on_beside_a_session(tmp_path: Path) -> None:
    """The shop's pages, and its endpoints over HTTP."""
    async with realtime_session(tmp_path) as (_, shop, client):
        await hear(client, "session.created")
        async with httpx.AsyncClient(base_url=shop.url, headers=shop.headers) as http:
            pages = [(await http.get(path)).status_code for path in ("/livez", "/v1/models", "/")]
            hello = (await http.get("/")).text
    assert pages == [200, 200, 200]
    assert "GET /v1/realtime" in hello


async def test_a_session_is_no_head_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be silent for longer than a head may take."""
    monkeypatch.setattr(face, "HEAD_S", 0.1)
    async with realtime_session(tmp_path) as (_, _, client):
        await hear(client, "session.created")
        await asyncio.sleep(0.5)
        await client.send('{"type":"response.create"}')
        assert (await hear(client))[-1]["type"] == "response.done"


def frame(head: int, payload: bytes = b"") -> bytes:
    """Return a frame of a client, masked with zeros."""
    return bytes([head, 0x80 | len(payload)]) + bytes(4) + payload


PING = frame(0x89)
FRAGMENT = frame(0x00)


class Turns:
    """What uvicorn's protocol was given in each turn of the loop, in bytes."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.taken = [0]
        self._loop = asyncio.get_running_loop()
        self._receive = WebSocketsSansIOProtocol.data_received
        patch.setattr(WebSocketsSansIOProtocol, "data_received", lambda face, data: self._take(face, data))
        self._count()

    def _take(self, face: WebSocketsSansIOProtocol, data: bytes) -> None:
        self.taken[-1] += len(data)
        self._receive(face, data)

    def _count(self) -> None:
        self.taken.append(0)
        self._loop.call_soon(self._count)


async def test_a_flood_of_pings_leaves_others_their_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came at once is taken in many turns of the loop, and the session goes on behind it."""
    async with realtime_session(tmp_path) as (_, _, client):
        turns = Turns(monkeypatch)
        client.transport.write(PING * 50_000)
        async with asyncio.timeout(20):
            await (await client.ping(b"last"))
        await client.send('{"type":"response.create"}')
        await hear(client)
    assert sum(turns.taken) > 50_000 * len(PING)
    assert max(turns.taken) <= 2 * TURN_BYTES  # some was waiting, and some came


async def test_messages_that_came_at_once_are_passed_on_in_their_order(tmp_path: Path) -> None:
    """However many turns of the loop they take."""
    said = [b'{"type":"input_audio_buffer.clear","event_id":"%d"}' % number for number in range(2000)]
    async with realtime_session(tmp_path) as (upstream, _, client):
        client.transport.write(b"".join(frame(0x81, message) for message in said))
        await client.send('{"type":"response.create"}')
        await hear(client)
        heard = upstream.visits[0].events
    assert [event["event_id"] for event in heard[:-1]] == [json.loads(message)["event_id"] for message in said]


async def test_a_message_may_come_in_thousands_of_fragments(tmp_path: Path) -> None:
    """As clients and proxies may cut the largest."""
    async with realtime_session(tmp_path) as (_, _, client):
        client.transport.write(
            frame(0x01, b'{"type":"response.create"}') + FRAGMENT * (FRAGMENTS_MAX - 2) + frame(0x80)
        )
        assert (await hear(client))[-1]["type"] == "response.done"


async def test_fragments_without_end_close_the_connection(tmp_path: Path) -> None:
    """Of no bytes too, which no bound on bytes counts."""
    async with realtime_session(tmp_path) as (_, _, client):
        client.transport.write(frame(0x01) + FRAGMENT * FRAGMENTS_MAX)
        async with asyncio.timeout(20):
            await client.wait_closed()
        assert (client.close_code, client.close_reason) == (1009, "more than 8192 fragments")


async def test_a_session_ends_in_order_while_sound_waits(tmp_path: Path) -> None:
    """The customer's answer to the end stands behind what nobody reads any more."""

    async def talk(connection: ServerConnection, visit: Visit) -> None:
        await connection.send(json.dumps(SESSION))
        visit.said.append(await connection.recv())
        await connection.close()

    sound = frame(0x81, b'{"type":"input_audio_buffer.clear"}')
    async with realtime_session(tmp_path, talk) as (_, _, client):
        await hear(client, "session.created")
        client.transport.write(sound * 30_000)
        async with asyncio.timeout(5):
            await client.wait_closed()
        assert client.close_code == 1000
