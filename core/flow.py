"""Decides when the socket of a customer's connection is read."""

import asyncio
from collections.abc import Sized

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """uvicorn's flow control, except that it does not read while any of the *pipelined* requests waits.

    uvicorn reads on whenever a request asks for its body, so each that began brought in hundreds that had to wait.
    """

    def __init__(self, transport: asyncio.Transport, pipelined: Sized) -> None:
        super().__init__(transport)
        self._pipelined = pipelined

    def resume_reading(self) -> None:
        """Read on, unless a request waits."""
        if not self._pipelined:
            super().resume_reading()
