"""A shop that sells every recording, and an upstream that plays them back."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from relay.core.usage import Usage
from tests.shops import Running, serving
from tests.upstreams import Step, Upstream
from tests.wire.recordings import ENDPOINTS, Recording, compact

PRICE = {
    "model_ratio": "1",
    "completion_ratio": "4",
    "cache_read_ratio": "0.1",
    "cache_write_ratio": "1.25",
    "tool_prices": {"code_interpreter": "0"},
}
"""A token of input is 2000 nano-credits, of output 8000."""
PRICE_APIECE = {"unit_price": "0.002"}
"""Of what the upstream counts in search units alone."""
PLUGINS = {"anthropic_messages": "channels.anthropic", "gemini_generate": "channels.gemini"}
PAUSE_S = 0.0003
"""Between two pieces, so that they arrive as two reads."""


@dataclass
class Counter:
    """A shop in front of an upstream. Each recording is a model of its own, sold by a channel of its own.

    So no recorded failure makes the shop avoid another recording, and the upstream must be sent
    the recorded model in place of the recording's name.
    """

    shop: Running
    upstream: Upstream

    async def ask(self, recording: Recording, steps: list[Step]) -> httpx.Response:
        """Send the recording's request, and let the upstream answer it by *steps*."""
        self.upstream.received.clear()
        self.upstream.script = lambda _: steps
        path, body = ENDPOINTS[recording.dialect], {**recording.body, "model": recording.name}
        if recording.dialect == "gemini_generate":
            path, body = f"{path}/{recording.name}:{recording.path.rpartition(':')[2]}", recording.body
        return await self.shop.client.post(
            path + (f"?{recording.query}" if recording.query else ""),
            content=compact(body),
            headers=self._headers(recording),
        )

    def _headers(self, recording: Recording) -> dict[str, str]:
        """Return the recording's headers, with the key of the shop's customer unless they have one."""
        keys = {} if recording.headers.keys() & {"authorization", "x-api-key"} else self.shop.headers
        return {**keys, "content-type": "application/json", **recording.headers}

    def row(self, response: httpx.Response) -> dict[str, Any]:
        """Return the log row of the exchange; it is there before the answer ends."""
        [row] = self.shop.rows("select * from request_log where request_id = ?", response.headers["x-request-id"])
        return row

    def usage(self, response: httpx.Response) -> Usage:
        """Return the usage in the log row."""
        return msgspec.json.decode(self.row(response)["usage"], type=Usage)

    async def claim(self, request_id: str) -> dict[str, Any]:
        """Return the claim of an exchange; it is written soon after the answer has ended."""
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(5):
            while not found:
                found = self.shop.rows("select * from claim where request_id = ?", request_id)
                await asyncio.sleep(0.005)
        return found[0]


@asynccontextmanager
async def counter(folder: Path, recordings: Iterable[Recording], beside: frozenset[str]) -> AsyncIterator[Counter]:
    """Open a shop that sells *recordings*; of those *beside*, reasoning is beside the output."""
    upstream = Upstream(lambda _: [])
    async with upstream.opened():
        profile = compact(_profile(list(recordings), upstream.url, beside)).decode()
        # `serving` fills in the address with str.format.
        escaped = profile.replace("{", "{{").replace("}", "}}")
        async with serving(folder, upstream.url, profile=escaped, credit="1000000") as shop:
            yield Counter(shop, upstream)


def _models_of_tools(recording: Recording) -> list[str]:
    """Return what an advisor, a tool of Anthropic's, names: it must be sold, too."""
    is_anthropic = recording.dialect == "anthropic_messages"
    return [tool["model"] for tool in recording.body.get("tools") or () if is_anthropic and "model" in tool]


