import asyncio
import sys

import msgspec
import pytest

from relay import BadRequestError, ChannelRequest, ChannelSection, Deadlines, Dialect, UpstreamRequest
from relay.core.upstream import UpstreamClient
from relay.plugins.channels.simulator import Simulator, SimulatorConfig, SimulatorServer
from tests.services import services

CHAT = b'{"model":"%s","messages":[{"role":"user","content":"hi"}]}'


async def exchange(url: str, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(raw)
    writer.write_eof()
    received = await reader.read()
    writer.close()
    return received


def chat(model: bytes = b"m") -> bytes:
    body = CHAT % model
    return b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


async def test_two_requests_on_one_connection_are_answered_in_turn() -> None:
    """Requests that arrive together get their answers one after the other."""
    async with SimulatorServer().running() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        writer.write(chat() + chat(b"n"))
        head = await reader.readuntil(b"\r\n\r\n")
        first = await reader.readexactly(int(head.rpartition(b"content-length: ")[2]))
        head = await reader.readuntil(b"\r\n\r\n")
        second = await reader.readexactly(int(head.rpartition(b"content-length: ")[2]))
        writer.close()
    assert [msgspec.json.decode(body)["model"] for body in (first, second)] == ["m", "n"]


async def test_log_tells_what_came_and_not_a_word_of_it() -> None:
    """Path, size, model, behaviour and time of each request are kept."""
    async with UpstreamClient() as transport, SimulatorServer().running() as server:
        request = UpstreamRequest(url=f"{server.url}/v1/chat/completions", headers={}, body=CHAT % b"m+empty")
        response = await transport.send(request, Deadlines())
        while await response.read():
            pass
        (entry,) = server.log
        assert (entry.path, entry.body_bytes, entry.model, entry.behaviour) == (
            "/v1/chat/completions",
            len(request.body),
            "m+empty",
            "empty",
        )
        assert entry.cut_at_s is None
        assert 0 <= asyncio.get_running_loop().time() - entry.at_s < 5


async def test_log_tells_when_the_peer_left() -> None:
    """A hang-up within an answer is noted with its time."""
    async with UpstreamClient() as transport, SimulatorServer().running() as server:
        request = UpstreamRequest(url=f"{server.url}/v1/chat/completions", headers={}, body=CHAT % b"m+hang")
        task = asyncio.create_task(transport.send(request, Deadlines()))
        await asyncio.sleep(0.05)
        left_at_s = asyncio.get_running_loop().time()
        task.cancel()
        await asyncio.sleep(0.05)
        cut_at_s = server.log[0].cut_at_s
        assert cut_at_s is not None
        assert 0 <= cut_at_s - left_at_s < 0.05


async def test_unreadable_request_is_a_400() -> None:
    """Broken JSON and fields of a wrong type are answered, not dropped."""
    async with UpstreamClient() as transport, SimulatorServer().running() as server:
        for body in (b"{", b'{"model":"m","tools":7,"messages":[]}', b'{"model":"m","n":0.5}'):
            request = UpstreamRequest(url=f"{server.url}/v1/chat/completions", headers={}, body=body)
            response = await transport.send(request, Deadlines())
            response.close()
            assert response.status == 400


async def test_pace_and_first_wait_are_kept() -> None:
    """30 ms before the head and 10 ms after each of five events."""
    async with (
        UpstreamClient() as transport,
        SimulatorServer(first_s=0.03, pace_s=0.01, chunk_count=2).running() as server,
    ):
        body = b'{"model":"m","stream":true,"messages":[]}'
        began_s = asyncio.get_running_loop().time()
        request = UpstreamRequest(url=f"{server.url}/v1/chat/completions", headers={}, body=body)
        response = await transport.send(request, Deadlines())
        while await response.read():
            pass
        assert 0.08 <= asyncio.get_running_loop().time() - began_s < 0.4


async def test_channel_opens_its_upstream_and_builds_for_it() -> None:
    """Within its life the channel sends to its own server, each dialect to its path."""
    section = ChannelSection(name="sim", use="channels.simulator", models=("m",), groups=("g",))
    channel = Simulator(SimulatorConfig(behaviour="empty"), services(), section)
    request = ChannelRequest(
        model="m",
        dialect="anthropic_messages",
        operation="chat",
        fields={"model": msgspec.Raw(b'"m"')},
        headers={},
        stream=False,
    )
    async with channel.lifespan(), UpstreamClient() as transport:
        built = channel.build(request, "any key")
        assert built.url == f"{channel.server.url}/v1/messages"
        assert "any key" not in str(built)
        response = await transport.send(built, channel.deadlines)
        assert msgspec.json.decode(await response.read())["content"] == []
        response.close()


@pytest.mark.parametrize(
    ("dialect", "stream", "query", "target"),
    [
        ("openai_responses", True, "", "/v1/responses"),
        ("gemini_generate", False, "", "/v1beta/models/a%2Fm%2Bempty:generateContent"),
        ("gemini_generate", True, "alt=sse", "/v1beta/models/a%2Fm%2Bempty:streamGenerateContent?alt=sse"),
    ],
)
def test_every_dialect_has_its_place(dialect: Dialect, stream: bool, query: str, target: str) -> None:
    """For Gemini the model stands in it, and what is wanted of it."""
    section = ChannelSection(name="sim", use="channels.simulator", models=("m",), groups=("g",))
    request = ChannelRequest(
        model="a/m+empty", dialect=dialect, operation="chat", fields={}, headers={}, stream=stream, query=query
    )
    assert Simulator(SimulatorConfig(), services(), section).build(request, "").url == target


def test_channel_refuses_headers_that_would_not_travel() -> None:
    """The demo refuses what a real channel refuses."""
    section = ChannelSection(name="sim", use="channels.simulator", models=("m",), groups=("g",))
    request = ChannelRequest(
        model="m", dialect="openai_chat", operation="chat", fields={}, headers={"openai-beta": "a\nb"}, stream=False
    )
    with pytest.raises(BadRequestError):
        Simulator(SimulatorConfig(), services(), section).build(request, "")


def test_unknown_behaviour_in_a_profile_is_named() -> None:
    """A slip in the settings is found when they are read."""
    with pytest.raises(ValueError, match="found 'emtpy'"):
        SimulatorConfig(behaviour="emtpy")


async def test_simulator_runs_by_itself() -> None:
    """``python -m relay.plugins.channels.simulator`` answers on the port that it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "relay.plugins.channels.simulator", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().split()[-1]
    async with UpstreamClient() as transport:
        request = UpstreamRequest(url=f"{url}/v1/chat/completions", headers={}, body=CHAT % b"m")
        response = await transport.send(request, Deadlines())
        response.close()
    process.terminate()
    await process.communicate()
    assert response.status == 200
