"""The ledger's operations and their results, independent of the storage engine.

All amounts are in nano-credits. All ids are chosen by the caller or derived from the request, so each
operation can be repeated without moving money twice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from ..charge import Charge
from ..exchange import Claim, Evidence, PriceFacts, Principal, RequestRecord
from ..usage import Usage

LotKind = Literal["cash", "gift", "trial", "compensation"]


class Reserve(msgspec.Struct, frozen=True, kw_only=True):
    """Hold *amount_nano* before anything goes upstream.

    Attributes:
        principal: Who was authenticated; `StaleKeyError` if the key's version, state or expiry has changed since.
        overrun_max_nano: `FullHoldNeededError` if the account's overruns of the day have reached this; None for
            a hold that already covers the whole answer.
        idempotency_digest: SHA-256 of the request's idempotency key, or None; `RepeatedRequestError` if the account
            was charged, or may be, for another request with that key.
    """

    request_id: str
    principal: Principal
    amount_nano: int
    overrun_max_nano: int | None = None
    facts: PriceFacts
    price_version: str
    at: datetime
    idempotency_digest: bytes | None = None


class Extend(msgspec.Struct, frozen=True, kw_only=True):
    """Raise an open hold to a total of *held_nano*."""

    request_id: str
    held_nano: int


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """Book the charge of *record* and close its reservation.

    ``is_replayed``: the record comes from the spool, which the audit notes.
    """

    record: RequestRecord
    is_replayed: bool = False


class Void(msgspec.Struct, frozen=True, kw_only=True):
    """Release the hold of *record*'s reservation and close it."""

    record: RequestRecord


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What an open reservation will be charged if the process dies; written with the next commit."""

    request_id: str
    charge: Charge
    usage: Usage
    evidence: Evidence


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an answer reached the customer; written with the next commit."""

    request_id: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """After-sales plugins have looked at a charge, and their claims are filed; written with the next commit."""

    request_id: str


class Withdraw(msgspec.Struct, frozen=True, kw_only=True):
    """Release a hold whose caller left before it was granted; the request leaves no log row."""

    request_id: str


class Recover(msgspec.Struct, frozen=True, kw_only=True):
    """Close a request of the dead process *boot*, if it is still open."""

    request_id: str
    boot: str


class FileClaim(msgspec.Struct, frozen=True, kw_only=True):
    """Store *claim* on a closed request; *amount_nano* is what it would give back."""

    request_id: str
    claim: Claim
    amount_nano: int


class ForgetAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The upstream no longer keeps an answer; ``answer_id`` is the upstream's id of it."""

    account_id: str
    answer_id: str


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """An open hold."""

    request_id: str
    held_nano: int


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """What a post moved: the customer's part, and the overrun, which the shop bore."""

    request_id: str
    charge_nano: int
    overrun_nano: int


