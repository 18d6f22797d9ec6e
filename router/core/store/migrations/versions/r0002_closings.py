"""Closings that come before their task, and what people changed of a task.

Revision ID: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the table `closings` and the column `tasks.edited`."""
    op.create_table(
        "closings",
        sa.Column("scope", _NAME, nullable=False),
        sa.Column("key", _NAME, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name="pk_closings"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_closings_until_ms", "closings", ["until_ms"])
    op.add_column("tasks", sa.Column("edited", sa.JSON()))
