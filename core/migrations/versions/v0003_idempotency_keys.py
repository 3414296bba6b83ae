"""Keep which request a client's idempotency key names.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table of idempotency keys."""
    op.create_table(
        "idempotency_key",
        sa.Column("account_id", sa.Text(), sa.ForeignKey("account.id"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.Text(), sa.ForeignKey("reservation.request_id"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_key_at", "idempotency_key", ["at"])
