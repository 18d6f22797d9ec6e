"""The tables. Migrations in `migrations/` make them; a test holds the two against each other.

Instants are stored as whole milliseconds since the epoch, ids as text. JSON columns are
text to both databases (`json` in PostgreSQL, which checks it but leaves it as written): so
numbers keep their digits and mappings their order, and a number too large for SQL stops no
batch. Lists that are searched are `jsonb` in PostgreSQL.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import JSON

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Row = dict[str, Any]
"""A row of one of these tables (or a part of it), by column name; JSON columns as Python values."""

Name = Text().with_variant(Text(collation="C"), "postgresql")
"""Text for programs: ids, names and keys. Compared as bytes, which is several times as fast."""

Json = JSON(none_as_null=True)
TextList = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

task_numbers = Sequence("task_numbers", metadata=metadata)
"""Task numbers, where the database has sequences (PostgreSQL); see `counters`."""

events = Table(
    "events",
    metadata,
    Column("id", Name, primary_key=True),
    Column("connector", Name, nullable=False),
    Column("status", Name, nullable=False),
    Column("reason", Text),
    Column("code", Name),
    Column("type", Name),
    Column("delivery_id", Name),
    Column("received_ms", BigInteger, nullable=False),
    Column("decided_ms", BigInteger),
    Column("rules_hash", Name),
    Column("decisions", Json, nullable=False),
    Column("tasks", Json, nullable=False),
    Column("shadow", Json, nullable=False),
    Column("duplicate_of", Name),
    Column("replays", Integer, nullable=False, server_default="0"),
    Column("headers", Json, nullable=False),
    Column("query", Json, nullable=False),
    Column("content_type", Name, nullable=False),
    Column("remote", Name),
    Column("body", LargeBinary, nullable=False),
    Index("ix_events_connector_id", "connector", "id"),
    Index("ix_events_status_id", "status", "id"),
    Index("ix_events_received_ms", "received_ms"),
)

claims = Table(
    "claims",
    metadata,
    Column("connector", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("event_id", Name, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Index("ix_claims_until_ms", "until_ms"),
    sqlite_with_rowid=False,
)
"""Deduplication claims: the first event of a key and until when others are its duplicates."""

OPEN_KEY = "key IS NOT NULL AND status_kind IN ('initial', 'in_progress') AND deleted_ms IS NULL"
"""Which tasks have their key to themselves: at most one of a key and scope is open."""

tasks = Table(
    "tasks",
    metadata,
    Column("id", Name, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("scope", Name, nullable=False),
    Column("key", Name),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("status", Name, nullable=False),
    Column("status_kind", Name, nullable=False),
    Column("type", Name),
    Column("priority", Name),
    Column("start_ms", BigInteger),
    Column("due_ms", BigInteger),
    Column("due_date", Name),
    Column("due_time", Name),
    Column("timezone", Name),
    Column("all_day", Boolean, nullable=False, server_default=text("false")),
    Column("duration_minutes", BigInteger),
    Column("reminder", Json),
    Column("assignees", TextList, nullable=False),
    Column("followers", Json, nullable=False),
    Column("labels", TextList, nullable=False),
    Column("contact", Json),
    Column("client", Name),
    Column("project", Name),
    Column("links", Json, nullable=False),
    Column("custom", Json, nullable=False),
    Column("creator", Json, nullable=False),
    Column("occurrences", Integer, nullable=False),
    Column("completed_ms", BigInteger),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("deleted_ms", BigInteger),
    Column("source", Json, nullable=False),
    Column("edited", Json),
    UniqueConstraint("number"),
    Index(
        "ix_tasks_key_scope_completed_ms",
        "key",
        "scope",
        "completed_ms",
        sqlite_where=text("key IS NOT NULL"),
        postgresql_where=text("key IS NOT NULL"),
    ),
    Index(
        "uq_tasks_open_key",
        "key",
        "scope",
        unique=True,
        sqlite_where=text(OPEN_KEY),
        postgresql_where=text(OPEN_KEY),
    ),
    Index("ix_tasks_created_ms_number", "created_ms", "number"),
    Index("ix_tasks_updated_ms_number", "updated_ms", "number"),
    Index("ix_tasks_status_created_ms_number", "status", "created_ms", "number"),
    Index("ix_tasks_status_kind_created_ms_number", "status_kind", "created_ms", "number"),
    Index(
        "ix_tasks_client_created_ms_number",
        "client",
        "created_ms",
        "number",
        sqlite_where=text("client IS NOT NULL"),
        postgresql_where=text("client IS NOT NULL"),
    ),
    Index(
        "ix_tasks_project_created_ms_number",
        "project",
        "created_ms",
        "number",
        sqlite_where=text("project IS NOT NULL"),
        postgresql_where=text("project IS NOT NULL"),
    ),
)
"""`scope` is the connector's name, or `shared:<name>` for a shared key. `source` is the contract's.

