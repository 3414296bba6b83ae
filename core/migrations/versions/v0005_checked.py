"""Keep which charges the after-sales plugins have looked at, so that a death before they did is made good.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

UNFINISHED = sa.text("state = 'open' OR (state = 'posted' AND (delivered_at IS NULL OR NOT is_checked))")

_NOT_YET = """
    UPDATE reservation SET is_checked = 0 WHERE state = 'open' OR request_id IN (
        SELECT subject FROM audit WHERE action IN ('request.recovered', 'request.replayed')
        EXCEPT SELECT subject FROM audit WHERE action = 'request.checked')
"""
"""What older relays closed for processes that had died, and had yet to show.

Of what else they lost nothing is known.
"""


def upgrade() -> None:
    """Add the flag, set for what was closed before, and index what it leaves to do."""
    op.add_column("reservation", sa.Column("is_checked", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute(_NOT_YET)
    op.drop_index("ix_reservation_unfinished", "reservation")
    op.create_index(
        "ix_reservation_unfinished", "reservation", ["boot"], sqlite_where=UNFINISHED, postgresql_where=UNFINISHED
    )
