"""Decides when the socket of a customer's connection is read, and how the connection is closed."""

import asyncio
from collections import deque
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

DROP_S = 5.0
"""How long after the last answer what a customer still sends is read and dropped."""


class Flow(FlowControl):
    """uvicorn's flow control, except that it does not read while any of the *pipelined* requests waits.

    uvicorn reads on whenever a request asks for its body; each that began would bring in hundreds that have to wait.

    Attributes:
        is_dropping: What still arrives is read and dropped: after the answers under way, the connection ends.
    """

    def __init__(self, transport: asyncio.Transport, pipelined: deque[Any]) -> None:
        super().__init__(transport)
        self._pipelined = pipelined
        self.is_dropping = False

    def resume_reading(self) -> None:
        """Read on, unless a request waits."""
        if not self._pipelined:
            super().resume_reading()

    def end(self, *, is_body_unread: bool) -> None:
        """Close the connection behind its last answer; where the customer is still sending, only in one direction.

        A connection that is closed with something unread is reset, which can take the answer from a
        customer who has not read it yet. So the rest is read and dropped until the customer closes, but not
        for ever (RFC 9112, 9.6, read 2026-11-30).
        """
        if is_body_unread or self._pipelined or self.is_dropping:
            self.is_dropping = True
            self._pipelined.clear()
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(DROP_S, self._transport.close)
        else:
            self._transport.close()
