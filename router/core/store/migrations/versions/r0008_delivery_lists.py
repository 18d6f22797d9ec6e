"""Deliveries of a destination, and those changed since an instant, are found without reading all of them.

Revision ID: 0008
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("ix_deliveries_destination_id", "deliveries", ["destination", "id"])
    op.create_index("ix_deliveries_updated_ms", "deliveries", ["updated_ms"])
