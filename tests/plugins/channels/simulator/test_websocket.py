"""The simulator's websocket, on the same port as everything else."""

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from relay.plugins.channels.simulator import SimulatorServer


def address(server: SimulatorServer, query: str) -> str:
    return f"{server.url.replace('http', 'ws', 1)}/v1/realtime{query}"


async def test_a_session_is_opened_and_closed_in_order() -> None:
    """Frames of any length, whole or in pieces, are answered one after the other."""
    async with SimulatorServer().running() as server:
        async with connect(address(server, "?model=m")) as client:
            assert json.loads(await client.recv())["type"] == "session.created"
            await client.send(['{"type":"input_audio_buffer.append",', '"audio":"' + "A" * 400_000 + '"}'])
            await client.send('{"type":"input_audio_buffer.commit"}')
            assert json.loads(await client.recv())["type"] == "input_audio_buffer.committed"
        assert client.close_code == 1000
        [received] = server.log
    assert (received.path, received.model, received.behaviour) == ("/v1/realtime", "m", "")


@pytest.mark.parametrize(("query", "status"), [("", 400), ("?model=m%2B429", 429), ("?model=m%2B503", 503)])
async def test_a_session_that_is_refused_is_no_websocket(query: str, status: int) -> None:
    """The error is an answer over HTTP; the connection is good for another request."""
    async with SimulatorServer().running() as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(address(server, query))
    assert caught.value.response.status_code == status
    assert json.loads(caught.value.response.body or b"")["error"]["message"]


async def test_the_channels_own_behaviour_counts_too() -> None:
    """Whatever the model."""
    async with SimulatorServer(behaviour="500").running() as server:
        with pytest.raises(InvalidStatus) as caught:
            await connect(address(server, "?model=m"))
    assert caught.value.response.status_code == 500
