"""Copies that may exist are looked for, people find those that need them, and what a copy shows is kept.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WAITING = sa.text("state IN ('pending', 'retrying', 'uncertain')")
_UNSETTLED = sa.text("state IN ('uncertain', 'held', 'failed', 'dropped')")


def upgrade() -> None:
    """Change which deliveries wait, and add the index and the column."""
    op.drop_index("ix_deliveries_due", table_name="deliveries")
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["destination", "next_attempt_ms"],
        sqlite_where=_WAITING,
        postgresql_where=_WAITING,
    )
    op.create_index(
        "ix_deliveries_unsettled",
        "deliveries",
        ["state", "id"],
        sqlite_where=_UNSETTLED,
        postgresql_where=_UNSETTLED,
    )
    op.add_column("deliveries", sa.Column("shown", sa.JSON()))
