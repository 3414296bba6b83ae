"""Everything of a request that is kept, and where."""

from datetime import UTC, datetime

import msgspec

from relay.core.clock import to_ms
from relay.core.exchange import Attempt, Candidate, Channel
from relay.core.ledger.operations import ForgetAnswer, Post
from relay.core.ledger.sqlite_log import answer_digest
from relay.core.usage import Usage
from tests.services import NOW

from .books import Books, record, reservation

AT = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)
CHANNEL = Channel(name="aws", use="channels.openai", dialects=("openai_chat",), models={}, groups=frozenset())
CANDIDATE = Candidate(channel=CHANNEL, key_id="k1", model_sent="claude-fast", dialect="openai_chat")


def test_a_row_holds_what_the_log_prints(books: Books) -> None:
    """Ids, models, tokens, outcome and timings stand in their columns."""
    books.play("account alice gift=5")
    books.do(reservation("r1", "alice", 10**9))
    usage = Usage(
        input_tokens=1, cache_read_tokens=2, cache_write_5m_tokens=3, cache_write_1h_tokens=4, output_tokens=5
    )
    books.do(Post(record=msgspec.structs.replace(record("r1", "alice", "1"), usage=usage, first_output_ms=7)))
    assert books.ask(
        'SELECT account_id, key_id, "group", membership, channel, model, model_sent, model_returned, dialect, operation,'
        " stream, input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens,"
        " outcome, usage_source, attempt_count, duration_ms, first_output_ms, price_version, turn_hmac FROM request_log"
    ) == [
        (
            *("alice", "alice", "hyacinth", "default", "aws", "claude-sonnet-4-5", "claude-sonnet-4-5", None),
            *("openai_chat", "chat", 1, 1, 2, 3, 4, 5, "complete", "upstream", 0, 40, 7, "v1", None),
        )
    ]


def test_each_attempt_has_a_row(books: Books) -> None:
    """A failed attempt and the one that answered are kept in order."""
    books.play("account alice gift=5")
    books.do(reservation("r1", "alice", 10**9))
    attempts = (
        Attempt(candidate=CANDIDATE, started_at=AT, duration_ms=30, status=529, failure="sick"),
        Attempt(candidate=CANDIDATE, started_at=AT, duration_ms=40, status=200),
    )
    books.do(Post(record=msgspec.structs.replace(record("r1", "alice", "1"), attempts=attempts)))
    assert books.ask("SELECT * FROM attempt ORDER BY attempt_index") == [
        ("r1", 0, "aws", "k1", "claude-fast", 1795435201000, 30, 529, "sick", None),
        ("r1", 1, "aws", "k1", "claude-fast", 1795435201000, 40, 200, None, None),
    ]


def test_answers_of_three_months_ago_are_forgotten_as_new_ones_come(books: Books) -> None:
    """One in sixteen, by its digest, takes those of the next 128 along that are as old; younger ones stay."""
    books.play("account alice gift=5")
    lapsed_ms = to_ms(NOW) - 90 * 24 * 60 * 60 * 1000
    rows = [(f"9{number:03}", lapsed_ms + (number == 7)) for number in range(130)]
    insert = "INSERT INTO kept_answer VALUES (?, 'alice', 'aws', 'k1', 'm', ?)"
    books.store.connection.executemany(insert, rows)
    keep(books, "resp_1")
    assert len(kept(books)) == 131
    keep(books, "resp_128")
    assert kept(books) == {"9007", "9128", "9129", answer_digest("resp_1"), answer_digest("resp_128")}


def test_an_id_that_an_upstream_gives_again_is_of_its_last_answer(books: Books) -> None:
    """Also its age: else it would be forgotten at once."""
    books.play("account alice gift=5")
    row = (answer_digest("resp_1"), "alice", "azure", "k9", "m", 0)
    books.store.connection.execute("INSERT INTO kept_answer VALUES (?, ?, ?, ?, ?, ?)", row)
    keep(books, "resp_1")
    found = books.ask("SELECT channel, key_id, model, at FROM kept_answer")
    assert found == [("aws", CANDIDATE.key_id, "claude-sonnet-4-5", to_ms(NOW))]


def keep(books: Books, answer_id: str) -> None:
    """Post a request of alice's whose answer the upstream keeps."""
    attempts = (Attempt(candidate=CANDIDATE, started_at=AT, duration_ms=40, status=200),)
    books.do(reservation(answer_id, "alice", 10**9))
    books.do(
        Post(record=msgspec.structs.replace(record(answer_id, "alice", "1"), attempts=attempts, answer_id=answer_id))
    )


def kept(books: Books) -> set[object]:
    return {digest for (digest,) in books.ask("SELECT digest FROM kept_answer")}


def test_an_answer_is_forgotten_for_its_owner_alone(books: Books) -> None:
    """Another account's answer of the same id stays, and forgetting twice changes nothing."""
    books.play("""
        account alice gift=5
        account bob gift=5
    """)
    attempts = (Attempt(candidate=CANDIDATE, started_at=AT, duration_ms=40, status=200),)
    for name in ("alice", "bob"):
        books.do(reservation(name, name, 10**9))
        posted = msgspec.structs.replace(record(name, name, "1"), attempts=attempts, answer_id="resp_1")
        books.do(Post(record=posted))
    for _ in range(2):
        books.do(ForgetAnswer(account_id="alice", answer_id="resp_1"))
    assert books.ask("SELECT account_id, channel FROM kept_answer") == [("bob", "aws")]
