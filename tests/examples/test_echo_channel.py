"""examples/echo_channel.py: what it answers, and how the channel comes into a shop."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest
from examples.echo_channel import Echo, EchoConfig

from relay import ChannelRequest, ChannelSection
from relay.testing import ChannelConformance
from tests.examples.installed import install
from tests.examples.swapped import EXAMPLES, with_channel
from tests.services import services
from tests.shops import serving

SOURCE = EXAMPLES / "echo_channel.py"
BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"},{"role":"user","content":"\xe9\x87\x91"}]}'


class TestContract(ChannelConformance):
    """It keeps the contract of channels, as far as it goes: it says words back, and always comes to its end."""

    use = str(SOURCE)
    section: ClassVar[Mapping[str, Any]] = {}
    keys = ()
    upstream = None
    tasks = ("text",)
    endings = ("stop",)


async def answer(*, stream: bool) -> tuple[int, str, list[bytes]]:
    """Status, content type, and everything read until the end."""
    section = ChannelSection(name="echo", use="./echo_channel.py", models=("gpt-4o-mini",), groups=("plain",))
    request = ChannelRequest(
        model="m",
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


async def test_a_file_beside_the_profile_is_swapped_in_by_one_line(tmp_path: Path) -> None:
    """It answers a customer's program, and is charged by a local count for want of figures."""
    shutil.copy(SOURCE, tmp_path)
    async with serving(tmp_path, "", profile=with_channel("./echo_channel.py")) as shop:
        whole = await shop.chat()
        streamed = await shop.chat(stream=True)
        rows = await shop.log(count=2)
    assert whole.json()["choices"][0]["message"]["content"] == "hi"
    assert streamed.text.endswith("data: [DONE]\n\n")
    assert '"delta":{"role":"assistant","content":"hi"}' in streamed.text
    assert [(row["outcome"], row["usage_source"]) for row in rows] == [("complete", "estimated")] * 2
    assert all(row["charge_nano"] > 0 for row in rows)


async def test_an_installed_package_is_swapped_in_by_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same by its entry point."""
    site = await asyncio.to_thread(install, SOURCE, "channels.echo", "Echo", tmp_path)
    monkeypatch.syspath_prepend(str(site))
    async with serving(tmp_path, "", profile=with_channel("channels.echo")) as shop:
        response = await shop.chat()
    assert response.json()["choices"][0]["message"]["content"] == "hi"
