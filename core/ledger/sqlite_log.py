"""The log row of a request and its attempts, written in the transaction that closes it. No text."""

from ..clock import to_ms
from ..exchange import RequestRecord
from .codec import encode
from .operations import Posted
from .sqlite_batch import Batch

_COLUMNS = (
    "request_id",
    "at",
    "closed_at",
    "account_id",
    "key_id",
    '"group"',
    "membership",
    "channel",
    "model",
    "model_sent",
    "model_returned",
    "dialect",
    "operation",
    "stream",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "charge_nano",
    "overrun_nano",
    "outcome",
    "usage_source",
    "attempt_count",
    "duration_ms",
    "first_output_ms",
    "price_version",
    "usage",
    "evidence",
    "trace",
)
_INSERT_LOG = f"INSERT INTO request_log ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_INSERT_ATTEMPT = """
    INSERT INTO attempt (request_id, attempt_index, channel, key_id, model_sent, started_at, duration_ms, status, failure)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


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
    batch.execute(_INSERT_LOG, values)
    for index, attempt in enumerate(record.attempts):
        candidate = attempt.candidate
        upstream = (candidate.channel.name, candidate.key_id, candidate.model_sent)
        ending = (to_ms(attempt.started_at), attempt.duration_ms, attempt.status, attempt.failure)
        batch.execute(_INSERT_ATTEMPT, (record.request_id, index, *upstream, *ending))
