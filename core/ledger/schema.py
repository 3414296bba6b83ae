"""Every table of the database, for both SQLite and PostgreSQL.

Readers build their queries from this. The migrations create the tables with DDL of their own,
and a test compares the two. The ledger's writer uses plain SQL, for speed.

Amounts are nano-credits, times are milliseconds since 1970 in UTC, documents are JSON as text.

A *book* is what bookkeeping calls a ledger account: a customer's lot, or one of the shop's own
(``revenue:DAY:WRITER``, ``promo``, ``clearing:PROVIDER``, ``overrun`` ...). A lot's balance is
``credit_nano - debit_nano``; what may be spent of it is that less ``pending_nano``, and only
before ``expires_at``. The balances of the shop's books may have either sign.
"""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _nano(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _ms(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _id(name: str, target: str | None = None) -> sa.Column[str]:
    key = (sa.ForeignKey(target),) if target else ()
    return sa.Column(name, sa.Text, *key, primary_key=True)


def _reference(name: str, target: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, sa.ForeignKey(target), nullable=nullable)


meta = sa.Table("meta", metadata, _id("key"), _text("value"))
"""Holds ``schema_version``, and ``is_demo``: 1 in the database of a demo, else 0."""

account = sa.Table(
    "account",
    metadata,
    _id("id"),
    _text("name"),
    _text("membership"),
    _ms("created_at"),
    sa.UniqueConstraint("name"),
)

api_key = sa.Table(
    "api_key",
    metadata,
    _id("id"),
    _reference("account_id", "account.id"),
    _text("name"),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    _text("last4"),
    _text("group"),
    _nano("cap_nano", nullable=True),
    _nano("spent_nano"),
    _nano("held_nano"),
    _ms("expires_at", nullable=True),
    _flag("is_revoked"),
    _count("version"),
    _text("models", nullable=True),
    _text("ips"),
    _ms("created_at"),
    sa.UniqueConstraint("digest"),
    sa.CheckConstraint("spent_nano >= 0", "ck_api_key_spent"),
    sa.CheckConstraint("held_nano >= 0", "ck_api_key_held"),
    sa.Index(None, "account_id"),
)
"""``spent_nano`` is the sum of all charges, overruns included, less what was given back after a crash.

``held_nano`` is the sum of the open holds.
"""

book = sa.Table(
    "book",
    metadata,
    sa.Column("id", _SERIAL, primary_key=True),
    _text("ledger"),
    _text("name"),
    _text("kind"),
    _reference("account_id", "account.id", nullable=True),
    _flag("no_overdraft"),
    _ms("expires_at", nullable=True),
    _nano("debit_nano"),
    _nano("credit_nano"),
    _nano("pending_nano"),
    _ms("created_at"),
    sa.UniqueConstraint("name"),
    sa.CheckConstraint("debit_nano >= 0", "ck_book_debit"),
    sa.CheckConstraint("credit_nano >= 0", "ck_book_credit"),
    sa.CheckConstraint("pending_nano >= 0", "ck_book_pending"),
    sa.CheckConstraint("NOT no_overdraft OR credit_nano - debit_nano - pending_nano >= 0", "ck_book_overdraft"),
)
"""``account_id`` is NULL on the shop's own books. ``ledger`` is the unit: ``credit``, or ``usd`` for costs."""

_SPENDABLE = sa.text("account_id IS NOT NULL AND credit_nano - debit_nano - pending_nano > 0")
sa.Index("ix_book_spendable", book.c.account_id, sqlite_where=_SPENDABLE, postgresql_where=_SPENDABLE)

transfer = sa.Table(
    "transfer",
    metadata,
    _id("id"),
    sa.Column("debit_book", _SERIAL, sa.ForeignKey("book.id"), nullable=False),
    sa.Column("credit_book", _SERIAL, sa.ForeignKey("book.id"), nullable=False),
    _nano("amount_nano"),
    _text("kind"),
    _text("request_id", nullable=True),
    _text("reason", nullable=True),
    _text("actor"),
    _ms("at"),
    _text("writer"),
    _count("seq"),
    sa.CheckConstraint("amount_nano > 0", "ck_transfer_amount"),
    sa.CheckConstraint("debit_book <> credit_book", "ck_transfer_books"),
    sqlite_with_rowid=False,
)
"""Immutable: triggers refuse UPDATE and DELETE. ``writer`` and ``seq`` identify its batch."""

batch = sa.Table(
    "batch",
    metadata,
    _id("writer"),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    _text("prev_hash"),
    _text("hash"),
    sqlite_with_rowid=False,
)
"""One hash chain per writer, with a link for each commit that moved money. Immutable like `transfer`."""

reservation = sa.Table(
    "reservation",
    metadata,
    _id("request_id"),
    _reference("account_id", "account.id"),
    _reference("key_id", "api_key.id"),
    _text("boot"),
    _text("state"),
    _nano("held_nano"),
    _text("price_version"),
    _ms("at"),
    _text("facts"),
    _text("mark", nullable=True),
    _ms("closed_at", nullable=True),
    _flag("is_recovered"),
    _ms("delivered_at", nullable=True),
    sa.Column("is_checked", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.CheckConstraint("held_nano >= 0", "ck_reservation_held"),
    sa.CheckConstraint("state IN ('open', 'posted', 'voided')", "ck_reservation_state"),
)
"""``mark`` is what recovery would post, and goes once the end of a posted answer is delivered; ``is_recovered`` says that
recovery closed it.

``delivered_at`` is when the end of the answer reached the customer; if no part of an answer waits
for the post, it is when it was posted. ``is_checked`` says that the after-sales plugins have seen
what was posted, and that their claims are filed.
"""

_UNFINISHED = sa.text("state = 'open' OR (state = 'posted' AND (delivered_at IS NULL OR NOT is_checked))")
sa.Index("ix_reservation_unfinished", reservation.c.boot, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED)

reservation_lot = sa.Table(
    "reservation_lot",
    metadata,
    _id("request_id", "reservation.request_id"),
    sa.Column("lot_id", _SERIAL, sa.ForeignKey("book.id"), primary_key=True),
    _nano("held_nano"),
    sa.CheckConstraint("held_nano > 0", "ck_reservation_lot_held"),
    sqlite_with_rowid=False,
)
"""How a hold was split over lots; kept after the reservation is closed."""

idempotency_key = sa.Table(
    "idempotency_key",
    metadata,
    _id("account_id", "account.id"),
    sa.Column("digest", sa.LargeBinary, primary_key=True),
    _reference("request_id", "reservation.request_id"),
    _ms("at"),
    sa.Index(None, "at"),
    sqlite_with_rowid=False,
)
"""The last request of an account that used an idempotency key; ``digest`` is the key's SHA-256."""

request_log = sa.Table(
    "request_log",
    metadata,
    _id("request_id"),
    _ms("at"),
    _ms("closed_at"),
    _text("account_id"),
    _text("key_id"),
    _text("group"),
    _text("membership"),
    _text("channel"),
    _text("model"),
    _text("model_sent"),
    _text("model_returned", nullable=True),
    _text("dialect"),
    _text("operation"),
    _flag("stream"),
    _count("input_tokens"),
    _count("cache_read_tokens"),
    _count("cache_write_5m_tokens"),
    _count("cache_write_1h_tokens"),
    _count("output_tokens"),
    _nano("charge_nano"),
    _nano("overrun_nano"),
    _text("outcome"),
    _text("usage_source"),
    _count("attempt_count"),
    _count("duration_ms"),
    sa.Column("first_output_ms", sa.BigInteger, nullable=True),
    _text("price_version"),
    _text("usage"),
    _text("evidence"),
    _text("trace"),
    sa.Column("turn_hmac", sa.LargeBinary, nullable=True),
    sa.Index(None, "at"),
    sa.Index(None, "account_id", "at"),
)
"""``charge_nano`` is what the customer paid; together with ``overrun_nano`` it is what ``trace`` comes to."""

attempt = sa.Table(
    "attempt",
    metadata,
    _id("request_id"),
    sa.Column("attempt_index", sa.Integer, primary_key=True),
    _text("channel"),
    _text("key_id"),
    _text("model_sent"),
    _ms("started_at"),
    _count("duration_ms"),
    sa.Column("status", sa.Integer, nullable=True),
    _text("failure", nullable=True),
    _nano("cost_nano", nullable=True),
    sqlite_with_rowid=False,
)
"""``key_id`` is that of the channel's key. ``failure`` is NULL for the attempt that answered."""

kept_answer = sa.Table(
    "kept_answer",
    metadata,
    _id("digest"),
    _id("account_id"),
    _text("channel"),
    _text("key_id"),
    _text("model"),
    _ms("at"),
    sqlite_with_rowid=False,
)
"""Answers that an upstream keeps, and who owns them: nobody else may continue them. Forgotten after 90 days.

``digest`` is the SHA-256 of the upstream's id, in hex; ``key_id`` is that of the channel's key.
"""

claim = sa.Table(
    "claim",
    metadata,
    _id("request_id"),
    _id("rule"),
    _text("kind"),
    _text("share"),
    _nano("amount_nano"),
    _text("evidence"),
    _text("state"),
    _ms("created_at"),
    sqlite_with_rowid=False,
)
"""``state`` is ``filed``, until a payment decides. ``evidence`` is the request's at the time of the claim."""

overrun_day = sa.Table(
    "overrun_day",
    metadata,
    _id("account_id"),
    _id("day"),
    _nano("overrun_nano"),
    sqlite_with_rowid=False,
)
"""The overrun that the shop bore for an account on a day of its own time zone, ``YYYY-MM-DD``."""

price_version = sa.Table("price_version", metadata, _id("id"), _text("document"), _ms("created_at"))

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", _SERIAL, primary_key=True),
    _ms("at"),
    _text("actor"),
    _text("action"),
    _text("subject"),
    _text("details"),
    sa.Index(None, "subject"),
)
"""Who did what to which account, key or request. Never a key or its digest."""

APPEND_ONLY = ("transfer", "batch", "audit")
"""Tables whose rows are never changed or deleted; triggers enforce it."""
