"""The customer: sends a request to the relay over a socket, reads to the end, or leaves in the middle."""

from urllib.parse import urlsplit

import msgspec

from relay.core.errors import UpstreamBrokenError
from relay.core.transport import Deadlines, UpstreamRequest
from relay.core.upstream import UpstreamClient
from relay.testing.requests import CustomerRequest

DEADLINES = Deadlines(connect_s=5, first_event_s=15, idle_s=15, total_s=30)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back. ``is_broken``: the connection ended before the body did."""

    status: int
    headers: dict[str, str]
    body: bytes
    is_broken: bool

    @property
    def everything(self) -> bytes:
        """Headers and body, to look for what must not be in an answer."""
        return msgspec.json.encode(self.headers) + self.body

    @property
    def request_id(self) -> str:
        """The relay's own name of the request."""
        return self.headers.get("x-request-id", "")


async def ask(client: UpstreamClient, url: str, request: CustomerRequest) -> Answer:
    """Send *request* and read the answer to its end."""
    response = await client.send(_outgoing(url, request), DEADLINES)
    body, is_broken = bytearray(), False
    try:
        while data := await response.read():
            body += data
    except UpstreamBrokenError:
        is_broken = True
    finally:
        response.close()
    return Answer(status=response.status, headers=dict(response.headers), body=bytes(body), is_broken=is_broken)


async def ask_and_leave(client: UpstreamClient, url: str, request: CustomerRequest) -> Answer:
    """Send *request*, and leave once something of the answer has come."""
    response = await client.send(_outgoing(url, request), DEADLINES)
    try:
        body = await response.read()
    finally:
        response.close()
    return Answer(status=response.status, headers=dict(response.headers), body=body, is_broken=False)


def _outgoing(url: str, request: CustomerRequest) -> UpstreamRequest:
    headers = {**request.headers, "host": urlsplit(url).netloc}
    return UpstreamRequest(url=url + request.path, headers=headers, body=request.body)
