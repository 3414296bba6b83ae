"""What the tests of the upstream client share."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from relay import Deadlines, UpstreamResponse

PATIENT = Deadlines(connect_s=20, first_event_s=20, idle_s=20, total_s=20)
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


async def read_all(response: UpstreamResponse) -> bytes:
    """Read to the end, and let go of the connection, as whoever sends a request does."""
    pieces = []
    try:
        while data := await response.read():
            pieces.append(data)
    finally:
        response.close()
    return b"".join(pieces)


@contextmanager
def unanswering_url() -> Iterator[str]:
    """Return an address whose queue of connections is full: none is refused, and none is opened."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, ExitStack() as queue:
        for _ in range(3):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
