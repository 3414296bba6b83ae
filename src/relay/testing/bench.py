"""Where a channel is tried out: its upstream, a shop and a customer, in a thread of their own.

The tests are plain functions, so that an author's project needs no plugin of pytest for them.
"""

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from relay.core.errors import UpstreamConnectError, UpstreamTimeoutError
from relay.core.storage import LogEntry
from relay.core.upstream import UpstreamClient
from relay.testing.contract import fail
from relay.testing.customer import Answer, ask, ask_and_leave
from relay.testing.reading import Heard, read
from relay.testing.requests import request
from relay.testing.scenes import Scene
from relay.testing.shop import OpenShop, opened, profile
from relay.testing.upstream import PlayedUpstream, UpstreamCall, UpstreamHandler

PLAY_S = 60.0
"""How long one cell may take."""
LEAVE_S = 5.0
"""How long a customer's leaving may take to reach the upstream: far more than it does, on a busy machine too."""
LOG_S = 10.0
"""How long the log's row of an answer may take; that of an error is there before the error is."""
POLL_S = 0.005

ResultT = TypeVar("ResultT")


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The channel that is tried out. ``{url}`` within *section* is the upstream's address.

    ``models`` has the model of each cell: the name that customers ask for, and the upstream's own.
    """

    use: str
    section: Mapping[str, Any]
    keys: Sequence[str]
    secrets: Sequence[str]
    models: Mapping[str, str]
    handler: UpstreamHandler | None


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What one cell led to: for the customer, in the books, and at the upstream.

    Attributes:
        entry: The log's row; None if the request was refused before anything was sent.
        calls: What the upstream was sent; None if the channel answers by itself.
        is_upstream_left: The upstream's connection was closed before its whole answer had been sent.
        api_key: The customer's key, which must not go upstream.
        secrets: What no answer may contain.
    """

    scene: Scene
    answer: Answer
    heard: Heard
    entry: LogEntry | None
    calls: Sequence[UpstreamCall] | None
    is_upstream_left: bool
    api_key: str
    secrets: Sequence[str]


class Bench:
    """Opens everything once, and plays one cell after the other."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self._subject = subject
        self._folder = folder
        self._thread = threading.Thread(target=self._run, name="relay.testing", daemon=True)
        self._opened: Future[None] = Future()
        self._closed: Future[None] = Future()

    def __enter__(self) -> "Bench":
        self._thread.start()
        self._opened.result(PLAY_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._closed.result(PLAY_S)
        self._thread.join(PLAY_S)

    def play(self, scene: Scene) -> Played:
        """Play *scene*; fail the test if no answer comes."""
        try:
            return self._wait(self._play(scene))
        except (UpstreamConnectError, UpstreamTimeoutError) as exc:
            fail("answered", f"no answer from the relay: {exc}")

    def problems(self) -> list[str]:
        """Return what is wrong with the books."""
        return self._wait(self._shop.problems())

    def _wait(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PLAY_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as exc:
            (self._closed if self._opened.done() else self._opened).set_exception(exc)
        else:
            self._closed.set_result(None)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        subject = self._subject
        async with AsyncExitStack() as stack:
            self._upstream = PlayedUpstream(subject.handler) if subject.handler is not None else None
            if self._upstream is not None:
                await stack.enter_async_context(self._upstream.running())
            keys = {"keys": [self._write_key(place, key) for place, key in enumerate(subject.keys)]}
            section = _filled({**subject.section, **keys}, self._upstream_url)
            document = profile(subject.use, section, subject.models)
            self._shop: OpenShop = await stack.enter_async_context(opened(self._folder, document))
            self._client = await stack.enter_async_context(UpstreamClient())
            self._opened.set_result(None)
            await self._closing.wait()

    def _write_key(self, place: int, key: str) -> str:
        (self._folder / f"upstream-{place}.key").write_text(key.replace("{url}", self._upstream_url))
        return f"file:upstream-{place}.key"

    @property
    def _upstream_url(self) -> str:
        return self._upstream.url if self._upstream is not None else ""

    async def _play(self, scene: Scene) -> Played:
        if self._upstream is not None:
            self._upstream.begin(scene)
        asked = request(scene, scene.model, self._shop.api_key)
        tell = ask_and_leave if scene.ending == "hang_up" else ask
        answer = await tell(self._client, self._shop.url, asked)
        calls = self._calls()
        content_type = answer.headers.get("content-type", "")
        heard = read(
            scene.dialect, answer.status, content_type, answer.body, stream=scene.stream, is_broken=answer.is_broken
        )
        place = self._upstream_url.removeprefix("http://")
        return Played(
            scene=scene,
            answer=answer,
            heard=heard,
            is_upstream_left=scene.ending == "hang_up" and await self._is_upstream_left(),
            entry=await self._shop.entry(answer.request_id, LOG_S if answer.status == 200 else 0.0),
            calls=calls,
            api_key=self._shop.api_key,
            secrets=[*self._subject.keys, *self._subject.secrets, *([place] if place else [])],
        )

    def _calls(self) -> list[UpstreamCall] | None:
        if self._upstream is None:
            return None
        if self._upstream.problem is not None:
            raise self._upstream.problem
        return self._upstream.calls

    async def _is_upstream_left(self) -> bool:
        if self._upstream is None:
            return True
        deadline_s = self._loop.time() + LEAVE_S
        while self._loop.time() < deadline_s:
            if any(received.cut_at_s is not None for received in self._upstream.log):
                return True
            await asyncio.sleep(POLL_S)
        return False


def _filled(value: Any, url: str) -> Any:
    """Return *value* with the upstream's address wherever ``{url}`` stands in a text."""
    if isinstance(value, str):
        return value.replace("{url}", url)
    if isinstance(value, Mapping):
        return {name: _filled(inner, url) for name, inner in value.items()}
    return [_filled(inner, url) for inner in value] if isinstance(value, list | tuple) else value
