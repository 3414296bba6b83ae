"""How long a plugin is open: from its `lifespan` before the first request until after the last."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from .errors import is_plugin_failure
from .finder import FoundPlugin, reason_of
from .observe import emit, emit_exception
from .plugin import Plugin

OPEN_NOTICE_S = 5.0
"""How long a plugin may take to open before the log says that the shop waits for it."""
OPEN_S = 60.0
CLOSE_S = 10.0


@asynccontextmanager
async def living(found: FoundPlugin, plugin: Plugin[Any]) -> AsyncIterator[None]:
    """Keep *plugin* open, in a task of its own: a failed task group of the plugin's cancels that, and not the shop.

    Raises:
        PluginError: It can't be opened.
    """
    opened, end = asyncio.get_running_loop().create_future(), asyncio.Event()
    life = asyncio.create_task(_live(found, plugin, opened, end))
    try:
        await _see_opened(found, life, opened)
        yield
    finally:
        end.set()
        if not opened.done():
            life.cancel()
        await _see_end(found, life)


async def _see_opened(found: FoundPlugin, life: asyncio.Task[None], opened: asyncio.Future[None]) -> None:
    notice = asyncio.get_running_loop().call_later(OPEN_NOTICE_S, _tell_of_waiting, found)
    try:
        await asyncio.wait({life, opened}, return_when=asyncio.FIRST_COMPLETED, timeout=OPEN_S)
    finally:
        notice.cancel()
    if life.done():
        await life
    if not opened.done():
        raise found.failure(f"cannot be opened: gave no answer in {OPEN_S:g} s")


async def _see_end(found: FoundPlugin, life: asyncio.Task[None]) -> None:
    """Wait for the end of a plugin's *life*, but not for ever: some ignore their cancellation."""
    await asyncio.wait({life}, timeout=CLOSE_S)
    if not life.done():
        emit_exception("plugin.failed", found.failure(f"in lifespan: did not close in {CLOSE_S:g} s"), hook="lifespan")
        life.cancel()
        await asyncio.wait({life}, timeout=CLOSE_S)


async def _live(found: FoundPlugin, plugin: Plugin[Any], opened: asyncio.Future[None], end: asyncio.Event) -> None:
    lifespan = await _open(found, plugin)
    opened.set_result(None)
    cancelled = None
    try:
        await end.wait()
    except asyncio.CancelledError as exc:
        cancelled = exc
    await _close(found, lifespan, cancelled)


async def _open(found: FoundPlugin, plugin: Plugin[Any]) -> AbstractAsyncContextManager[None]:
    try:
        lifespan = plugin.lifespan()
        if not isinstance(lifespan, AbstractAsyncContextManager):
            raise TypeError(f"lifespan() must return an asynchronous context manager, found {type(lifespan).__name__}")
        await lifespan.__aenter__()
    except BaseException as exc:
        if not is_plugin_failure(exc):
            raise
        raise found.failure(f"cannot be opened: {reason_of(exc, found.plugin_type.__module__)}") from exc
    return lifespan


async def _close(
    found: FoundPlugin, lifespan: AbstractAsyncContextManager[None], cancelled: asyncio.CancelledError | None
) -> None:
    try:
        await lifespan.__aexit__(type(cancelled) if cancelled else None, cancelled, None)
    except BaseException as exc:
        if not is_plugin_failure(exc):
            raise
        failure = found.failure(f"in lifespan: raised {type(exc).__name__}")
        failure.__cause__ = exc
        emit_exception("plugin.failed", failure, hook="lifespan")


def _tell_of_waiting(found: FoundPlugin) -> None:
    emit("plugin.awaited", plugin=found.use, file=str(found.file))
