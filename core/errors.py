"""All of relay's errors.

    RelayError
      RejectedError                 refused by relay before anything was sent
        BadRequestError             400  the request itself
          NotCarriedError           400  a field can't be translated for the model's upstream
        AuthenticationError         401  the api key
        NotAllowedError             403  the key may not do this
        InsufficientBalanceError    403  the account can't cover the hold
        KeyCapError                 403  the key's own cap can't cover it
        NotFoundError               404  no such endpoint, model or kept answer
        MethodNotAllowedError       405  the endpoint takes another method
        RepeatedRequestError        409  the idempotency key was used by an earlier request
        UpgradeRequiredError        426  the endpoint is a websocket, or only the request is one
        BodyTooLargeError           413
        NoPriceError                400  no billing plugin priced it
        NoChannelError              503  no channel for this model in this group
          CoolingDownError          503  its channels cool down after failures
        OverloadedError             503  too many requests
          StorageFullError          503  no room on the disk for new holds
        ShuttingDownError           503  the process is ending
        SessionEndedError           408  a realtime session reached a time limit
      UpstreamError                 the upstream failed; carries its failure class
        UpstreamConnectError        refused, reset, or nonsense before an answer
        UpstreamTimeoutError        a deadline passed; says which
        UpstreamBrokenError         the answer broke off, or is malformed
        UpstreamStatusError         it answered with an error
      CustomerGoneError             the customer hung up
      StaleKeyError                 key or group changed since authentication: authenticate afresh
        RevokedKeyError             the key was revoked: authenticating afresh can't help
      LedgerError                   the ledger could not do it
        LedgerUnavailableError      503  nothing was acknowledged
        FullHoldNeededError         the next hold must pay for the whole answer
        LedgerConflictError         the id was used for something else
        LedgerUnknownError          404  no such account, key or reservation
        LedgerFullError             a book has no room for the amount
        CommitFailedError           the storage failed; inside the ledger only
        DatabaseRefusedError        another version's database, or a demo's
      ProfileError                  one or more problems in a profile
      PluginError                   a plugin could not be loaded, or raised
      BadSettingError               an environment variable has a bad value

A message says what was expected, what was found and what to do, and never holds a key, a prompt
or an upstream's body. Customers see `texts.py`'s sentence for ``code``, filled from ``params``.
"""

import asyncio
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

DeadlineName = Literal["connect", "first_event", "idle", "total"]

THROTTLED_S = 5
"""How long a throttled key rests, in seconds, if its upstream names no time."""
FailureClass = Literal["request", "too_large", "misrouted", "key_dead", "throttled", "overloaded", "sick", "empty"]
"""How an attempt failed; `failures` tells which, and `circuit` what cools down."""


def is_plugin_failure(exc: BaseException) -> bool:
    """Say whether *exc*, raised by a plugin's code, is a failure of the plugin, not the end of a task or the process.

    A plugin's ``sys.exit`` is a failure, and so is a panic in an extension written in Rust: neither may end the shop,
    or the check of its profile. So is a cancellation that nobody requested for this task: the plugin waited for
    another task that was cancelled.
    """
    if isinstance(exc, asyncio.CancelledError):
        return not is_being_cancelled()
    return not isinstance(exc, GeneratorExit | KeyboardInterrupt)


def is_being_cancelled() -> bool:
    """Say whether the cancellation of this task has been requested, and not been taken back."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop is running yet while plugins are loaded
        return False
    return task is not None and task.cancelling() > 0


class RelayError(Exception):
    """The root. ``code`` is a stable snake_case sentence that tests and clients match."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500


class RejectedError(RelayError):
    """Refused before anything was sent upstream.

    Args:
        code: Machine code; the class's own where omitted.
        param: Name of the field of the request that is at fault, if any.
        params: Values for the customer's text: names, amounts in credits, never contents.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    retry_after_s: int | None = None

    def __init__(self, code: str | None = None, *, param: str | None = None, **params: str) -> None:
        self.reason = code or self.code
        self.param = param
        self.params = params
        super().__init__(f"{self.reason}: " + ", ".join(f"{k}={v}" for k, v in {"param": param, **params}.items() if v))


class BadRequestError(RejectedError):
    """The request is malformed; ``param`` names the field, if one is at fault."""


class NotCarriedError(BadRequestError):
    """The channel speaks another dialect, named by ``dialect``, which can't express what ``param`` asks for."""

    code: ClassVar[str] = "not_carried"


