"""Opening connections: names are looked up and remembered for a moment, addresses tried side by side.

By default, asyncio tries one address after the other, and uvloop can't do otherwise, so an upstream whose
IPv6 is broken would cost the whole connect deadline: aiohappyeyeballs does what RFC 8305 says.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable

from aiohappyeyeballs import AddrInfoType, start_connection

from ..errors import OverloadedError
from ..observe import emit
from .connection import Connection
from .request_head import Origin

ADDRESSES_S = 10.0
"""How long looked-up addresses are remembered."""
NEXT_ADDRESS_S = 0.25
"""Head start of an address before the next one is tried as well. Source: RFC 8305, section 5."""

_NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})


class Dialler:
    """Opens connections for one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tls: ssl.SSLContext | None = None
        self._lookups: dict[tuple[str, int], tuple[float, asyncio.Task[list[AddrInfoType]]]] = {}

    @property
    def tls(self) -> ssl.SSLContext:
        """The settings of all TLS connections; made again as long as the file of certificate authorities can't be opened.

        If there is only a folder of them, as with Debian's Python, OpenSSL looks into it at each handshake.
        """
        if self._tls is None or (not self._tls.cert_store_stats()["x509"] and ssl.get_default_verify_paths().cafile):
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    async def open(self, origin: Origin, on_end: Callable[[Connection], None]) -> Connection:
        """Return a fresh connection to *origin*.

        Raises:
            OSError: It can't be reached, or is not who it says (`ssl.SSLError`).
            OverloadedError: As `reach`.
        """
        opened = await self.reach(origin)
        try:
            _, connection = await self._loop.create_connection(
                lambda: Connection(self._loop, on_end),
                sock=opened,
                ssl=self.tls if origin.is_tls else None,
                server_hostname=origin.host if origin.is_tls else None,
            )
        except BaseException:
            opened.close()
            raise
        return connection

    async def reach(self, origin: Origin) -> socket.socket:
        """Return a socket connected to *origin*, without TLS yet.

        Raises:
            OSError: It can't be reached.
            OverloadedError: No more files may be opened. The upstream must not be blamed, or its circuit would open.
        """
        try:
            addresses = await self._look_up(origin.host, origin.port)
            return await start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_S, interleave=1, loop=self._loop)
        except OSError as exc:
            if exc.errno not in _NO_FILES:
                raise
            emit("files.exhausted")
            raise OverloadedError from exc

    async def _look_up(self, host: str, port: int) -> list[AddrInfoType]:
        """Return the addresses of *host*; concurrent callers share one look-up."""
        now = self._loop.time()
        asked_at, lookup = self._lookups.get((host, port), (-ADDRESSES_S, None))
        if lookup is None or now - asked_at > ADDRESSES_S or (lookup.done() and lookup.exception() is not None):
            lookup = self._loop.create_task(self._ask_resolver(host, port))
            lookup.add_done_callback(lambda task: task.cancelled() or task.exception())  # all callers may have left
            self._lookups[host, port] = (now, lookup)
        return await asyncio.shield(lookup)

    async def _ask_resolver(self, host: str, port: int) -> list[AddrInfoType]:
        # Added to a list of a wider type: getaddrinfo's own distinguishes addresses that aiohappyeyeballs does not.
        found: list[AddrInfoType] = []
        found += await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        return found
