"""An upstream that speaks Realtime over a real websocket, and the events it says, as OpenAI documents them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from tests.shops import HEAD, Running, serving

MODEL = "gpt-realtime"
PROFILE = (
    HEAD
    + """  - use: compensation.empty_truncated
    groups: {{plain: {{empty: "1", truncated: "0.5"}}}}
groups:
  plain: {{ratio: "1"}}
  dear: {{ratio: "2"}}
prices:
  gpt-realtime:
    {{model_ratio: "2", completion_ratio: "4", cache_read_ratio: "0.1", audio_ratio: "8", audio_completion_ratio: "2"}}
  gpt-4o-transcribe: {{model_ratio: "1.25", completion_ratio: "4", audio_ratio: "2.4"}}
  gpt-4o-mini: {{model_ratio: "1", completion_ratio: "4"}}
channels:
  - name: openai-a
    use: channels.openai
    base_url: {url}
    keys: ["file:upstream.key"]
    dialects: [realtime, openai_chat]
    models:
      - {{name: gpt-realtime, upstream: gpt-realtime-2025-08-28}}
      - {{name: gpt-4o-transcribe, upstream: gpt-4o-transcribe-1}}
      - gpt-4o-mini
    groups: [plain, dear]
    priority: 2
"""
)
"""OpenAI's prices of gpt-realtime: 4 credits a million tokens of text, 0.4 cached, 16 said; sound 32 and 64."""

SESSION = {
    "type": "session.created",
    "event_id": "event_1",
    "session": {
        "type": "realtime",
        "model": "gpt-realtime-2025-08-28",
        "audio": {
            "input": {"format": {"type": "audio/pcm", "rate": 24000}, "transcription": None},
            "output": {"format": {"type": "audio/pcm", "rate": 24000}},
        },
    },
}
USAGE = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "image_tokens": 0,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}
"""The shape and figures of the API reference's example of ``response.done``.

Its charge: 55 x 4000 text + 64 x 400 cached + 13 x 32000 heard + 30 x 16000 said + 91 x 64000 spoken
= 6 965 600 nano-credits.
"""
CHARGE = 6_965_600
SECOND_OF_SOUND = base64.b64encode(bytes(48_000)).decode()
"""A second of pcm16: 10 tokens heard, 20 spoken."""


def event(kind: str, **members: Any) -> str:
    """Return an event of the upstream as OpenAI writes them: type and id first."""
    return json.dumps({"type": kind, "event_id": "event_x", **members}, separators=(",", ":"))


def created(response_id: str = "resp_1") -> str:
    return event("response.created", response={"id": response_id, "status": "in_progress", "conversation_id": "conv_1"})


def words(text: str) -> str:
    return event("response.output_text.delta", response_id="resp_1", item_id="item_1", delta=text)


def sound(data: str = SECOND_OF_SOUND, response_id: str = "resp_1") -> str:
    return event("response.output_audio.delta", response_id=response_id, item_id="item_1", delta=data)


def done(
    status: str = "completed", usage: dict[str, Any] | None = USAGE, response_id: str = "resp_1", **details: Any
) -> str:
    """Return the end of a response; *details* are those of its status."""
    response: dict[str, Any] = {
        "object": "realtime.response",
        "id": response_id,
        "status": status,
        "status_details": details or None,
        "output": [],
        "conversation_id": "conv_1",
        "usage": usage,
    }
    return event("response.done", response=response)


@dataclass
class Visit:
    """One connection as the upstream saw it."""

    request: Request
    said: list[str | bytes] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    close_code: int | None = None

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in self.said]


Talk = Callable[[ServerConnection, Visit], Awaitable[None]]


async def answer_each(connection: ServerConnection, visit: Visit) -> None:
    """Answer every ``response.create`` with a word and a second of sound, and its usage."""
    await connection.send(json.dumps(SESSION))
    async for frame in connection:
        visit.said.append(frame)
        if json.loads(frame)["type"] == "response.create":
            for said in (created(), words("Hello"), sound(), done()):
                await connection.send(said)


class RealtimeUpstream:
    """A websocket server on loopback; *talk* is what it does on each connection."""

    def __init__(self, talk: Talk = answer_each, refusal: tuple[int, bytes] | None = None) -> None:
        self.talk = talk
        self.refusal = refusal
        self.visits: list[Visit] = []
        self.url = ""
        self.visited = asyncio.Event()

    @asynccontextmanager
    async def opened(self, tls: SSLContext | None = None) -> AsyncIterator["RealtimeUpstream"]:
        async with serve(
            self._serve, "127.0.0.1", 0, process_request=self._answer, compression=None, max_size=None, ssl=tls
        ) as server:
            self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refusal is None:
            return None
        status, body = self.refusal
        headers = Headers({"content-type": "application/json", "content-length": str(len(body))})
        return Response(status, "Refused", headers, body)

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        visit = Visit(connection.request)
        self.visits.append(visit)
        self.visited.set()
        try:
            await self.talk(connection, visit)
        finally:
            await connection.wait_closed()
            visit.close_code = connection.close_code
            visit.gone.set()


def address(shop: Running, *, model: str = MODEL, path: str = "/v1/realtime") -> str:
    """Return where *shop* serves sessions of *model*."""
    return f"{shop.url.replace('http', 'ws', 1)}{path}?model={model}"


def connected(shop: Running, **options: Any) -> connect:
    """Return a raw client's connection to *shop*, with alice's key in its header."""
    options = {"additional_headers": shop.headers, "compression": None, "max_size": None, "proxy": None, **options}
    return connect(options.pop("uri", None) or address(shop), **options)


@asynccontextmanager
async def realtime_shop(
    folder: Path, talk: Talk = answer_each, *, profile: str = PROFILE, **options: Any
) -> AsyncIterator[tuple[RealtimeUpstream, Running]]:
    """Serve a shop before an upstream that does *talk*; *options* are those of `serving`."""
    async with (
        RealtimeUpstream(talk).opened() as upstream,
        serving(folder, upstream.url, profile=profile, **options) as shop,
    ):
        yield upstream, shop


@asynccontextmanager
async def realtime_session(
    folder: Path, talk: Talk = answer_each, **options: Any
) -> AsyncIterator[tuple[RealtimeUpstream, Running, ClientConnection]]:
    """Serve such a shop, and connect a client to it."""
    async with realtime_shop(folder, talk, **options) as (upstream, shop), connected(shop) as client:
        yield upstream, shop, client


async def hear(client: ClientConnection, until: str = "response.done") -> list[dict[str, Any]]:
    """Return what the client hears, the event *until* included."""
    heard: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while not heard or heard[-1]["type"] != until:
            heard.append(json.loads(await client.recv()))
    return heard
