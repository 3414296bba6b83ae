"""Answers in a framing of the upstream's own, brought into the dialect's before anybody reads along."""

from collections.abc import Callable, Mapping

from .transport import UpstreamResponse, let_go


class Reframed:
    """An answer whose bytes pass through *reframe*; an `UpstreamResponse`.

    *reframe* gets the pieces of the body as they come, and ``b""`` once, at its end; what it
    returns takes their place. It holds back what is not whole yet, within bounds of its own. The
    answer's content type becomes *content_type*.
    """

    def __init__(self, response: UpstreamResponse, reframe: Callable[[bytes], bytes], content_type: str) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = {**response.headers, "content-type": content_type}
        self._response = response
        self._reframe = reframe
        self._is_at_end = False

    async def read(self) -> bytes:
        """Return the next bytes that came of what was read, or ``b""`` at the end of the body."""
        while not self._is_at_end:
            if reframed := self._next(await self._response.read()):
                return reframed
        return b""

    async def hand_over(self, take: Callable[[bytes], bool]) -> None:
        """Give the bytes to *take* as they come, until it returns False; ``b""`` is the end of the body."""

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
        """Let go of an answer of which all that matters has come."""
        self._response.finish()

    def _next(self, data: bytes) -> bytes:
        self._is_at_end = not data
        return self._reframe(data)
