"""Contacts without an e-mail address: known by a phone number, or by what another system calls them.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns, and let the address be missing."""
    with op.batch_alter_table("contacts") as contacts:
        contacts.alter_column("email", existing_type=sa.Text(), nullable=True)
        contacts.add_column(sa.Column("phone", _NAME))
        contacts.add_column(sa.Column("external_id", _NAME))
    op.create_index("ix_contacts_phone", "contacts", ["phone"])
    op.create_index("ix_contacts_external_id", "contacts", ["external_id"])