class AuthenticationError(RejectedError):
    """No key, or one that is unknown, expired or revoked."""

    status: ClassVar[int] = 401
    code: ClassVar[str] = "invalid_api_key"


class NotAllowedError(RejectedError):
    """The key is valid but may not do this: because of its model, address or group, or it is used up."""

    status: ClassVar[int] = 403
    code: ClassVar[str] = "access_denied"


class InsufficientBalanceError(RejectedError):
    """The account cannot cover the reservation."""

    status: ClassVar[int] = 403
    code: ClassVar[str] = "insufficient_user_quota"


class KeyCapError(RejectedError):
    """The key's own cap cannot cover the reservation."""

    status: ClassVar[int] = 403
    code: ClassVar[str] = "pre_consume_token_quota_failed"


class NotFoundError(RejectedError):
    """No such endpoint, model or kept answer in this shop, or not for this key."""

    status: ClassVar[int] = 404
    code: ClassVar[str] = "unknown_endpoint"


class MethodNotAllowedError(RejectedError):
    """The endpoint exists, but takes another method."""

    status: ClassVar[int] = 405
    code: ClassVar[str] = "method_not_allowed"


class RepeatedRequestError(RejectedError):
    """An earlier request with the same idempotency key has been paid for, or may be; this one is not carried out.

    ``request_id`` is the earlier request, ``state`` is ``open`` or ``posted``, and ``charge`` is its cost in
    credits once it is posted.
    """

    status: ClassVar[int] = 409
    code: ClassVar[str] = "idempotency_key_used"


class UpgradeRequiredError(RejectedError):
    """The endpoint is a websocket, but the request is a plain one, or the other way round (``plain_http_expected``)."""

    status: ClassVar[int] = 426
    code: ClassVar[str] = "websocket_expected"


class BodyTooLargeError(RejectedError):
    """The body is larger than the shop takes."""

    status: ClassVar[int] = 413
    code: ClassVar[str] = "request_too_large"


class NoPriceError(RejectedError):
    """No billing plugin priced the request: refused, never free."""

    code: ClassVar[str] = "model_price_error"


class NoChannelError(RejectedError):
    """The key's group has no channel for the model."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "model_not_found"


class CoolingDownError(NoChannelError):
    """Every channel for the model cools down after failures; trying again later can help."""

    code: ClassVar[str] = "channels_cooling_down"

    def __init__(self, retry_after_s: int, **params: str) -> None:
        super().__init__(param="model", **params)
        self.retry_after_s = retry_after_s


class OverloadedError(RejectedError):
    """There is more work than the shop can take now."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "overloaded"
    retry_after_s = 2


class StorageFullError(OverloadedError):
    """The disk is nearly full: open requests are settled, but no new ones are begun."""

    code: ClassVar[str] = "storage_full"
    retry_after_s = 30


class ShuttingDownError(RejectedError):
    """The process is ending; what was delivered is settled, and the customer may try again."""

    status: ClassVar[int] = 503
    code: ClassVar[str] = "shutting_down"
    retry_after_s = 2


class SessionEndedError(RejectedError):
    """A realtime session was silent, or open, for as long as the shop allows."""

    status: ClassVar[int] = 408
    code: ClassVar[str] = "session_expired"


class UpstreamError(RelayError):
    """An attempt failed at the upstream; the base of all errors that a channel raises about it."""

    failure: FailureClass = "sick"
    code: ClassVar[str] = "upstream_error"
    status: ClassVar[int] = 502


class UpstreamConnectError(UpstreamError):
    """No usable answer began: refused, reset, or not HTTP."""


class UpstreamTimeoutError(UpstreamError):
    """A deadline passed: ``connect``, ``first_event``, ``idle`` or ``total``."""

    code: ClassVar[str] = "upstream_timeout"
    status: ClassVar[int] = 504

    def __init__(self, deadline: DeadlineName) -> None:
        self.deadline = deadline
        super().__init__(f"upstream passed the {deadline} deadline")


