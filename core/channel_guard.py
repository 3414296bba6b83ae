"""Calls to channel plugins: an exception or a wrong answer of theirs becomes a `PluginError` that names the plugin.

Everything that is sent upstream goes through here, so that a bug in a channel is treated like a sick
upstream: another channel is tried, and the circuit takes note.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from traceback import walk_tb
from typing import Any, TypeVar, get_args

from .errors import (
    FailureClass,
    PluginError,
    RejectedError,
    UpstreamError,
    UpstreamStatusError,
    is_being_cancelled,
    is_plugin_failure,
)
from .exchange import ChannelRequest
from .failures.error_body import RETRY_AFTER_S_MAX
from .observe import emit_exception
from .plugin import ChannelPlugin
from .transport import Frame, UpstreamResponse, UpstreamSocket, let_go

Answer = TypeVar("Answer")


async def send(channel: ChannelPlugin[Any], request: ChannelRequest, api_key: str) -> "GuardedResponse":
    """Return the answer of *channel*.

    Raises:
        RejectedError, UpstreamError: As the channel raised it.
        PluginError: It raised any other exception, or returned an answer of a wrong type.
    """
    return await _guarded(channel, "send", _send, channel, request, api_key)


async def _send(channel: ChannelPlugin[Any], request: ChannelRequest, api_key: str) -> "GuardedResponse":
    response = await channel.send(request, api_key)
    if (flaw := _flaw_of(response)) is not None:
        if _has(response, "close"):
            with _passed_over(channel, "close"):
                response.close()
        raise failure(channel, "send", flaw)
    return GuardedResponse(channel, response)


async def connect(channel: ChannelPlugin[Any], request: ChannelRequest, api_key: str) -> "GuardedSocket":
    """Return the websocket that *channel* opens.

    Raises:
        RejectedError, UpstreamError, PluginError: As `send`.
    """
    socket = await _guarded(channel, "connect", channel.connect, request, api_key)
    if not _has(socket, "receive", "send", "close"):
        if _has(socket, "close"):
            with _passed_over(channel, "close"):
                await socket.close()
        raise failure(channel, "connect", f"expected an UpstreamSocket, found {type(socket).__name__}")
    return GuardedSocket(channel, socket)


def is_deployment(channel: ChannelPlugin[Any], model_sent: str) -> bool:
    """Say what *channel* says of *model_sent*; see `ChannelPlugin.is_deployment`.

    Raises:
        PluginError: It raised.
    """
    try:
        return channel.is_deployment(model_sent)
    except BaseException as exc:
        if not is_plugin_failure(exc):
            raise
        raise failure(channel, "is_deployment", f"raised {type(exc).__name__}") from exc


class GuardedResponse:
    """A channel's answer; an `UpstreamResponse` that raises relay's own errors alone."""

    __slots__ = ("_channel", "_response", "headers", "status")

    def __init__(self, channel: ChannelPlugin[Any], response: UpstreamResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self._channel = channel
        self._response = response

    async def read(self) -> bytes:
        """Return the next bytes, or ``b""`` at the end of the body."""
        data = await _guarded(self._channel, "read", self._response.read)
        if not isinstance(data, bytes):
            raise failure(self._channel, "read", f"expected bytes, found {type(data).__name__}")
        return data

    async def hand_over(self, take: Callable[[bytes], bool]) -> None:
        """Give the bytes to *take*, as `UpstreamResponse` says; what *take* raises is core's own, and goes through."""
        try:
            await self._response.hand_over(take)
        except (RejectedError, UpstreamError):
            raise
        except BaseException as exc:
            is_from_take = any(frame.f_code is take.__code__ for frame, _ in walk_tb(exc.__traceback__))
            if is_from_take or not is_plugin_failure(exc):
                raise
            if is_being_cancelled():
                raise asyncio.CancelledError from exc
            raise failure(self._channel, "hand_over", f"raised {type(exc).__name__}") from exc

    def close(self) -> None:
        """Let go of the connection; a failure is logged, and changes nothing about the answer."""
        with _passed_over(self._channel, "close"):
            self._response.close()

    def abandon(self) -> None:
        """Let go of the connection for good, where the answer came on one; a failure is logged."""
        with _passed_over(self._channel, "abandon"):
            let_go(self._response, is_understood=False)

    def finish(self) -> None:
        """Let go of an answer whose relevant part has arrived; a failure is logged."""
        with _passed_over(self._channel, "finish"):
            self._response.finish()


