"""examples/echo_channel.py: what it answers, and how the channel comes into a shop."""

from pathlib import Path

import msgspec
import pytest
from examples.echo_channel import Echo, EchoConfig

from relay import ChannelRequest, ChannelSection
from relay.core.finder import find_plugin
from tests.examples.installed import install
from tests.services import services

SOURCE = Path(__file__).parent.parent.parent / "examples" / "echo_channel.py"
BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"},{"role":"user","content":"\xe9\x87\x91"}]}'


async def answer(*, stream: bool) -> tuple[int, str, list[bytes]]:
    """Status, content type, and everything read until the end."""
    section = ChannelSection(name="echo", use="./echo_channel.py", models=("gpt-4o-mini",), groups=("plain",))
    request = ChannelRequest(
        dialect="openai_chat",
        operation="chat",
        fields=msgspec.json.decode(BODY, type=dict[str, msgspec.Raw]),
        headers={},
        stream=stream,
    )
    response = await Echo(EchoConfig(), services(), section).send(request, "")
    read = [await response.read(), await response.read()]
    response.close()
    return response.status, response.headers["content-type"], read


async def test_the_last_message_comes_back_whole() -> None:
    """One document, then the end of the body."""
    assert await answer(stream=False) == (
        200,
        "application/json",
        [
            '{"id":"echo","object":"chat.completion","created":0,"model":"gpt-4o-mini","choices":'
            '[{"index":0,"message":{"role":"assistant","content":"金"},"finish_reason":"stop"}]}'.encode(),
            b"",
        ],
    )


async def test_the_last_message_comes_back_as_a_stream() -> None:
    """One event and the end mark, then the end of the body."""
    assert await answer(stream=True) == (
        200,
        "text/event-stream",
        [
            'data: {"id":"echo","object":"chat.completion.chunk","created":0,"model":"gpt-4o-mini","choices":'
            '[{"index":0,"delta":{"role":"assistant","content":"金"},"finish_reason":"stop"}]}\n\n'
            "data: [DONE]\n\n".encode(),
            b"",
        ],
    )


def test_it_is_found_as_a_file_beside_the_profile() -> None:
    """One line of YAML: ``use: ./echo_channel.py``."""
    found = find_plugin("./echo_channel.py", SOURCE.parent)
    assert (found.plugin_type.__name__, found.file, found.is_channel) == ("Echo", SOURCE, True)


def test_it_is_found_as_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of YAML: ``use: channels.echo``."""
    site = install(SOURCE, "channels.echo", "Echo", tmp_path)
    monkeypatch.syspath_prepend(str(site))
    found = find_plugin("channels.echo", tmp_path)
    assert (found.plugin_type.__name__, found.file, found.version) == ("Echo", site / "echo_channel.py", "1.0")
