"""The server in front, as docs/operation.md shows it, before a running shop."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.chats import DONE, ROLE, STOP, words
from tests.core.realtime import talks
from tests.core.realtime.talks import realtime_shop
from tests.docs.blocks import blocks
from tests.shops import Running, reselling
from tests.upstreams import stream

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
pytestmark = pytest.mark.skipif(NGINX is None, reason="needs nginx")
(CONFIGURED,) = (block.text for block in blocks("text") if "proxy_pass" in block.text)
TEMPORARY = "".join(f"{kind}_temp_path {kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))


def configuration(front: int, shop: int) -> str:
    """Return the page's lines as a whole file: without TLS, on free ports, with a second's patience for heads."""
    lines = re.sub(r".*ssl_certificate.*\n", "", CONFIGURED)
    lines = lines.replace("listen 443 ssl", f"listen 127.0.0.1:{front}").replace("127.0.0.1:8000", f"127.0.0.1:{shop}")
    lines = lines.replace("client_header_timeout 10s", "client_header_timeout 1s")
    http = f"access_log off;\n{TEMPORARY}{lines}"
    return f"daemon off;\npid nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\n{http}}}\n"


@asynccontextmanager
async def in_front(shop: Running, folder: Path) -> AsyncIterator[int]:
    """Run nginx before *shop*, and give its port."""
    assert NGINX is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        front: int = free.getsockname()[1]
    (folder / "nginx.conf").write_text(configuration(front, int(shop.url.rpartition(":")[2])))
    arguments = ("-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr")
    nginx = await asyncio.create_subprocess_exec(NGINX, *arguments)
    try:
        for _ in range(1000):
            if await is_open(front):
                break
            await asyncio.sleep(0.01)
        yield front
    finally:
        nginx.terminate()
        await nginx.wait()


async def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


async def test_a_stream_passes_and_a_head_that_never_ends_does_not_stay(tmp_path: Path) -> None:
    """The bytes of the answer; and 408, or the end, for who sends half a head."""
    answer = ROLE + words("Hi") + STOP + DONE
    async with (
        reselling(tmp_path, lambda _: stream(answer)) as (_, shop),
        in_front(shop, tmp_path) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client,
    ):
        body = shop.chat_body(stream=True)
        reply = await client.post("/v1/chat/completions", json=body, headers=shop.headers)
        assert reply.text == answer
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n")
        assert (await asyncio.wait_for(reader.read(), 10))[:12] in (b"", b"HTTP/1.1 408")
        writer.close()


@pytest.mark.parametrize("path", ["/v1/realtime?model=", "/realtime?model=", "/openai/realtime?deployment="])
async def test_a_session_passes(tmp_path: Path, path: str) -> None:
    """A websocket through the server in front, by OpenAI's address or Azure's: a response, heard to its end."""
    async with (
        realtime_shop(tmp_path, profile=talks.PROFILE) as (_, shop),
        in_front(shop, tmp_path) as port,
        talks.connected(shop, uri=f"ws://127.0.0.1:{port}{path}{talks.MODEL}") as session,
    ):
        await session.send('{"type":"response.create"}')
        assert (await talks.hear(session))[-1]["response"]["usage"] == talks.USAGE
