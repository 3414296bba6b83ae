"""The server process around a shop: uvicorn, its signals, and the line that says the shop is open."""

import asyncio
import gc
import resource
import signal
import socket
from contextlib import suppress
from types import FrameType
from typing import Any

import click
import uvicorn

from .app import build_app
from .face import face_of
from .listening import BACKLOG_MAX
from .observe import emit_exception
from .realtime.face import websocket_face_of
from .shop import Shop

GRACE_S = 120
"""How long running answers may go on after SIGTERM (field/reliability.md 3, row 65)."""

IDLE_S = 75
"""How long a connection is kept between requests: longer than the SDKs (5 s) or a proxy (60 s) keep theirs.

The customer's side must close first: a request sent just as the server closes would meet a reset.
"""

COLLECT_AFTER_OBJECTS = 10_000
"""How many new objects trigger a garbage collection of the youngest generation; Python's default is 700."""


class ShopServer(uvicorn.Server):
    """Opens a shop, announces that it is open, and on a second signal stops waiting for running answers.

    It opens the shop itself, because uvicorn would print a plugin's exception as a traceback.
    """

    def __init__(self, config: uvicorn.Config, shop: Shop, announcement: str) -> None:
        super().__init__(config)
        self._shop = shop
        self._announcement = announcement
        self._told_to_end: set[asyncio.Task[None]] = set()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the shop, serve until a signal, close the shop."""
        with self.capture_signals():
            if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # nohup has it ignored
                signal.signal(signal.SIGHUP, self.handle_exit)
            asyncio.get_running_loop().set_exception_handler(tell_of_stray)
            async with self._shop.opened(), self._shop.ledger.minding_room():
                await self._serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, and print the announcement."""
        await super().startup(sockets)
        if self.started:
            spare_collector()
            # A shop whose output is closed, or goes to a full disk, serves all the same.
            with suppress(OSError):
                click.echo(self._announcement)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at the first signal; at the second, end running answers with an error event.

        Each answer is cancelled only once: another time would interrupt its settlement. SIGHUP never counts as a
        second signal: when a terminal closes, both kernel and shell send it, and systemd can send it after SIGTERM.
        """
        if self.should_exit and sig != signal.SIGHUP:
            for task in self.server_state.tasks - self._told_to_end:
                task.cancel()
                self._told_to_end.add(task)
        super().handle_exit(sig, frame)


def tell_of_stray(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what a task that nobody awaits raised, such as one of a plugin's; asyncio would print the message."""
    error = context.get("exception")
    if isinstance(error, BaseException):
        emit_exception("task.failed", error)
    else:
        loop.default_exception_handler(context)


def spare_collector() -> None:
    """Make garbage collection rarer, and exempt all objects that exist already.

    Requests leave hardly any cycles behind, and what was loaded to open the shop stays to the end:
    searching both was an eighth of the cost of a small request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_OBJECTS, 20, 50)


def raise_file_limit() -> None:
    """Allow as many open files as the system lets this process have.

    Each connection takes one, and each stream two. The usual limit, 1024, is low for the sake of programs with select.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS says that there is no limit, and refuses that one
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve(shop: Shop, listener: socket.socket, *, announcement: str) -> None:
    """Serve *shop* on *listener* until SIGTERM.

    Raises:
        PluginError: A plugin can't be made or opened; names it and its file.

    httptools is the strictest HTTP parser measured (field/reliability.md 3, row 44).
    """
    config = uvicorn.Config(
        build_app(shop),
        backlog=BACKLOG_MAX,
        timeout_keep_alive=IDLE_S,
        loop="uvloop",
        http=face_of(shop),
        ws=websocket_face_of(shop),
        lifespan="off",
        log_config=None,
        log_level="error",  # not a line for every malformed request of a scanner
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    raise_file_limit()
    # Ctrl-C is an orderly end, not an error; uvicorn raises the signal again afterwards.
    with suppress(KeyboardInterrupt):
        ShopServer(config, shop, announcement).run(sockets=[listener])
