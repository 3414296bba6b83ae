"""Authenticates a request for a session and lets it in, or refuses it by an HTTP error before the upgrade."""

from collections.abc import Callable
from typing import Any

from ..answers import answer_with_error, answerable
from ..dialects.realtime import SUBPROTOCOL, Realtime, offered_subprotocols
from ..door import Door
from ..endpoints import resolve
from ..errors import CustomerGoneError, UpgradeRequiredError
from ..shop import Shop
from ..sink import Headers, Sink
from .customer import Customer, Receive, Send
from .opening import open_session
from .session import Session

KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""The subprotocol in which a browser sends its key, as it can't set headers.

Source: field/relay-platforms.md 2.1, read 2026-11-24.
"""


class RealtimeDoor(Door):
    """One websocket at the door; ``scope``, ``receive`` and ``send`` are ASGI's."""

    def __init__(
        self, shop: Shop, scope: Any, receive: Receive, send: Send, open_sink: Callable[[Headers], Sink]
    ) -> None:
        super().__init__(shop, {**scope, "method": "GET"}, receive, open_sink)
        self._customer = Customer(receive, send)

    async def serve(self) -> None:
        """Let the session in and carry it to its end, or refuse it."""
        rules = Realtime()
        exchange = self._exchange(rules, "")
        try:
            with self._shop.admitted():
                self._check_address()
                rules.read_address(exchange)
                with self._sink:
                    opened = await open_session(self._shop, exchange, rules, self._sink)
                session = Session(self._shop, exchange, rules, self._customer, opened)
                # Never the subprotocol that is the client's key.
                subprotocol = SUBPROTOCOL if SUBPROTOCOL in offered_subprotocols(self._headers) else None
                await session.run(subprotocol, self._common_headers())
        except CustomerGoneError:
            return
        except Exception as exc:
            await answer_with_error(self._sink, exchange, rules, answerable(exc, self._id))

    def _check_address(self) -> None:
        try:
            self._checked(resolve(self._path))
        except UpgradeRequiredError as refusal:
            if refusal.reason == "websocket_expected":
                return  # this is one
            raise
        raise self._unknown_endpoint()

    def _api_key(self) -> str | None:
        offers = offered_subprotocols(self._headers)
        keys = (offer.removeprefix(KEY_SUBPROTOCOL) for offer in offers if offer.startswith(KEY_SUBPROTOCOL))
        return super()._api_key() or next(keys, None)
