"""Converts answers from an upstream's own framing to that of the dialect, before anything reads them."""

from collections.abc import Callable, Mapping

from .transport import UpstreamResponse, let_go


class Reframed:
    """An `UpstreamResponse` whose body passes through *reframe*.

    *reframe* gets the pieces of the body as they arrive, and ``b""`` once at the end; what it returns
    replaces them. It may hold back incomplete pieces, and must bound how much. *content_type* becomes
    the content type of the answer.
    """

    def __init__(self, response: UpstreamResponse, reframe: Callable[[bytes], bytes], content_type: str) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {**response.headers, "content-type": content_type}
        self._response = response
        self._reframe = reframe
        self._is_at_end = False

    async def read(self) -> bytes:
        """Return the next converted bytes, or ``b""`` at the end of the body."""
        while not self._is_at_end:
            if reframed := self._next(await self._response.read()):
                return reframed
        return b""

    async def hand_over(self, take: Callable[[bytes], bool]) -> None:
        """Give the converted bytes to *take* as they arrive, until it returns False; ``b""`` is the end of the body."""

        def take_reframed(data: bytes) -> bool:
            reframed = b"" if self._is_at_end else self._next(data)
            if data:
                return take(reframed) if reframed else True
            if not reframed or take(reframed):
                take(b"")
            return False

        await self._response.hand_over(take_reframed)

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()

    def abandon(self) -> None:
        """Let go of the connection for good."""
        let_go(self._response, is_understood=False)

    def finish(self) -> None:
        """Let go of an answer whose relevant part has arrived."""
        self._response.finish()

    def _next(self, data: bytes) -> bytes:
        self._is_at_end = not data
        return self._reframe(data)