`edited` lists the fields that somebody changed by hand since a rule last wrote them, see `core.edited`.
"""

TASK_CONNECTOR = "(source ->> 'connector')"
NEVER = 2**63 - 1
"""When a task is due that has no due date: after all others."""

TASK_DUE = f"coalesce(due_ms, {NEVER})"
TASK_TEXT = "(title || chr(10) || coalesce(description, ''))"

TEXT_INDEX = "ix_tasks_text"
POSTGRESQL_INDEXES = {
    "ix_tasks_connector": f"tasks ({TASK_CONNECTOR}, created_ms, number)",
    "ix_tasks_due": f"tasks (status_kind, ({TASK_DUE}), number)",
    "ix_tasks_all_due": f"tasks (({TASK_DUE}), number)",
    "ix_tasks_assignees": "tasks USING gin (assignees jsonb_path_ops)",
    "ix_tasks_labels": "tasks USING gin (labels jsonb_path_ops)",
}
"""Indexes of what SQLite has no index for; there, lists look at the tasks themselves.

`TEXT_INDEX`, on `TASK_TEXT`, is made beside them where the extension pg_trgm can be had.
"""

closings = Table(
    "closings",
    metadata,
    Column("scope", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("version", Text, nullable=False),
    Column("closed_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Index("ix_closings_until_ms", "until_ms"),
    sqlite_with_rowid=False,
)
"""Closings that came before any task of their key: the newest version, and until when it counts."""

contacts = Table(
    "contacts",
    metadata,
    Column("id", Name, primary_key=True),
    Column("address", Name, nullable=False),
    Column("email", Text),
    Column("name", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("phone", Name),
    Column("external_id", Name),
    UniqueConstraint("address"),
    Index("ix_contacts_phone", "phone"),
    Index("ix_contacts_external_id", "external_id"),
)
"""Whom tasks are from. `address` is `email` in small letters: people are known by it in any case. Of who has none
it is `id:` and the external id, else `tel:` and the number, so that two workers make one contact of one person."""

history = Table(
    "history",
    metadata,
    Column("id", Name, primary_key=True),
    Column("task_id", Name, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("event_id", Name),
    Column("rule", Name),
    Column("actor", Name),
    Column("action", Name, nullable=False),
    Column("fields", Json, nullable=False),
    Column("note", Text),
    Index("ix_history_task_id_id", "task_id", "id"),
)
"""One row a change of a task; `id` is derived from task, event, rule and item, so twice is once."""

WAITING = "state IN ('pending', 'retrying', 'uncertain')"
"""Which deliveries are to be attempted, or looked for, when their time has come."""

UNSETTLED = "state IN ('uncertain', 'held', 'failed', 'dropped')"
"""Which deliveries people look for: of very many there are few of these."""

LEASED = "lease_owner IS NOT NULL"
"""Which deliveries a worker has in hand, or had when it died."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Name, primary_key=True),
    Column("task_id", Name, nullable=False),
    Column("destination", Name, nullable=False),
    Column("state", Name, nullable=False),
    Column("wanted_version", Integer, nullable=False),
    Column("delivered_version", Integer, nullable=False, server_default="0"),
    Column("external_id", Text),
    Column("reason", Json),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("first_attempt_ms", BigInteger),
    Column("next_attempt_ms", BigInteger),
    Column("lease_owner", Name),
    Column("lease_until_ms", BigInteger),
    Column("intent", Json),
    Column("create_request", Json),
    Column("last_answer", Json),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("shown", Json),
    UniqueConstraint("task_id", "destination"),
    Index("ix_deliveries_destination_id", "destination", "id"),
    Index("ix_deliveries_updated_ms", "updated_ms"),
    Index(
        "ix_deliveries_due",
        "destination",
        "next_attempt_ms",
        sqlite_where=text(WAITING),
        postgresql_where=text(WAITING),
    ),
    Index(
        "ix_deliveries_unsettled",
        "state",
        "id",
        sqlite_where=text(UNSETTLED),
        postgresql_where=text(UNSETTLED),
    ),
    Index(
        "ix_deliveries_lease",
        "lease_until_ms",
        sqlite_where=text(LEASED),
        postgresql_where=text(LEASED),
    ),
)
"""A destination's copy of a task: the version it should have and the version it has.

`intent` is written right before a request leaves (`{kind, version, at_ms}`) and cleared with its
answer: one that is found after a crash means *may have left*. `create_request` keeps the
creating request byte for byte, so that a repeat is the same; its `may_exist` says that it may have
worked. `shown` says what of the task the copy shows, see `workers.copies`.
"""

