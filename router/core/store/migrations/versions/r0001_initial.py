"""The first tables.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TEXT_LIST = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Make all tables, and the sequence of task numbers where there are sequences."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence("task_numbers")))
    _events()
    _claims()
    _tasks()
    _history()
    _deliveries()
    _attempts()
    _refusals()
    _api_keys()
    _rule_sets()
    _counters()


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _NAME, nullable=False),
        sa.Column("connector", _NAME, nullable=False),
        sa.Column("status", _NAME, nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("code", _NAME),
        sa.Column("type", _NAME),
        sa.Column("delivery_id", _NAME),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("decided_ms", sa.BigInteger()),
        sa.Column("rules_hash", _NAME),
        sa.Column("decisions", sa.JSON(), nullable=False),
        sa.Column("tasks", sa.JSON(), nullable=False),
        sa.Column("shadow", sa.JSON(), nullable=False),
        sa.Column("duplicate_of", _NAME),
        sa.Column("replays", sa.Integer(), server_default="0", nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("content_type", _NAME, nullable=False),
        sa.Column("remote", _NAME),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_connector_id", "events", ["connector", "id"])
    op.create_index("ix_events_received_ms", "events", ["received_ms"])
    op.create_index("ix_events_status_id", "events", ["status", "id"])


def _claims() -> None:
    op.create_table(
        "claims",
        sa.Column("connector", _NAME, nullable=False),
        sa.Column("key", _NAME, nullable=False),
        sa.Column("event_id", _NAME, nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connector", "key", name="pk_claims"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_claims_until_ms", "claims", ["until_ms"])


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", _NAME, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("scope", _NAME, nullable=False),
        sa.Column("key", _NAME),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("status", _NAME, nullable=False),
        sa.Column("status_kind", _NAME, nullable=False),
        sa.Column("type", _NAME),
        sa.Column("priority", _NAME),
        sa.Column("start_ms", sa.BigInteger()),
        sa.Column("due_ms", sa.BigInteger()),
        sa.Column("due_date", _NAME),
        sa.Column("due_time", _NAME),
        sa.Column("timezone", _NAME),
        sa.Column("all_day", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("duration_minutes", sa.BigInteger()),
        sa.Column("reminder", sa.JSON()),
        sa.Column("assignees", _TEXT_LIST, nullable=False),
        sa.Column("followers", sa.JSON(), nullable=False),
        sa.Column("labels", _TEXT_LIST, nullable=False),
        sa.Column("contact", sa.JSON()),
        sa.Column("client", _NAME),
        sa.Column("project", _NAME),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("custom", sa.JSON(), nullable=False),
        sa.Column("creator", sa.JSON(), nullable=False),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        sa.Column("completed_ms", sa.BigInteger()),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.Column("deleted_ms", sa.BigInteger()),
        sa.Column("source", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("number", name="uq_tasks_number"),
    )
    op.create_index(
        "ix_tasks_key_scope_completed_ms",
        "tasks",
        ["key", "scope", "completed_ms"],
        sqlite_where=sa.text("key IS NOT NULL"),
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    op.create_index("ix_tasks_status_number", "tasks", ["status", "number"])
    op.create_index(
        "uq_tasks_open_key",
        "tasks",
        ["key", "scope"],
        unique=True,
        sqlite_where=sa.text(
            "key IS NOT NULL AND status_kind IN ('initial', 'in_progress') AND deleted_ms IS NULL"
        ),
        postgresql_where=sa.text(
            "key IS NOT NULL AND status_kind IN ('initial', 'in_progress') AND deleted_ms IS NULL"
        ),
    )


def _history() -> None:
    op.create_table(
        "history",
        sa.Column("id", _NAME, nullable=False),
        sa.Column("task_id", _NAME, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("event_id", _NAME),
        sa.Column("rule", _NAME),
        sa.Column("actor", _NAME),
        sa.Column("action", _NAME, nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_history"),
    )
    op.create_index("ix_history_task_id_id", "history", ["task_id", "id"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _NAME, nullable=False),
        sa.Column("task_id", _NAME, nullable=False),
        sa.Column("destination", _NAME, nullable=False),
        sa.Column("state", _NAME, nullable=False),
        sa.Column("wanted_version", sa.Integer(), nullable=False),
        sa.Column("delivered_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("reason", sa.JSON()),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_attempt_ms", sa.BigInteger()),
        sa.Column("next_attempt_ms", sa.BigInteger()),
        sa.Column("lease_owner", _NAME),
        sa.Column("lease_until_ms", sa.BigInteger()),
        sa.Column("intent", sa.JSON()),
        sa.Column("create_request", sa.JSON()),
        sa.Column("last_answer", sa.JSON()),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("task_id", "destination", name="uq_deliveries_task_id_destination"),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["destination", "next_attempt_ms"],
        sqlite_where=sa.text("state IN ('pending', 'retrying')"),
        postgresql_where=sa.text("state IN ('pending', 'retrying')"),
    )
    op.create_index(
        "ix_deliveries_lease",
        "deliveries",
        ["lease_until_ms"],
        sqlite_where=sa.text("lease_owner IS NOT NULL"),
        postgresql_where=sa.text("lease_owner IS NOT NULL"),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", _NAME, nullable=False),
        sa.Column("delivery_id", _NAME, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", _NAME, nullable=False),
        sa.Column("outcome", _NAME, nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("message", sa.Text()),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_at_ms", "attempts", ["at_ms"])
    op.create_index("ix_attempts_delivery_id_id", "attempts", ["delivery_id", "id"])


def _refusals() -> None:
    op.create_table(
        "refusals",
        sa.Column("id", _NAME, nullable=False),
        sa.Column("connector", _NAME, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("code", _NAME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remote", _NAME),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refusals"),
    )
    op.create_index("ix_refusals_at_ms", "refusals", ["at_ms"])
    op.create_index("ix_refusals_connector_id", "refusals", ["connector", "id"])


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", _NAME, nullable=False),
        sa.Column("name", _NAME, nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("hash", _NAME, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_used_ms", sa.BigInteger()),
        sa.Column("revoked_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("hash", name="uq_api_keys_hash"),
    )


def _rule_sets() -> None:
    op.create_table(
        "rule_sets",
        sa.Column("hash", _NAME, nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("intake_table", sa.JSON(), nullable=False),
        sa.Column("in_force_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_rule_sets"),
    )


def _counters() -> None:
    op.create_table(
        "counters",
        sa.Column("name", _NAME, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
