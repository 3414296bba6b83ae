"""Find every open hold, also where the end of its answer was delivered before the charge was booked.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

UNFINISHED = sa.text("state = 'open' OR (state = 'posted' AND delivered_at IS NULL)")


def upgrade() -> None:
    """Index what recovery looks for."""
    op.drop_index("ix_reservation_unfinished", "reservation")
    op.create_index(
        "ix_reservation_unfinished", "reservation", ["boot"], sqlite_where=UNFINISHED, postgresql_where=UNFINISHED
    )
