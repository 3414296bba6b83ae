"""The server process around a shop: uvicorn, its signals, and the line that says the shop is open."""

import socket
from types import FrameType

import click
import uvicorn

from .app import build_app
from .shop import Shop

GRACE_S = 120
"""How long running answers may go on after SIGTERM (field/reliability.md 3, row 65)."""


class ShopServer(uvicorn.Server):
    """Says that the shop is open once it is, and at a second signal stops waiting for running answers."""

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the shop, listen, and say so."""
        await super().startup(sockets)
        if self.started:
            click.echo(self._announcement)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at the first signal; at the second, end running answers with an error event."""
        if self.should_exit:
            for task in self.server_state.tasks:
                task.cancel()
        super().handle_exit(sig, frame)


def serve(shop: Shop, *, host: str, port: int, announcement: str) -> None:
    """Serve *shop* until SIGTERM.

    httptools is the strictest HTTP parser measured (DESIGN 11; field/reliability.md 3, row 44).
    """
    config = uvicorn.Config(
        build_app(shop),
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # uvicorn would believe X-Forwarded-For of every peer on loopback, and so open a key's list of addresses.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    ShopServer(config, announcement).run()