def _profile(recordings: list[Recording], url: str, beside: frozenset[str]) -> dict[str, Any]:
    """Return a profile, which JSON is as well as YAML."""
    channels = []
    for number, recording in enumerate(recordings):
        plugin = PLUGINS.get(recording.dialect, "channels.openai")
        is_gemini = recording.dialect == "gemini_generate"
        model_sent = recording.path.rpartition("models/")[2].partition(":")[0] if is_gemini else recording.body["model"]
        channel: dict[str, Any] = {
            "name": f"channel-{number}",
            "use": plugin,
            "base_url": url if is_gemini else url + recording.path,
            "keys": ["file:upstream.key"],
            "models": [{"name": recording.name, "upstream": model_sent}, *_models_of_tools(recording)],
            "groups": ["plain"],
        }
        if recording.dialect == "openai_responses":
            channel["dialects"] = ["openai_responses"]
        if recording.name in beside:
            channel["settings"] = {"reasoning_in_output": False}
        channels.append(channel)
    shares = {"plain": {"empty": "1", "truncated": "0.5"}}
    return {
        "shop": {"name": {"en": "Replay", "zh": "回放"}},
        "plugins": [
            {"use": "auth.api_key"},
            {"use": "routing.priority_weighted"},
            {"use": "billing.token_ratio"},
            {"use": "billing.per_call"},
            {"use": "compensation.empty_truncated", "groups": shares},
        ],
        "groups": {"plain": {"ratio": "1"}},
        "prices": {
            **{model: PRICE for each in recordings for model in _models_of_tools(each)},
            **{each.name: PRICE_APIECE if each.dialect == "rerank" else PRICE for each in recordings},
        },
        "channels": channels,
    }


def play(
    recording: Recording, seed: int | None = None, *, raw: bytes | None = None, ending: Step = b"0\r\n\r\n"
) -> list[Step]:
    """Return the steps that answer as recorded, headers and all, the body in pieces cut under *seed*.

    Args:
        recording: What is answered.
        seed: Decides where the body is cut; None sends it in one piece.
        raw: Another body than the recording's.
        ending: What follows the body: by default the last chunk, so that it ends in order.
    """
    body = recording.raw if raw is None else raw
    lines = [f"HTTP/1.1 {recording.status} Recorded", "transfer-encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in recording.answer_headers.items()]
    steps: list[Step] = ["\r\n".join([*lines, "", ""]).encode()]
    for piece in [body] if seed is None else hostile_pieces(body, random.Random(seed)):
        steps += [f"{len(piece):x}\r\n".encode() + piece + b"\r\n", PAUSE_S]
    return [*steps, ending]


def hostile_pieces(body: bytes, dice: random.Random) -> list[bytes]:
    """Cut *body* anywhere, and also inside characters and line ends where it has any."""
    tender = [
        at for at in range(1, len(body)) if body[at] & 0xC0 == 0x80 or body[at - 1 : at + 1] in (b"\r\n", b"\n\n")
    ]
    cuts = {dice.randrange(1, len(body)) for _ in range(dice.randrange(12))} if len(body) > 1 else set()
    cuts.update(dice.sample(tender, min(8, len(tender))))
    places = sorted(cuts)
    return [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]


def sent_path(recording: Recording) -> str:
    """Return the path the upstream must be asked at: Gemini's query chooses how it answers."""
    is_gemini = recording.dialect == "gemini_generate" and recording.query
    return f"{recording.path}?{recording.query}" if is_gemini else recording.path


def sent_upstream(recording: Recording) -> bytes:
    """Return the body the upstream must get: the recorded one, with usage asked for in chat streams."""
    if recording.dialect != "openai_chat" or not recording.is_stream:
        return compact(recording.body)
    options = {**(recording.body.get("stream_options") or {}), "include_usage": True}
    return compact({**recording.body, "stream_options": options})


def error_of(event: bytes) -> dict[str, Any]:
    """Return the error object of an error event, in any dialect: of several events, the first."""
    data: dict[str, Any] = json.loads(event.partition(b"\n\n")[0].rpartition(b"data: ")[2])
    error: dict[str, Any] = data["error"]
    return error
