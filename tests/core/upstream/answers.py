"""What the tests of the upstream client share."""

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
