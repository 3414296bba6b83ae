"""The tables as defined, beside the tables as the migrations make them."""

import contextlib
import sqlite3
from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql

from relay.core.ledger.database import prepare_database
from relay.core.ledger.schema import APPEND_ONLY, metadata


def test_the_migrations_build_what_the_schema_says(tmp_path: Path) -> None:
    """Tables made by the migrations and tables defined in the schema do not differ."""
    engine = sa.create_engine(f"sqlite:///{prepare_database(tmp_path, is_demo=False)}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_every_append_only_table_has_both_triggers(tmp_path: Path) -> None:
    """Neither UPDATE nor DELETE is possible on what is written for good."""
    with contextlib.closing(sqlite3.connect(prepare_database(tmp_path, is_demo=False))) as connection:
        rows = connection.execute("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    assert sorted(row[0] for row in rows) == sorted(APPEND_ONLY * 2)


def test_postgresql_can_have_the_same_tables() -> None:
    """All sixteen tables have a form for PostgreSQL, the overdraft's guard included."""
    sentences: list[str] = []
    engine = sa.create_mock_engine("postgresql+asyncpg://", lambda statement, *_: sentences.append(_form(statement)))
    metadata.create_all(engine, checkfirst=False)
    assert sum(sentence.lstrip().startswith("CREATE TABLE") for sentence in sentences) == 16
    guard = "CHECK (NOT no_overdraft OR credit_nano - debit_nano - pending_nano >= 0)"
    assert sum(guard in sentence for sentence in sentences) == 1


def _form(statement: sa.Executable) -> str:
    assert isinstance(statement, sa.ClauseElement)
    return str(statement.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy's own
