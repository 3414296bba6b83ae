"""Idempotency keys in the SQLite ledger: a key names one request of an account, for a day.

It is stored in the transaction that makes the hold. So of two concurrent requests, in one process or two,
exactly one is carried out, and a death leaves either both key and hold, or neither.
"""

from ..errors import RepeatedRequestError
from ..money import format_nano
from .sqlite_batch import Batch
from .sqlite_rows import NAME_REQUEST

SPAN_MS = 24 * 60 * 60 * 1000
"""How long a key names its request, before it may name another (field/reliability.md 1: at least 24 h).

A running request keeps its key to its end, whatever happens to the machine's clock.
"""

_FORGET = """
    DELETE FROM idempotency_key WHERE (account_id, digest) IN
        (SELECT k.account_id, k.digest FROM idempotency_key k JOIN reservation r USING (request_id)
         WHERE k.at <= ? AND r.state <> 'open' ORDER BY k.at LIMIT 2)
"""
"""Each new key removes two lapsed ones, so that there are hardly ever more than a day's."""
_FIND = """
    SELECT r.request_id, r.state, l.charge_nano FROM idempotency_key k JOIN reservation r USING (request_id)
    LEFT JOIN request_log l USING (request_id)
    WHERE k.account_id = ? AND k.digest = ? AND (k.at > ? OR r.state = 'open') AND r.state <> 'voided'
    AND NOT EXISTS (SELECT 1 FROM transfer t WHERE t.id = 'undelivered:' || r.request_id)
"""


def check_repeated(batch: Batch, account_id: str, digest: bytes) -> None:
    """Refuse a request whose key names one that is running or was charged.

    One that cost nothing, because it was voided or was given back after a death, may be repeated.

    Raises:
        RepeatedRequestError: It does.
    """
    lapsed_ms = batch.now_ms - SPAN_MS
    batch.annotate(_FORGET, (lapsed_ms,))
    row = batch.annotate(_FIND, (account_id, digest, lapsed_ms)).fetchone()
    if row is None:
        return
    request_id, state, charge_nano = row
    charge = {} if charge_nano is None else {"charge": format_nano(charge_nano)}
    raise RepeatedRequestError(request_id=request_id, state=state, **charge)


def name_request(batch: Batch, account_id: str, digest: bytes, request_id: str) -> None:
    """Store the key of the request that is being reserved."""
    batch.write(NAME_REQUEST, (account_id, digest, request_id, batch.now_ms))
