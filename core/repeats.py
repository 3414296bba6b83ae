"""Repeated requests: the headers by which clients announce them.

``Idempotency-Key`` names a request, so that it is carried out and paid for only once; the ledger sees to
that. ``x-stainless-retry-count`` counts the automatic retries of OpenAI's and Anthropic's SDKs: 0 the
first time (wire/DIALECTS.md 7.4, read 2026-11-29).
"""

import hashlib

from .errors import BadRequestError
from .exchange import Exchange
from .observe import emit

IDEMPOTENCY_KEY = "idempotency-key"
KEY_LENGTH_MAX = 255
"""As at Stripe (field/reliability.md 1, read 2026-11-29)."""
_RETRY_COUNT = "x-stainless-retry-count"
_RETRY_DIGITS_MAX = 4


def read_idempotency_key(exchange: Exchange) -> None:
    """Store the SHA-256 of the request's idempotency key in *exchange*; an empty key counts as none.

    Raises:
        BadRequestError: The key is too long, or not printable ASCII.
    """
    key = exchange.headers.get(IDEMPOTENCY_KEY)
    if not key:
        return
    if len(key) > KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
        raise BadRequestError("bad_idempotency_key", param=IDEMPOTENCY_KEY)
    exchange.idempotency_digest = hashlib.sha256(key.encode()).digest()


def note_retry(exchange: Exchange) -> None:
    """Log an automatic retry, so that requests that were paid for twice can be found."""
    count = exchange.headers.get(_RETRY_COUNT, "0")
    if count != "0" and count.isdecimal() and count.isascii() and len(count) <= _RETRY_DIGITS_MAX:
        emit("request.retried", request_id=exchange.id, retry_count=int(count))
