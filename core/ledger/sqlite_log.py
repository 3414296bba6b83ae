"""The log row of a request and its attempts, written in the transaction that closes it. No text."""

import hashlib

from ..clock import to_ms
from ..exchange import RequestRecord
from .codec import encode
from .operations import ForgetAnswer, Posted
from .sqlite_batch import Batch
from .sqlite_rows import INSERT_ATTEMPT, INSERT_LOG, KEEP_ANSWER


def write_log(batch: Batch, record: RequestRecord, posted: Posted, price_version: str) -> None:
    """Keep what *record* says, with what was *posted* for it."""
    facts, usage = record.facts, record.usage
    values = (
        record.request_id,
        to_ms(facts.at),
        batch.now_ms,
        facts.account_id,
        facts.key_id,
        facts.group,
        facts.membership,
        facts.channel,
        facts.model,
        facts.model_sent,
        facts.model_returned,
        facts.dialect,
        facts.operation,
        facts.stream,
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
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
    batch.write(INSERT_LOG, values)
    for index, attempt in enumerate(record.attempts):
        candidate = attempt.candidate
        upstream = (candidate.channel.name, candidate.key_id, candidate.model_sent)
        ending = (to_ms(attempt.started_at), attempt.duration_ms, attempt.status, attempt.failure)
        batch.write(INSERT_ATTEMPT, (record.request_id, index, *upstream, *ending))
    if record.answer_id is not None:
        place = (facts.account_id, facts.channel, record.attempts[-1].candidate.key_id)
        batch.write(KEEP_ANSWER, (answer_digest(record.answer_id), *place, facts.model, batch.now_ms))


def forget_answer(batch: Batch, operation: ForgetAnswer) -> None:
    """Forget whose an answer was; see `Ledger.forget_answer`."""
    batch.annotate(
        "DELETE FROM kept_answer WHERE digest = ? AND account_id = ?",
        (answer_digest(operation.answer_id), operation.account_id),
    )


def answer_digest(answer_id: str) -> str:
    """Return what is kept of an upstream's id: whoever reads the database can't use it."""
    return hashlib.sha256(answer_id.encode()).hexdigest()
