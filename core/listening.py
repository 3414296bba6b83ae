"""The port of a server: taken before anything else is done, and without loading the server."""

import socket

BACKLOG_MAX = 2048
"""Connections that may wait to be accepted."""


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; connections wait until the shop serves.

    Raises:
        OSError: The port is taken, or the address is not this machine's.
        UnicodeError: *host* can't be a host name.
    """
    host.encode("idna")  # before the socket is created, which would stay open
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG_MAX)
