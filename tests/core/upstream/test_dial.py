import asyncio
import gc
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from relay import UpstreamConnectError, UpstreamRequest
from relay.core.errors import OverloadedError
from relay.core.upstream import UpstreamClient
from relay.core.upstream.dial import Dialler
from relay.core.upstream.request_head import Origin
from tests.chats import CHAT
from tests.core.raw_upstream import raw_upstream, whole, writes
from tests.open_files import no_file_to_be_opened
from tests.shops import reselling
from tests.upstreams import document

from .answers import PATIENT, read_all, unanswering_url

pytestmark = pytest.mark.usefixtures("nothing_fails_in_a_callback")


async def test_names_are_looked_up_once_for_many(transport: UpstreamClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty connections at once to one name ask the resolver once."""
    asked: list[str] = []
    real = asyncio.get_running_loop().getaddrinfo

    async def counted(host: str, *rest: Any, **named: Any) -> Any:
        # uvloop asks itself for what a number means; that is no look-up of a name.
        asked.extend([host] if host == "localhost" else [])
        return await real(host, *rest, **named)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", counted)
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        url = upstream.url.replace("127.0.0.1", "localhost")
        request = UpstreamRequest(url=url, headers={}, body=b"{}")
        responses = await asyncio.gather(*(transport.send(request, PATIENT) for _ in range(20)))
        assert [await read_all(response) for response in responses] == [b"ok"] * 20
    assert asked == ["localhost"]


async def test_an_address_is_remembered_for_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """An upstream that has moved is found then."""
    loop = asyncio.get_running_loop()
    real, began_at, asked = loop.getaddrinfo, float(round(loop.time())), list[float]()
    clock = [began_at]

    async def counted(host: str, *rest: Any, **named: Any) -> Any:
        asked.extend([clock[0] - began_at] if host == "localhost" else [])
        return await real(host, *rest, **named)

    monkeypatch.setattr(loop, "getaddrinfo", counted)
    monkeypatch.setattr(loop, "time", lambda: clock[0])
    dialler = Dialler(loop)
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        origin = Origin("localhost", int(upstream.url.rpartition(":")[2]), False)
        for passed_s in (0.0, 10.0, 10.5, 20.5, 21.0):
            clock[0] = began_at + passed_s
            (await dialler.reach(origin)).close()
    assert asked == [0.0, 10.5, 21.0]


async def test_a_failed_look_up_is_not_remembered(transport: UpstreamClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that was down for a moment fails that moment's requests only."""
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def down(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_AGAIN, "down")

    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        url = upstream.url.replace("127.0.0.1", "localhost")
        request = UpstreamRequest(url=url, headers={}, body=b"{}")
        monkeypatch.setattr(loop, "getaddrinfo", down)
        with pytest.raises(UpstreamConnectError, match="gaierror"):
            await transport.send(request, PATIENT)
        monkeypatch.setattr(loop, "getaddrinfo", real)
        assert await read_all(await transport.send(request, PATIENT)) == b"ok"


async def test_a_look_up_that_fails_when_nobody_waits_any_more_is_no_stray_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A resolver that is down often fails later than the connect deadline."""
    loop = asyncio.get_running_loop()
    is_asked, is_down = asyncio.Event(), asyncio.Event()

    async def down(*_: Any, **__: Any) -> Any:
        is_asked.set()
        await is_down.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "down")

    monkeypatch.setattr(loop, "getaddrinfo", down)
    dialler = Dialler(loop)
    waiting = asyncio.create_task(dialler.reach(Origin("localhost", 1, False)))
    await is_asked.wait()
    waiting.cancel()
    await asyncio.wait([waiting])
    is_down.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del dialler, waiting
    gc.collect()


async def test_an_address_that_refuses_does_not_hide_the_next(
    transport: UpstreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with a dead IPv6 address and a living IPv4 one is reached."""

    real = asyncio.get_running_loop().getaddrinfo

    async def both(host: str, port: int, **named: Any) -> Any:
        if host != "two.example":
            return await real(host, port, **named)
        stream = socket.SOCK_STREAM
        return [
            (socket.AF_INET6, stream, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, stream, 6, "", ("127.0.0.1", port)),
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        request = UpstreamRequest(url=upstream.url.replace("127.0.0.1", "two.example"), headers={}, body=b"{}")
        assert await read_all(await transport.send(request, PATIENT)) == b"ok"


async def test_an_address_that_is_silent_does_not_hide_the_next(
    transport: UpstreamClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it waited for: the next is tried beside it, long before the deadline."""
    real = asyncio.get_running_loop().getaddrinfo
    ports = list[int]()

    async def both(host: str, port: int, **named: Any) -> Any:
        if host != "two.example":
            return await real(host, port, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", each)) for each in ports]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    async with raw_upstream(writes(whole(b"ok"))) as upstream:
        with unanswering_url() as silent:
            ports += [int(url.rpartition(":")[2]) for url in (silent, upstream.url)]
            request = UpstreamRequest(url="http://two.example", headers={}, body=b"{}")
            assert await read_all(await transport.send(request, PATIENT)) == b"ok"


async def test_a_trusted_upstream_is_asked_over_one_connection_in_http_1_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, self_signed: ssl.SSLContext
) -> None:
    """HTTP/2 is not offered, and what TLS says beside the answers does not spoil the connection."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    self_signed.set_alpn_protocols(["h2", "http/1.1"])
    spoken: list[str | None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        spoken.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await writes(whole(b"ok"))(reader, writer)

    async with raw_upstream(answer, tls=self_signed) as upstream, UpstreamClient() as transport:
        for _ in range(2):
            assert await read_all(await transport.send(upstream.request(), PATIENT)) == b"ok"
    assert (spoken, upstream.connection_count) == (["http/1.1", "http/1.1"], 1)


async def test_who_has_no_file_left_does_not_blame_the_upstream(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its customers are told to come again, nothing stays held, and its circuits stay closed."""
    caplog.set_level("INFO", "relay")
    async with reselling(tmp_path, lambda _: document(CHAT, headers=["connection: close"])) as (upstream, shop):
        before = await shop.chat()
        with no_file_to_be_opened():
            refused = [await shop.chat() for _ in range(5)]
        after = await shop.chat()
        outcomes = [row["outcome"] for row in await shop.log(count=7)]
        [held] = shop.rows("select sum(pending_nano) as nano from book")
    assert (before.status_code, after.status_code) == (200, 200)
    told = [(one.status_code, one.json()["error"]["code"], one.headers["retry-after"]) for one in refused]
    assert told == [(503, "overloaded", "2")] * 5
    assert (outcomes, held, len(upstream.received)) == (
        ["complete", *["upstream_error"] * 5, "complete"],
        {"nano": 0},
        2,
    )
    assert [record.message for record in caplog.records] == ["files.exhausted"] * 5


async def test_who_has_no_file_left_to_look_a_name_up_does_not_blame_it(transport: UpstreamClient) -> None:
    """A resolver opens files, too."""
    request = UpstreamRequest(url="http://localhost:1", headers={}, body=b"{}")
    with no_file_to_be_opened(), pytest.raises(OverloadedError):
        await transport.send(request, PATIENT)


async def test_authorities_are_read_later_where_no_file_was_left_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, self_signed: ssl.SSLContext
) -> None:
    """Or no upstream would be trusted until the next start."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
    dialler = Dialler(asyncio.get_running_loop())
    with no_file_to_be_opened():
        assert not dialler.tls.get_ca_certs()
    assert len(dialler.tls.get_ca_certs()) == 1
    assert dialler.tls is dialler.tls


async def test_authorities_in_a_folder_alone_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS looks them up there itself: the same settings serve all connections."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    dialler = Dialler(asyncio.get_running_loop())
    assert dialler.tls is dialler.tls
