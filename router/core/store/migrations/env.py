"""Alembic's environment: runs revisions on the connection that `router.core.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from router.core.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