class UpstreamBrokenError(UpstreamError):
    """The answer broke off, or is not what was asked for."""


class UpstreamStatusError(UpstreamError):
    """The upstream answered with an error.

    Args:
        failure: The failure class, which decides about retry and cool-down.
        status: The upstream's HTTP status.
        retry_after_s: For ``throttled`` and ``overloaded``: seconds to wait, as the upstream asked, from 1 to 3600.
        message: For ``request`` only: the upstream's sanitised words about the customer's request; else empty.
        error_type: The upstream's error code or type, if it gave one.
        param: The field that the upstream blames, if it named one.
    """

    def __init__(
        self,
        failure: FailureClass,
        status: int,
        *,
        retry_after_s: int | None = None,
        message: str = "",
        error_type: str = "",
        param: str | None = None,
    ) -> None:
        self.failure = failure
        self.upstream_status = status
        self.retry_after_s = retry_after_s
        self.message = message
        self.error_type = error_type
        self.param = param
        super().__init__(f"upstream answered {status}, class {failure}")


class CustomerGoneError(RelayError):
    """The customer hung up."""

    code: ClassVar[str] = "customer_gone"


class StaleKeyError(RelayError):
    """The key, its expiry or its group changed since the exchange was authenticated."""

    code: ClassVar[str] = "stale_key"
    status: ClassVar[int] = 401


class RevokedKeyError(StaleKeyError):
    """The key has been revoked since: authenticating afresh can't help."""

    code: ClassVar[str] = "api_key_revoked"


class LedgerError(RelayError):
    """The ledger could not do what was asked."""

    code: ClassVar[str] = "ledger_error"


class LedgerUnavailableError(LedgerError):
    """The commit failed or took too long; nothing of it was acknowledged."""

    code: ClassVar[str] = "ledger_unavailable"
    status: ClassVar[int] = 503


class FullHoldNeededError(LedgerError):
    """The account exceeded its holds too much today: the next must cover the whole answer. Never shown to customers."""

    code: ClassVar[str] = "full_hold_needed"


class LedgerConflictError(LedgerError):
    """The id was used before, for something else."""

    code: ClassVar[str] = "ledger_conflict"
    status: ClassVar[int] = 409


class LedgerUnknownError(LedgerError):
    """The account, key or reservation does not exist."""

    code: ClassVar[str] = "ledger_unknown"
    status: ClassVar[int] = 404


class LedgerFullError(LedgerError):
    """The shop's book that the amount comes from can't take it."""

    code: ClassVar[str] = "ledger_full"
    status: ClassVar[int] = 409


class CommitFailedError(LedgerError):
    """The storage failed and its transaction is lost; the ledger's writer decides what is retried."""

    code: ClassVar[str] = "commit_failed"


class DatabaseRefusedError(LedgerError):
    """The database is of a newer relay, or a demo's where none is wanted (or the other way round)."""

    code: ClassVar[str] = "database_refused"


class ProfileError(RelayError):
    """A profile has problems, each ``file:line:column: path: what``; ``warnings`` name what is odd, but allowed."""

    code: ClassVar[str] = "bad_profile"

    def __init__(self, problems: Sequence[str], warnings: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        self.warnings = tuple(warnings)
        super().__init__("\n".join(problems))


class PluginError(RelayError):
    """A plugin could not be loaded, or raised.

    The problem given to `of` is logged, so it names only hooks, types and limits. The message is never logged, because
    a plugin may have made the error itself and quoted a request.
    """

    code: ClassVar[str] = "plugin_error"
    plugin: str | None = None
    file: str | None = None
    problem: str | None = None

    @classmethod
    def of(cls, plugin: str, file: str, problem: str) -> Self:
        """Return the error that tells a *problem* of the plugin with this id and file."""
        error = cls(f"plugin '{plugin}' ({file}): {problem}")
        error.plugin, error.file, error.problem = plugin, file, problem
        return error


class BadSettingError(RelayError):
    """An environment variable has a bad value; the message names it."""

    code: ClassVar[str] = "bad_setting"
