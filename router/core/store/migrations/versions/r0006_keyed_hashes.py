"""A key of the installation's own, and the stored hashes of tokens made anew with it.

Revision ID: 0006
"""

from __future__ import annotations

import hashlib
import secrets

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SIZE = 32


def upgrade() -> None:
    """Make the table and the key, and hash with it what is there: the sha-256 of each token."""
    installation = op.create_table(
        "installation",
        sa.Column("name", _NAME, nullable=False),
        sa.Column("value", _NAME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_installation"),
    )
    key = secrets.token_bytes(_SIZE)
    bind = op.get_bind()
    bind.execute(installation.insert().values(name="hash-key", value=key.hex()))
    api_keys = sa.table("api_keys", sa.column("id"), sa.column("hash"))
    for row_id, digest in bind.execute(sa.select(api_keys.c.id, api_keys.c.hash)).all():
        hashed = hashlib.blake2b(bytes.fromhex(digest), key=key, digest_size=_SIZE).hexdigest()
        bind.execute(api_keys.update().where(api_keys.c.id == row_id).values(hash=hashed))
