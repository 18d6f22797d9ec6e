"""Alembic's migrations of the store; `router.core.store.migrate` runs them."""
