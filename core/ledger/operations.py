"""What the ledger is asked to do, and what it answers. No storage engine shows here.

All amounts are nano-credits; all ids are chosen by the caller or derived from the request, so
each operation can be repeated without moving money twice.
"""

from datetime import datetime
from typing import Literal, Protocol

import msgspec

from ..exchange import Charge, Claim, Evidence, PriceFacts, Principal, RequestRecord
from ..usage import Usage

LotKind = Literal["cash", "gift", "trial", "compensation"]


class Reserve(msgspec.Struct, frozen=True, kw_only=True):
    """Hold *amount_nano* before anything goes upstream.

    ``principal`` is who was authenticated: if the key's version, state or expiry is no longer
    that, the reservation is refused with `StaleKeyError`.
    """

    request_id: str
    principal: Principal
    amount_nano: int
    facts: PriceFacts
    price_version: str
    at: datetime


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What an open reservation would cost if the process died now; rides along with a commit."""

    request_id: str
    charge: Charge
    usage: Usage
    evidence: Evidence


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """An open hold."""

    request_id: str
    held_nano: int


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What a post moved: the customer's part, and what the shop swallowed."""

    request_id: str
    charge_nano: int
    overrun_nano: int


class Ledger(Protocol):
    """Reserve, post, void, and money in. Every awaited call is durable when it returns.

    Every call may raise `LedgerUnavailableError`: nothing of it was acknowledged, and it may be
    repeated with the same id.
    """

    async def reserve(self, operation: Reserve) -> Reservation:
        """Hold an amount on the account's lots and the key's cap.

        Raises:
            InsufficientBalanceError: The account's available balance is below the amount.
            KeyCapError: The key's cap is.
            StaleKeyError: The key is not as it was when the exchange was authenticated.
        """
        ...

    async def extend(self, request_id: str, held_nano: int) -> Reservation:
        """Raise an open hold to *held_nano* in all; a lower figure changes nothing.

        Raises:
            InsufficientBalanceError, KeyCapError, StaleKeyError: As `reserve`; the hold stays as it was.
        """
        ...

    async def post(self, record: RequestRecord) -> Posted:
        """Book ``record.charge`` against the hold and write the log row, once.

        Takes from the hold, then from what else the account has available; only the rest goes
        to overrun. Never refused: a reservation already closed moves nothing for the customer.
        """
        ...

    async def void(self, record: RequestRecord) -> None:
        """Release the hold, and write the log row with its charge of nothing."""
        ...

    def mark(self, mark: Mark) -> None:
        """Note what is delivered so far; durable with the next commit, at the latest in a second."""
        ...

    def delivered(self, request_id: str) -> None:
        """Note that the end of the answer reached the customer; durable with the next commit."""
        ...

    async def claim(self, request_id: str, claim: Claim, amount_nano: int) -> None:
        """Write a claim, once per request and rule."""
        ...
