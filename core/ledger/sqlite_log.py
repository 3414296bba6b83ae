"""The log row of a request and its attempts, written in the transaction that closes it. No text."""

import hashlib
from operator import attrgetter

from ..clock import to_ms
from ..exchange import RequestRecord
from .codec import encode
from .operations import ForgetAnswer, Posted
from .sqlite_batch import Batch
from .sqlite_rows import COUNTS_LOGGED, FACTS_LOGGED, INSERT_ATTEMPT, INSERT_LOG, KEEP_ANSWER, Row

ANSWER_SPAN_MS = 90 * 24 * 60 * 60 * 1000
"""How long the owner of a kept answer is remembered: longer than any upstream promises to keep one.

OpenAI and xAI promise 30 days, Google 55 (developers.openai.com/api/docs/guides/conversation-state,
docs.x.ai/docs/guides/chat, ai.google.dev/gemini-api/docs/interactions, read 2026-11-30).
"""

_facts_logged = attrgetter(*FACTS_LOGGED)
_counts_logged = attrgetter(*COUNTS_LOGGED)
_FORGET_LAPSED = """
    DELETE FROM kept_answer WHERE at <= ? AND (digest, account_id) IN
        (SELECT digest, account_id FROM kept_answer WHERE digest > ? ORDER BY digest LIMIT 128)
"""
"""Run for one new answer in sixteen: it removes those that have lapsed among the 128 rows after its own.

Digests fall anywhere, so all rows get their turn: a lapsed one after an eighth of the span, on average.
"""


def write_log(batch: Batch, record: RequestRecord, posted: Posted, price_version: str) -> None:
    """Write the log row of *record*, with what was *posted* for it, its attempts, and the owner of a kept answer."""
    batch.write(INSERT_LOG, _log_row(record, posted, price_version, closed_at_ms=batch.now_ms))
    for index, attempt in enumerate(record.attempts):
        candidate = attempt.candidate
        upstream = (candidate.channel.name, candidate.key_id, candidate.model_sent)
        ending = (to_ms(attempt.started_at), attempt.duration_ms, attempt.status, attempt.failure)
        batch.write(INSERT_ATTEMPT, (record.request_id, index, *upstream, *ending))
    if record.answer_id is not None:
        facts, digest = record.facts, answer_digest(record.answer_id)
        place = (facts.account_id, facts.channel, record.attempts[-1].candidate.key_id)
        if digest.endswith("0"):
            batch.annotate(_FORGET_LAPSED, (batch.now_ms - ANSWER_SPAN_MS, digest))
        batch.write(KEEP_ANSWER, (digest, *place, facts.model, batch.now_ms))


def _log_row(record: RequestRecord, posted: Posted, price_version: str, *, closed_at_ms: int) -> Row:
    facts, usage = record.facts, record.usage
    return (
        record.request_id,
        to_ms(facts.at),
        closed_at_ms,
        *_facts_logged(facts),
        *_counts_logged(usage),
        posted.charge_nano,
        posted.overrun_nano,
        record.outcome,
        usage.source,
        len(record.attempts),
        record.duration_ms,
        record.first_output_ms,
        price_version,
        encode(usage),
        encode(record.evidence),
        encode(record.charge),
    )


def forget_answer(batch: Batch, operation: ForgetAnswer) -> None:
    """Forget who a kept answer belongs to; see `Ledger.forget_answer`."""
    batch.annotate(
        "DELETE FROM kept_answer WHERE digest = ? AND account_id = ?",
        (answer_digest(operation.answer_id), operation.account_id),
    )


def answer_digest(answer_id: str) -> str:
    """Return the SHA-256 of an upstream's id, stored in its place: no reader of the database can use the id."""
    return hashlib.sha256(answer_id.encode()).hexdigest()
