"""Runs an exchange again with its key read again: a remembered, outdated key may have led to a refusal."""

from collections.abc import Callable
from typing import Protocol, TypeVar

from .errors import AuthenticationError, NoChannelError, NotAllowedError, StaleKeyError
from .exchange import Exchange

Answer_co = TypeVar("Answer_co", covariant=True)
Answer = TypeVar("Answer")


class Repeatable(Protocol[Answer_co]):
    """Work that can be done again, with the key authenticated again."""

    @property
    def has_reserved(self) -> bool:
        """Whether a hold was taken, whatever became of it."""
        ...

    async def run(self) -> Answer_co:
        """Authenticate, and go on to the end."""
        ...


async def run_fresh(exchange: Exchange, make: Callable[[], Repeatable[Answer]]) -> Answer:
    """Run what *make* makes, and a second one if the first failed because the key may have been out of date.

    A key switched to another group a moment ago must count for this very request.

    Raises:
        RelayError: What the last run failed with.
    """
    first = make()
    try:
        return await first.run()
    except (AuthenticationError, NotAllowedError, NoChannelError, StaleKeyError):
        is_remembered = exchange.principal is None or exchange.principal.is_remembered
        if exchange.is_fresh_authentication or first.has_reserved or not is_remembered:
            raise
    exchange.is_fresh_authentication = True
    return await make().run()