class Ledger(Protocol):
    """Reserve, post, void, and money in. Every awaited call is durable when it returns.

    Every call may raise `LedgerUnavailableError`: it was not acknowledged, and may be repeated with
    the same id.
    """

    async def reserve(self, operation: Reserve) -> Reservation:
        """Hold an amount on the account's lots and the key's cap.

        Raises:
            InsufficientBalanceError: The account's available balance is below the amount.
            KeyCapError: What the key's cap leaves is below it.
            FullHoldNeededError: The account exceeded its holds too much today for one that may be too small.
            StaleKeyError: The key has changed since the exchange was authenticated.
            RepeatedRequestError: The client named an earlier request by the same idempotency key.
        """
        ...

    async def extend(self, request_id: str, held_nano: int) -> Reservation:
        """Raise an open hold to a total of *held_nano*; a lower figure changes nothing.

        If the key has been switched to another group since the reservation, the request keeps its own.

        Raises:
            InsufficientBalanceError: The account's available balance is below the increase.
            KeyCapError: What the key's cap leaves is below it.
            StaleKeyError: The key was revoked. In all three cases the hold stays as it was.
        """
        ...

    async def post(self, record: RequestRecord) -> Posted:
        """Book ``record.charge`` against the hold and write the log row, once.

        Takes from the hold, then from what else the account has available; only the rest becomes
        overrun. Never refused: for a closed reservation it moves nothing of the customer's.
        """
        ...

    async def void(self, record: RequestRecord) -> None:
        """Release the hold, and write a log row that charges nothing."""
        ...

    def mark(self, mark: Mark) -> None:
        """Note what is delivered so far; durable with the next commit, after a second at most."""
        ...

    def is_revoked(self, request_id: str) -> bool:
        """Say whether a mark of an open request found that its key has been revoked."""
        ...

    def delivered(self, request_id: str) -> None:
        """Note that the end of the answer reached the customer; durable with the next commit."""
        ...

    async def claim(self, request_id: str, claim: Claim, amount_nano: int) -> None:
        """Write a claim, once per request and rule."""
        ...

    async def unchecked(self) -> Sequence[tuple[RequestRecord, Posted]]:
        """Return the charges of dead processes that no after-sales plugin has looked at yet.

        That includes what recovery posted and what was booked from the spool. The records have no attempts.
        """
        ...

    def checked(self, request_id: str) -> None:
        """Note that after-sales plugins have looked at a charge; durable with the next commit."""
        ...

    async def forget_answer(self, account_id: str, answer_id: str) -> None:
        """Forget who an answer belongs to that the upstream no longer keeps; an unknown id changes nothing."""
        ...


class CreateAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Open a customer's account, with a gift where *gift_nano* is above 0."""

    account_id: str
    name: str
    membership: str = "default"
    gift_nano: int = 0
    gift_expires_at: datetime | None = None
    actor: str


class TopUp(msgspec.Struct, frozen=True, kw_only=True):
    """Book a payment as a cash lot for the account named *account*.

    *provider* and *reference* identify the payment; each pair is booked only once.
    """

    account: str
    amount_nano: int
    provider: str = "manual"
    reference: str
    actor: str


class CreateKey(msgspec.Struct, frozen=True, kw_only=True):
    """Give the account named *account* a key, of which only the SHA-256 is passed.

    ``models`` None allows every model, ``ips`` empty every address, ``cap_nano`` None any amount.
    """

    key_id: str
    account: str
    name: str
    digest: bytes
    last4: str
    group: str
    cap_nano: int | None = None
    expires_at: datetime | None = None
    models: tuple[str, ...] | None = None
    ips: tuple[str, ...] = ()
    actor: str


class RevokeKey(msgspec.Struct, frozen=True, kw_only=True):
    """Revoke a key: it is refused from now on."""

    key_id: str
    actor: str


class SetKeyGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Switch a key to another group."""

    key_id: str
    group: str
    actor: str


class Adjust(msgspec.Struct, frozen=True, kw_only=True):
    """Correct a balance by a new entry between the account named *account* and the shop.

    ``give`` books a gift lot; ``take`` spends the account's lots in their usual order.
    """

    adjustment_id: str
    account: str
    amount_nano: int
    direction: Literal["give", "take"]
    reason: str
    actor: str


class PublishPrices(msgspec.Struct, frozen=True, kw_only=True):
    """Store the document of a price version, whose id is the document's SHA-256."""

    price_version: str
    document: str


Note = Mark | Delivered | Checked
Operation = (
    Reserve
    | Extend
    | Post
    | Void
    | Withdraw
    | Recover
    | FileClaim
    | ForgetAnswer
    | CreateAccount
    | TopUp
    | CreateKey
    | RevokeKey
    | SetKeyGroup
    | Adjust
    | PublishPrices
)
Result = Reservation | Posted | Exception | None


class Store(Protocol):
    """A storage engine of the ledger, for the writer's thread: each call is one durable transaction."""

    def commit(self, notes: Sequence[Note], operations: Sequence[Operation]) -> Sequence[Result]:
        """Do all of *operations* and commit once; an operation that is refused does not affect the others.

        Returns:
            One result per operation, in order: what it returned or raised.

        Raises:
            CommitFailedError: Nothing was changed; everything may be tried again.
        """
        ...

    def rest(self) -> None:
        """Do maintenance while nobody waits."""
        ...

    def close(self) -> None:
        """Close what was opened."""
        ...
