import asyncio
import socket
from typing import Any

import pytest

from relay import UpstreamConnectError, UpstreamRequest
from relay.core.upstream import UpstreamClient
from tests.core.raw_upstream import raw_upstream, whole, writes

from .answers import PATIENT, read_all


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
