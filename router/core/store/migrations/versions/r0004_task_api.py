"""The task API: indexes for its lists, when keys expire, what requests made already, and the audit log.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_DUE = "coalesce(due_ms, 9223372036854775807)"
_TEXT = "(title || chr(10) || coalesce(description, ''))"
_POSTGRESQL = (
    "CREATE INDEX ix_tasks_connector ON tasks ((source ->> 'connector'), created_ms, number)",
    f"CREATE INDEX ix_tasks_due ON tasks (status_kind, ({_DUE}), number)",
    f"CREATE INDEX ix_tasks_all_due ON tasks (({_DUE}), number)",
    "CREATE INDEX ix_tasks_assignees ON tasks USING gin (assignees jsonb_path_ops)",
    "CREATE INDEX ix_tasks_labels ON tasks USING gin (labels jsonb_path_ops)",
)


def upgrade() -> None:
    """Make the indexes, the column and the tables."""
    op.create_table(
        "idempotency",
        sa.Column("caller", _NAME, nullable=False),
        sa.Column("key", _NAME, nullable=False),
        sa.Column("digest", _NAME, nullable=False),
        sa.Column("task_id", _NAME, nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_idempotency"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_until_ms", "idempotency", ["until_ms"])
    op.create_table(
        "audit",
        sa.Column("id", _NAME, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", _NAME, nullable=False),
        sa.Column("action", _NAME, nullable=False),
        sa.Column("subject", _NAME, nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.add_column("api_keys", sa.Column("expires_ms", sa.BigInteger()))
    op.drop_index("ix_tasks_status_number", table_name="tasks")
    for name in ("status", "status_kind", "client", "project"):
        condition = sa.text(f"{name} IS NOT NULL") if name in {"client", "project"} else None
        op.create_index(
            f"ix_tasks_{name}_created_ms_number",
            "tasks",
            [name, "created_ms", "number"],
            sqlite_where=condition,
            postgresql_where=condition,
        )
    for name in ("created_ms", "updated_ms"):
        op.create_index(f"ix_tasks_{name}_number", "tasks", [name, "number"])
    if op.get_bind().dialect.name == "postgresql":
        _postgresql()


def _postgresql() -> None:
    for statement in _POSTGRESQL:
        op.execute(statement)
    # Text is searched through it where the server has it and lets us; else by reading.
    op.execute(
        "DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS pg_trgm; "
        f"CREATE INDEX ix_tasks_text ON tasks USING gin ({_TEXT} gin_trgm_ops); "
        "EXCEPTION WHEN OTHERS THEN RAISE NOTICE 'tasks are searched without an index: %', SQLERRM; "
        "END $$"
    )