class GuardedSocket:
    """A channel's websocket; an `UpstreamSocket` that raises relay's own errors alone."""

    def __init__(self, channel: ChannelPlugin[Any], socket: UpstreamSocket) -> None:
        self._channel = channel
        self._socket = socket

    async def receive(self) -> Frame | None:
        """Return the next message, or None once the upstream has closed in order."""
        frame = await _guarded(self._channel, "receive", self._socket.receive)
        if not isinstance(frame, str | bytes | None):
            raise failure(self._channel, "receive", f"expected a frame or None, found {type(frame).__name__}")
        return frame

    async def send(self, frame: Frame) -> None:
        """Send a message."""
        await _guarded(self._channel, "send", self._socket.send, frame)

    async def close(self) -> None:
        """Close; a failure is logged, and changes nothing about the session."""
        with _passed_over(self._channel, "close"):
            await self._socket.close()


@contextmanager
def _passed_over(channel: ChannelPlugin[Any], method: str) -> Iterator[None]:
    try:
        yield
    except BaseException as exc:
        if not is_plugin_failure(exc):
            raise
        use, file = _place_of(channel)
        emit_exception("plugin.failed", exc, plugin=use, file=file, hook=method)


async def _guarded(
    channel: ChannelPlugin[Any], method: str, call: Callable[..., Awaitable[Answer]], *arguments: object
) -> Answer:
    try:
        return await call(*arguments)
    except (RejectedError, UpstreamError) as exc:
        if isinstance(exc, UpstreamStatusError) and (flaw := _flaw_of_refusal(exc)) is not None:
            raise failure(channel, method, flaw) from exc
        raise
    except BaseException as exc:
        is_blamed = isinstance(exc, PluginError) and exc.plugin is not None  # for what was wrong about an answer
        if is_blamed or not is_plugin_failure(exc):
            raise
        if is_being_cancelled():
            # This is our cancellation, whatever the channel turned it into: the customer left, a deadline passed, or
            # the process is ending.
            raise asyncio.CancelledError from exc
        raise failure(channel, method, f"raised {type(exc).__name__}") from exc


def failure(channel: ChannelPlugin[Any], method: str, what: str) -> PluginError:
    """Return the error that says *what* is wrong with a channel's *method*."""
    use, file = _place_of(channel)
    return PluginError.of(use, file, f"in {method}: {what}")


def _place_of(channel: ChannelPlugin[Any]) -> tuple[str, str]:
    return channel.section.use, inspect.getfile(type(channel))


def _flaw_of(response: UpstreamResponse) -> str | None:
    if not _has(response, "read", "hand_over", "close", "finish"):
        return f"expected an UpstreamResponse, found {type(response).__name__}"
    status: object = response.status
    headers: object = response.headers
    if not (isinstance(status, int) and 100 <= status <= 999):
        return f"expected a status such as 200, found {type(status).__name__}"
    is_text = isinstance(headers, Mapping) and all(isinstance(each, str) for pair in headers.items() for each in pair)
    return None if is_text else f"expected headers of text, found {type(headers).__name__}"


def _flaw_of_refusal(error: UpstreamStatusError) -> str | None:
    """Return what is wrong with an error that a channel raised, since circuit, log and customer rely on it."""
    status: object = error.upstream_status
    wait_s: object = error.retry_after_s
    if error.failure not in get_args(FailureClass):
        return "expected one of the failure classes in UpstreamStatusError, found another"
    if not (isinstance(status, int) and 100 <= status <= 599):
        return f"expected a status from 100 to 599 in UpstreamStatusError, found {type(status).__name__}"
    if not (wait_s is None or (isinstance(wait_s, int) and 0 <= wait_s <= RETRY_AFTER_S_MAX)):
        found = type(wait_s).__name__
        return f"expected whole seconds from 0 to {RETRY_AFTER_S_MAX} for retry_after_s, found {found}"
    texts: list[object] = [error.message, error.error_type, "" if error.param is None else error.param]
    is_text = all(isinstance(each, str) for each in texts)
    return (
        None
        if is_text
        else "expected text for message, error_type and param in UpstreamStatusError, found another type"
    )


def _has(answer: object, *methods: str) -> bool:
    return all(callable(getattr(answer, method, None)) for method in methods)
