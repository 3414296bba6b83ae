"""The upstream of a tested channel: a real server on the loopback that plays what a cell wants.

What it says is written by the simulator's dialects, whose shapes are held against the vendors' own
types. A channel that frames or spells it otherwise brings an `UpstreamHandler` of its own.
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qs

import msgspec

from relay.plugins.channels.simulator.answer import Kind
from relay.plugins.channels.simulator.behaviours import REPLIES, WIRES
from relay.plugins.channels.simulator.reply import Reply, Step, chunk, error_reply, head, honest, write_down
from relay.plugins.channels.simulator.server import Received, SimulatorServer
from relay.testing.scenes import PROMPT, Scene

MODEL = "upstream-model"
"""What answers name as their model."""
SPOKEN: tuple[tuple[str, Kind], ...] = (
    ("/chat/completions", "openai_chat"),
    ("/responses", "openai_responses"),
    ("/messages", "anthropic_messages"),
    (":generateContent", "gemini_generate"),
    (":rawPredict", "anthropic_messages"),
    (":streamRawPredict", "anthropic_messages"),
)
"""How the paths of known dialects end. Source: wire/DIALECTS.md 1, read 2026-11-24."""


class UpstreamCall(msgspec.Struct, frozen=True, kw_only=True):
    """One request as the channel sent it. ``target`` is the path with its query; header names are lower-case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


UpstreamHandler = Callable[[UpstreamCall, Scene], Reply]
"""Answers one request of the channel: with what the scene says, in the upstream's own form.

The reply is whole and in order: a stream has a piece per event, anything else is one piece. The suite
itself breaks the answer off in the middle if the scene is about that.
"""


class UnknownUpstreamError(Exception):
    """The path belongs to no known dialect, so the suite can't tell what to play there."""


def play(call: UpstreamCall, scene: Scene, kind: Kind | None = None) -> Reply:
    """Return what *scene* says, in the dialect *kind*; without one, in that of the path.

    Raises:
        UnknownUpstreamError: No *kind* is given, and the path belongs to no known dialect.
    """
    kind = kind or _spoken_at(call.target)
    if scene.ending == "error_before":
        return error_reply(kind, 500, "server_error", "The server had an error")
    reply = write_down(scene.answer(kind, MODEL), stream=scene.stream)
    return REPLIES["error-midway"](reply) if scene.ending == "error_midway" else reply


class PlayedUpstream(SimulatorServer):
    """Plays one scene at a time, and remembers what it was sent."""

    def __init__(self, handler: UpstreamHandler) -> None:
        super().__init__()
        self._handler = handler
        self.scene: Scene | None = None
        self.calls: list[UpstreamCall] = []
        self.problem: Exception | None = None
        """What the handler raised, if it did."""

    def begin(self, scene: Scene) -> None:
        """Play *scene* from now on, and forget what came before."""
        self.scene = scene
        self.calls, self.problem = [], None
        self.log.clear()

    def steps(self, received: Received, head: bytes, body: bytes) -> list[Step]:
        """Return what goes out for one request."""
        call = _call(head, body)
        self.calls.append(call)
        assert self.scene is not None, "nobody asks before a scene has begun"
        try:
            reply = self._handler(call, self.scene)
        except Exception as exc:
            self.problem = exc
            return ["close"]
        is_answer = PROMPT.encode() in body  # anything else, such as a token that the channel needs, comes whole
        match self.scene.ending if is_answer else "stop":
            case "cut":
                return _cut(reply)
            case "hang_up":
                return _hang(reply)
            case _:
                return honest(reply)


def _spoken_at(target: str) -> Kind:
    path, _, query = target.partition("?")
    for ending, kind in SPOKEN:
        if path.endswith(ending):
            return kind
    if path.endswith(":streamGenerateContent"):
        return "gemini_generate" if parse_qs(query).get("alt") == ["sse"] else "gemini_array"
    raise UnknownUpstreamError(
        f"the channel asked for '{path}', which is the path of no dialect known to relay.testing; "
        "give the class an 'upstream' of its own, which may call play(call, scene, 'openai_chat') or another kind"
    )


def _call(head: bytes, body: bytes) -> UpstreamCall:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, *_ = re.split(" ", first + "  ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return UpstreamCall(method=method, target=target, headers=headers, body=body)


def _cut(reply: Reply) -> list[Step]:
    """End a stream's body in order after half its events; break any other body off in the middle."""
    if not reply.is_stream:
        return WIRES["shut-midway"](reply)
    half = reply.pieces[: len(reply.pieces) // 2]
    return honest(msgspec.structs.replace(reply, pieces=half))


def _hang(reply: Reply) -> list[Step]:
    """Send half of the events, and then nothing."""
    half = reply.pieces[: len(reply.pieces) // 2]
    return [head(reply, "transfer-encoding: chunked"), *map(chunk, half), "hang"]