attempts = Table(
    "attempts",
    metadata,
    Column("id", Name, primary_key=True),
    Column("delivery_id", Name, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Name, nullable=False),
    Column("outcome", Name, nullable=False),
    Column("status", Integer),
    Column("message", Text),
    Column("duration_ms", BigInteger, nullable=False),
    Index("ix_attempts_delivery_id_id", "delivery_id", "id"),
    Index("ix_attempts_at_ms", "at_ms"),
)

refusals = Table(
    "refusals",
    metadata,
    Column("id", Name, primary_key=True),
    Column("connector", Name, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("status", Integer, nullable=False),
    Column("code", Name, nullable=False),
    Column("reason", Text, nullable=False),
    Column("remote", Name),
    Column("headers", Json, nullable=False),
    Index("ix_refusals_connector_id", "connector", "id"),
    Index("ix_refusals_at_ms", "at_ms"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Name, primary_key=True),
    Column("name", Name, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("hash", Name, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("last_used_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("expires_ms", BigInteger),
    UniqueConstraint("hash"),
)
"""API tokens and senders' keys; `hash` is keyed with the installation's key, see `core.token_hash`."""

installation = Table(
    "installation",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", Name, nullable=False),
)
"""What there is once: the key that `api_keys.hash` is made with (`hash-key`, 32 bytes in hex)."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("digest", Name, nullable=False),
    Column("task_id", Name, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Index("ix_idempotency_until_ms", "until_ms"),
    sqlite_with_rowid=False,
)
"""What each `Idempotency-Key` of a token made: `digest` is the request's, so that another one is told."""

audit = Table(
    "audit",
    metadata,
    Column("id", Name, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor", Name, nullable=False),
    Column("action", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("detail", Json, nullable=False),
)
"""What was done that is no task's history: keys made and revoked, replays, tasks deleted."""

rule_sets = Table(
    "rule_sets",
    metadata,
    Column("hash", Name, primary_key=True),
    Column("files", Json, nullable=False),
    Column("intake_table", Json, nullable=False),
    Column("in_force_ms", BigInteger, nullable=False),
)
"""Sets of rules that were in force: file texts by path, so that a bad edit has a good one before it."""

counters = Table(
    "counters",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""Task numbers where the database has no sequences (SQLite)."""
