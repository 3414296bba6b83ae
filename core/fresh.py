"""Once more with the key as it is now: what was remembered of it may have led to a refusal."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from .errors import AuthenticationError, NoChannelError, NotAllowedError, StaleKeyError
from .exchange import Exchange

Answer_co = TypeVar("Answer_co", covariant=True)
Answer = TypeVar("Answer")


class Passage(Protocol[Answer_co]):
    """One authenticated passage of an exchange."""

    @property
    def has_reserved(self) -> bool:
        """A hold was taken, whatever became of it."""
        ...

    async def run(self) -> Answer_co:
        """Authenticate, and go on to the end."""
        ...


async def run_fresh(exchange: Exchange, make: Callable[[], Passage[Answer]]) -> Answer:
    """Return what the passage that *make* makes returns; a second one runs where the key may have been out of date.

    A group switched or a key renewed a moment ago must hold for this very request.

    Raises:
        RelayError: What the last passage ended in.
    """
    passage = make()
    try:
        return await passage.run()
    except (AuthenticationError, NotAllowedError, NoChannelError, StaleKeyError):
        is_remembered = exchange.principal is None or exchange.principal.is_remembered
        if exchange.is_fresh_authentication or passage.has_reserved or not is_remembered:
            raise
    exchange.is_fresh_authentication = True
    return await make().run()
